"""Random histories of the scripts against a real Redis, held against a plain model of what should be there.

The model knows nothing of hashes, rings and streams. It says what a job is after each call; the invariants
compare that with what the store reads back, and check that the store's own lists agree with its records.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from common.contracts.base import ObjectRef
from common.contracts.job import (
    BATCH,
    DEFERRED,
    DONE,
    ELSEWHERE,
    FAILED,
    INTERACTIVE,
    LANES,
    PARTIAL,
    READY,
    RUNNING,
    SKIPPED,
    TERMINAL,
    UNKNOWN,
    WAITING,
    Change,
    Failure,
    Job,
)
from common.contracts.later import Later, Unknown
from common.jobs.claims import Claim
from common.jobs.record import event_of, job_of
from common.jobs.reopening import Revision
from common.jobs.store import JobStore
from common.jobs.wishes import Limits, NewJob, TooManyJobs
from infra.chaos.invariants import wrong_path
from tests.support.asking import dispatch

REQUEST = ObjectRef(key="local/request/a/b", sha256="0" * 64, size=1, media_type="application/json")
FAILURE = Failure(code="failed", message="no")
JOBS = ("job_1", "job_2", "job_3")
OWNERS = {"job_1": "a", "job_2": "a", "job_3": "b"}
LANE_OF = {"job_1": INTERACTIVE, "job_2": BATCH, "job_3": INTERACTIVE}
STEPS = ("speak:s1", "segment:s1.0", "mix")
QUEUE = {"speak:s1": "speech", "segment:s1.0": "render", "mix": "render"}
MOST_OF_OWNER = 2
OPEN = (READY, RUNNING, WAITING, DEFERRED, UNKNOWN)
"States of a step that an ending skips."
jobs = st.sampled_from(("job_1",) * 4 + JOBS)
"Mostly the same one, so that histories get deep."
fresh = st.sampled_from((True, True, True, False))
"Whether a decision saw the job as it is now, or as it was at some earlier look."
steps = st.sampled_from(STEPS)
works = st.sampled_from(("w", "w", "w", "v"))
tickets = st.sampled_from(("t1", "t1", "t2"))
recent = st.sampled_from((0, 0, 0, 1, 2, 5))


@dataclass
class ModelStep:
    state: str
    token: int = 0
    attempt: int = 0
    facts: str = ""
    work: str = ""
    ticket: str = ""
    spent: int = 0
    "Attempts before its order was placed."


@dataclass
class ModelJob:
    lane: str
    state: str = "queued"
    started: bool = False
    cancel: bool = False
    version: int = 1
    planned: bool = False
    rev: int = 0
    saved: int = 0
    token: int = 0
    archived: bool = False
    steps: dict[str, ModelStep] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL


class Histories(RuleBasedStateMachine):
    store: JobStore  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, ModelJob] = {}
        self.claims: list[Claim] = []
        self.seen: dict[str, Job] = {}
        self.woken: set[tuple[str, str, int]] = set()
        "Running steps there was news for, with their tokens."
        self.called_off: set[tuple[str, str, str]] = set()
        self.number = 0

    @initialize()
    def one_job_with_work(self) -> None:
        self.store.scripts.client.flushall()
        self.create("job_1", "")
        self.admit(0)
        self.make_ready("job_1", {"mix", "speak:s1"}, True, "w")
        self.plan("job_1", True)

    # what clients do

    @rule(job=jobs, key=st.sampled_from(["", "k1", "k2"]))
    def create(self, job: str, key: str) -> None:
        owner = OWNERS[job]
        active = sum(not one.ended for name, one in self.model.items() if OWNERS[name] == owner)
        known = bool(key) and self.store.scripts.client.hget(f"request:{owner}:{key}", "answer")
        try:
            made = self.store.create(
                owner,
                [NewJob(job, REQUEST, 60, lane=LANE_OF[job])],
                answer=job,
                request_key=key,
                request_digest="d",
                limits=Limits(of_owner=MOST_OF_OWNER),
            )
        except TooManyJobs:
            assert active >= MOST_OF_OWNER
            assert not known
            assert job not in self.model
            return
        assert made.replayed == bool(known)
        assert made.answer == (known or job)
        if not known and job not in self.model:
            self.model[job] = ModelJob(LANE_OF[job])

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        model = self.model.get(job)
        assert self.store.wish_cancel(job) == (model.state if model else None)
        if model and not model.ended and not model.cancel:
            model.cancel = True
            model.rev += 1

    @rule(job=jobs)
    def resume(self, job: str) -> None:
        model = self.model.get(job)
        outcome = self.store.resume(job)
        if model is None:
            assert outcome == "unknown"
        elif not model.ended:
            assert outcome == "not_ended"
        elif model.state == "completed":
            assert outcome == "completed"
        elif not model.archived:
            assert outcome == "unarchived"
        else:
            assert outcome == "ok"
            if model.state == PARTIAL and model.planned:
                self._next_version(model)  # the film that was delivered stays a version of its own
            self._reopened(model)

    @rule(job=jobs, version=st.integers(1, 4))
    def revise(self, job: str, version: int) -> None:
        model = self.model.get(job)
        self.number += 1
        edit = REQUEST.model_copy(update={"key": f"local/edit/{self.number}"})
        outcome = self.store.revise(job, version, Revision("edit", REQUEST, edit))
        if model is None:
            assert outcome == "unknown"
        elif model.version != version:
            assert outcome == "stale"
        elif not model.planned:
            assert outcome == "unplanned"
        elif model.ended and not model.archived:
            assert outcome == "unarchived"
        elif not model.ended and model.cancel:
            assert outcome == "cancelling"
        else:
            assert outcome == "ok"
            self._next_version(model)
            if model.ended:
                model.lane = "regenerate"
                self._reopened(model)
            else:
                model.rev += 1

    def _next_version(self, model: ModelJob) -> None:
        model.version += 1
        model.planned = False

    def _reopened(self, model: ModelJob) -> None:
        model.state, model.started, model.cancel, model.archived = "queued", False, False, False
        model.rev += 1
        for step in model.steps.values():
            if step.state in (FAILED, SKIPPED):
                step.state, step.attempt = WAITING, 0

    # what the reconciler does

    @rule(places=st.integers(0, 2))
    def admit(self, places: int) -> None:
        waiting = {name for name, one in self.model.items() if not one.ended and not one.started}
        let_in = self.store.admit(places)
        now_in = {name for name in waiting if self._load(name).started}
        assert len(now_in) == let_in
        for name in now_in:
            self.model[name].started = True
            self.model[name].rev += 1
        for lane in (INTERACTIVE, BATCH, "regenerate"):
            running = sum(one.started and not one.ended and one.lane == lane for one in self.model.values())
            left = any(not one.started and not one.ended and one.lane == lane for one in self.model.values())
            assert not left or (places and running >= places), "nobody waits while there is a place"

    @rule(job=jobs)
    def look(self, job: str) -> None:
        """Remembers a job as a decision would see it; later rules decide on what they saw."""
        if job in self.model:
            self.seen[job] = self._load(job)

    @rule(job=jobs, names=st.sets(steps, min_size=1), fresh=fresh, work=works)
    def make_ready(self, job: str, names: set[str], fresh: bool, work: str) -> None:
        def patch(model: ModelJob) -> None:
            for name in names:
                step = model.steps.setdefault(name, ModelStep(READY))
                if step.work != work:
                    self._drop_ticket(job, name, step)
                step.state, step.facts, step.work = READY, "", work

        fields = {"state": READY, "work": work, "needs": "1", "facts": "", "not_before": 0}
        patches = {name: dict(fields) for name in names}
        self._decide(
            job,
            fresh,
            patch,
            steps=patches,
            ready={name: QUEUE[name] for name in names},
            specs=dict.fromkeys(names, "{}"),
        )

    @rule(job=jobs, names=st.sets(steps, min_size=1), state=st.sampled_from([WAITING, SKIPPED]), fresh=fresh)
    def set_aside(self, job: str, names: set[str], state: str, fresh: bool) -> None:
        def patch(model: ModelJob) -> None:
            for name in names:
                step = model.steps.setdefault(name, ModelStep(state))
                step.state = state
                if state == SKIPPED:
                    self._drop_ticket(job, name, step)

        patches = {name: {"state": state} for name in names}
        self._decide(job, fresh, patch, steps=patches, unready={name: QUEUE[name] for name in names})

    @rule(job=jobs, fresh=fresh)
    def plan(self, job: str, fresh: bool) -> None:
        def patch(model: ModelJob) -> None:
            model.planned = True

        self._decide(job, fresh, patch, head={"storyboard": REQUEST.model_dump_json()})

    @rule(job=jobs, state=st.sampled_from(sorted(TERMINAL)), fresh=fresh)
    def end(self, job: str, state: str, fresh: bool) -> None:
        def patch(model: ModelJob) -> None:
            model.state = state
            for name, step in model.steps.items():
                if step.state in OPEN:
                    step.state = SKIPPED
                    self._drop_ticket(job, name, step)

        if fresh:
            self.look(job)
        seen = self.seen.get(job)
        open_steps = [name for name, step in (seen.steps if seen else {}).items() if step.state in OPEN]
        patches = {name: {"state": SKIPPED} for name in open_steps}
        unready = {name: QUEUE[name] for name in open_steps}
        self._decide(job, fresh, patch, ends=True, head={"state": state, "finished": 1}, steps=patches, unready=unready)

    def _drop_ticket(self, job: str, name: str, step: ModelStep) -> None:
        if step.ticket:
            self.called_off.add((job, name, step.ticket))
        step.ticket = ""

    def _decide(self, job: str, fresh: bool, apply: Any, *, ends: bool = False, **fields: Any) -> None:
        """Saves a decision about what is there now, or about what `look` saw, which may be long ago."""
        if fresh:
            self.look(job)
        seen, model = self.seen.get(job), self.model.get(job)
        if seen is None or model is None or seen.terminal:
            return
        told = [("step", {"step": name, "state": one["state"]}) for name, one in fields.get("steps", {}).items()]
        told += [("job", {"state": fields["head"]["state"]})] if ends else []
        change = {"head": {}, "steps": {}, "ready": {}, "unready": {}, "events": tuple(told), "look": 2**52} | fields
        outcome = self.store.save(seen, Change(**change))
        in_time = (seen.decisions, seen.version, seen.cancel) == (model.saved, model.version, model.cancel)
        for name in change["steps"]:
            before = model.steps.get(name, ModelStep("", 0))
            was = seen.steps.get(name)
            in_time &= (before.state, before.token) == ((was.state, was.token) if was else ("", 0))
        if ends and seen.rev != model.rev:
            in_time = False
        assert outcome == in_time
        if outcome:
            apply(model)
            model.rev += 1
            model.saved += 1

    # what workers do

    @rule(job=jobs, step=steps, toolchains=st.sampled_from([["1"], ["1"], ["2", "1"], ["2"]]))
    def claim(self, job: str, step: str, toolchains: list[str]) -> None:
        self.number += 1
        got = self.store.claim(
            job, step, nonce=str(self.number), worker="w", lease=60, queue=QUEUE[step], toolchains=toolchains
        )
        model = self.model.get(job)
        if model is None or step not in model.steps:
            assert got == "gone"
        elif model.ended or model.cancel:
            assert got == "called_off"
        elif model.steps[step].state != READY:
            assert got == "not_ready"
        elif "1" not in toolchains:
            assert got == "other_build"
        else:
            assert isinstance(got, Claim)
            one = model.steps[step]
            model.token += 1
            model.rev += model.state == "queued"
            one.state, one.token, one.attempt = RUNNING, model.token, one.attempt + 1
            assert (got.token, got.attempt, got.spec, got.ticket) == (one.token, one.attempt, "{}", one.ticket)
            self.claims.append(got)

    @rule(pick=st.integers(0, 20))
    def claim_what_is_ready(self, pick: int) -> None:
        ready = [
            (name, step)
            for name, one in self.model.items()
            for step, state in one.steps.items()
            if state.state == READY and not one.ended
        ]
        if ready:
            self.claim(*ready[pick % len(ready)], "1")

    def _claim(self, pick: int) -> Claim:
        """One of the latest claims, mostly the very last."""
        return self.claims[-1 - min(pick, len(self.claims) - 1)]

    def _valid(self, claim: Claim) -> bool:
        model = self.model.get(claim.job_id)
        if model is None or model.ended:
            return False
        step = model.steps.get(claim.step)
        return step is not None and step.state == RUNNING and step.token == claim.token

    @precondition(lambda self: self.claims)
    @rule(pick=recent)
    def beat(self, pick: int) -> None:
        claim = self._claim(pick)
        expected = "lost"
        if self._valid(claim):
            expected = "called_off" if self.model[claim.job_id].cancel else "ok"
        assert self.store.beat(claim, 60, 0.5) == expected

    @precondition(lambda self: self.claims)
    @rule(pick=recent, twice=st.booleans())
    def commit(self, pick: int, twice: bool) -> None:
        claim = self._claim(pick)
        facts = f'"{claim.token}"'
        valid = self._valid(claim)
        model = self.model.get(claim.job_id)
        step = model.steps.get(claim.step) if model else None
        again = step is not None and step.state == DONE and step.token == claim.token
        outcome = self.store.commit(claim, facts, 0)
        assert (outcome == "ok") == (valid or again)
        if valid:
            assert model is not None
            assert step is not None
            step.state, step.facts, step.ticket = DONE, facts, ""
            model.rev += 1
            if twice:
                assert self.store.commit(claim, facts, 0) == "ok"

    @precondition(lambda self: self.claims)
    @rule(pick=recent, release=st.booleans())
    def give_up(self, pick: int, release: bool) -> None:
        claim = self._claim(pick)
        valid = self._valid(claim)
        model = self.model.get(claim.job_id)
        step = model.steps.get(claim.step) if model else None
        resting = READY if release else FAILED
        again = step is not None and step.state == resting and step.token == claim.token
        if release:
            assert self.store.release(claim) == (valid or (again and model is not None))
        else:
            assert self.store.fail(claim, FAILURE) == (valid or again)
        if valid:
            assert model is not None
            assert step is not None
            step.state = resting
            step.attempt -= release
            model.rev += 1

    @precondition(lambda self: self.claims)
    @rule(pick=recent, ticket=tickets, unknown=st.booleans(), twice=st.booleans())
    def defer(self, pick: int, ticket: str, unknown: bool, twice: bool) -> None:
        claim = self._claim(pick)
        outcome = (Unknown if unknown else Later)(ticket, 60.0, "elsewhere")
        valid, step = self._valid(claim), self._step(claim)
        again = step is not None and (step.token, step.ticket) == (claim.token, ticket) and step.state != RUNNING
        assert self.store.defer(claim, outcome, 0.5) == (valid or again)
        if valid:
            assert step is not None
            woken = (claim.job_id, claim.step, claim.token) in self.woken
            step.state = UNKNOWN if unknown and not woken else DEFERRED
            step.spent = step.spent if step.ticket == ticket else step.attempt - 1
            step.attempt, step.ticket = step.spent, ticket
            self.model[claim.job_id].rev += 1
            if twice:
                assert self.store.defer(claim, outcome, 0.5)
        elif not again and self._put_off(claim, step):
            assert step is not None
            step.ticket = ticket
        elif not again:
            self._lose(claim, ticket, step)

    @precondition(lambda self: self.claims)
    @rule(pick=recent, ticket=tickets | st.just(""))
    def keep_ticket(self, pick: int, ticket: str) -> None:
        claim = self._claim(pick)
        valid, step = self._valid(claim) and not self.model[claim.job_id].cancel, self._step(claim)
        assert self.store.keep_ticket(claim, ticket) == valid
        if valid:
            assert step is not None
            step.ticket = ticket
        elif ticket:
            self._lose(claim, ticket, step)

    def _put_off(self, claim: Claim, step: ModelStep | None) -> bool:
        """True if the step still waits to do the work of the claim, and nobody else has begun."""
        ended = self.model[claim.job_id].ended if claim.job_id in self.model else True
        same = step is not None and (step.token, step.work) == (claim.token, claim.fingerprint)
        return same and not ended and step is not None and step.state in (WAITING, READY)

    def _step(self, claim: Claim) -> ModelStep | None:
        model = self.model.get(claim.job_id)
        return model.steps.get(claim.step) if model else None

    def _lose(self, claim: Claim, ticket: str, step: ModelStep | None) -> None:
        """A ticket that the record does not have is called off, since nobody else will ever know of it."""
        if step is None or step.ticket != ticket:
            self.called_off.add((claim.job_id, claim.step, ticket))

    @rule(job=jobs, name=steps, ticket=tickets)
    def rouse(self, job: str, name: str, ticket: str) -> None:
        model = self.model.get(job)
        step = model.steps.get(name) if model and not model.ended else None
        waits = step is not None and step.ticket == ticket
        assert self.store.rouse(job, name, ticket) == waits
        if waits and step is not None and model is not None:
            if step.state == RUNNING:
                self.woken.add((job, name, step.token))
            elif step.state in ELSEWHERE:
                step.state = READY
                model.rev += 1

    @rule(queue=st.sampled_from(["render", "speech"]))
    def call_off(self, queue: str) -> None:
        one = self.store.take_call_off(queue, 0.0)
        if one is not None:
            assert (one.job, one.step, one.ticket) in self.called_off
            assert (one.owner, one.spec) == (OWNERS[one.job], "{}")
            model = self.model.get(one.job)
            step = model.steps.get(one.step) if model else None
            still = step is not None and one.work == step.work and step.state in OPEN
            assert self.store.is_still_done(one) == (bool(one.work) and still)

    @rule(queue=st.sampled_from(["render", "speech"]), room=st.integers(1, 4))
    def dispatch(self, queue: str, room: int) -> None:
        for job, step in dispatch(self.store, queue, room, 0.0):
            assert self.model[job].steps[step].state == READY
            assert QUEUE[step] == queue

    # what the janitor does

    @rule(job=jobs)
    def archive(self, job: str) -> None:
        model = self.model.get(job)
        rev = self._load(job).rev if model else 0
        assert self.store.archived(job, rev, 0.0) == bool(model and model.ended)
        if model and model.ended:
            model.archived = True

    @rule(job=jobs)
    def forget(self, job: str) -> None:
        model = self.model.get(job)
        assert self.store.forget(job) == bool(model and model.archived and model.ended)
        if model and model.archived and model.ended:
            del self.model[job]
            self.seen.pop(job, None)
            self.claims = [claim for claim in self.claims if claim.job_id != job]

    # what must hold

    def _load(self, job: str) -> Job:
        found = self.store.load(job)
        assert found is not None
        return found

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        with self.store.scripts.client.pipeline() as pipe:
            asked = [self._ask_for_records(pipe), self._ask_for_lists(pipe), self._ask_for_hints(pipe)]
            answers = iter(pipe.execute())
        records, lists, hints = ({key: next(answers) for key in keys} for keys in asked)
        self._check_records(records)
        self._check_lists(lists)
        self._check_hints(hints)

    def _ask_for_records(self, pipe: Any) -> list[Any]:
        for name in JOBS:
            pipe.hgetall(f"job:{name}")
            pipe.xrange(f"job:{name}:ev")
        return [key for name in JOBS for key in (name, (name, "events"))]

    def _check_records(self, records: dict[Any, Any]) -> None:
        for name in JOBS:
            model, found = self.model.get(name), job_of(name, records[name]) if records[name] else None
            assert (model is None) == (found is None)
            if model is None or found is None:
                continue
            ours = (model.state, model.started, model.cancel, model.version, model.lane, model.planned)
            planned = found.storyboard is not None
            assert (found.state, bool(found.started), found.cancel, found.version, found.lane, planned) == ours
            assert (found.rev, found.decisions, found.token) == (model.rev, model.saved, model.token)
            steps = {
                key: (one.state, one.token, one.attempt, one.facts, one.fingerprint, one.ticket)
                for key, one in found.steps.items()
            }
            ours_of = {
                key: (one.state, one.token, one.attempt, one.facts, one.work, one.ticket)
                for key, one in model.steps.items()
            }
            assert steps == ours_of
            events = [event_of(entry, fields) for entry, fields in records[name, "events"]]
            assert list(wrong_path(found, events)) == [], "readers of the log can follow"
            assert sorted(found.versions) == list(range(1, found.version + 1))

    def _ask_for_lists(self, pipe: Any) -> list[str]:
        sets = ["active", "active:a", "active:b", *(f"running:{lane}" for lane in LANES), "load:render", "load:speech"]
        sorted_sets = ["due", "archive", "jobs:a", "jobs:b", "calloff:render", "calloff:speech"]
        for key in sets:
            pipe.smembers(key)
        for key in sorted_sets:
            pipe.zrange(key, 0, -1)
        return sets + sorted_sets

    def _check_lists(self, lists: dict[str, Any]) -> None:
        active = {name for name, one in self.model.items() if not one.ended}
        assert lists["active"] == active == set(lists["due"])
        for owner in ("a", "b"):
            mine = {name for name in self.model if OWNERS[name] == owner}
            assert set(lists[f"jobs:{owner}"]) == mine
            assert lists[f"active:{owner}"] == mine & active
        unarchived = {name for name, one in self.model.items() if one.ended and not one.archived}
        assert set(lists["archive"]) == unarchived
        for lane in LANES:
            running = {name for name in active if self.model[name].started and self.model[name].lane == lane}
            assert lists[f"running:{lane}"] == running
        for queue in ("render", "speech"):
            busy = {
                f"{job}/{name}"
                for job, one in self.model.items()
                for name, step in one.steps.items()
                if step.state in (READY, RUNNING) and QUEUE[name] == queue
            }
            assert lists[f"load:{queue}"] == busy
        entries = [json.loads(text) for queue in ("render", "speech") for text in lists[f"calloff:{queue}"]]
        assert {(one["job"], one["step"], one["ticket"]) for one in entries} == self.called_off

    def _ask_for_hints(self, pipe: Any) -> list[tuple[str, str]]:
        keys = []
        for queue in ("render", "speech"):
            pipe.zrange(f"later:{queue}", 0, -1)
            keys.append((queue, "later"))
            for name in JOBS:
                for lane in LANES:
                    pipe.zrange(f"ready:{queue}:{lane}:{OWNERS[name]}:{name}", 0, -1)
                    keys.append((queue, f"{lane}/{name}"))
        return keys

    def _check_hints(self, hints: dict[tuple[str, str], list[str]]) -> None:
        """Every ready step waits for a hint, once, and nothing else does."""
        for queue in ("render", "speech"):
            waiting = [member.split("/", 2)[2] for member in hints[queue, "later"]]
            for (of_queue, place), found in hints.items():
                if of_queue == queue and place != "later":
                    waiting += [f"{place.partition('/')[2]}/{step}" for step in found]
            expected = [
                f"{name}/{step}"
                for name, one in self.model.items()
                for step, state in one.steps.items()
                if state.state == READY and QUEUE[step] == queue and not one.ended
            ]
            assert sorted(waiting) == sorted(expected)


@pytest.fixture
def machine(store: JobStore) -> type[Histories]:
    return type("Machine", (Histories,), {"store": store})


def play(machine: type[Histories], examples: int, length: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=length,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_random_histories_agree_with_the_model(machine: type[Histories]) -> None:
    play(machine, 120, 40)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_long_random_histories_agree_with_the_model(machine: type[Histories]) -> None:
    play(machine, 600, 80)
