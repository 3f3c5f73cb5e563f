"""`decide` through histories good and bad: what holds in all of them, and that all of them end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.views.progress import progress
from common.contracts.job import DEFERRED, DONE, ELSEWHERE, FAILED, READY, RUNNING, TERMINAL, UNKNOWN, Failure
from common.contracts.names import StepName, keys_in
from common.contracts.request import VideoRequest
from orchestrator.engine.knowledge import Knowledge
from orchestrator.engine.working_copy import IllegalMoveError
from orchestrator.workflow import Policy, decide
from tests.support.sim import CANVAS, LEASE, Sim

AGAIN = Failure(code="temporarily_unavailable", message="not now", retryable=True)
NEVER = Failure(code="failed", message="not ever")
OUTAGE = Failure(code="storage_unavailable", message="the store is away", retryable=True, outage=True)

REQUESTS = [
    VideoRequest(prompt="A beautiful sunset over the ocean with waves crashing on the beach"),
    VideoRequest(script="Bees are small. Bees matter to us all. Without them most orchards would be bare."),
    VideoRequest(scenes=[{"show": "a harbour"}, {"narration": "One boat leaves.", "duration": 4}], captions="none"),
    VideoRequest(script="Ten words are spoken here and the film is short.", duration_target=3, music="none"),
]
OWN = {"media": {"asset": "ast_" + "0" * 32}}
POLICIES = [
    VideoRequest(
        scenes=[{"narration": "One boat leaves."}, OWN, {"narration": "It returns.", "show": "a pier"}],
        on_scene_failure=policy,
    )
    for policy in ("fail", "fallback", "partial")
]


@pytest.mark.parametrize("request_", REQUESTS, ids=["prompt", "script", "scenes", "target"])
def test_a_job_without_faults_completes_and_runs_every_step_once(request_: VideoRequest) -> None:
    sim = Sim(request_).run()
    assert sim.job.state == "completed"
    assert set(sim.runs.values()) == {1}
    assert {step.ran_version for step in sim.job.steps.values()} == {1}


def test_a_second_look_at_an_unchanged_job_changes_nothing() -> None:
    sim = Sim(REQUESTS[0])
    sim.look()
    before = sim.job
    decision = sim.look()
    assert decision is not None
    changes = (decision.change.steps, decision.change.events, decision.change.head, decision.change.specs)
    assert not any(changes)
    assert sim.job.steps == before.steps


def test_a_spec_is_told_with_every_step_that_becomes_ready_and_only_then() -> None:
    sim = Sim(REQUESTS[1])
    while not sim.job.terminal:
        before = set(sim.names(READY))
        decision = sim.look()
        assert decision is not None
        assert set(decision.change.specs) == set(sim.names(READY)) - before
        sim.work_off()


def test_work_that_is_known_is_done_without_running() -> None:
    first = Sim(REQUESTS[0]).run()
    second = Sim(REQUESTS[0])
    second.work, second.objects, second.stored = first.work, {**first.objects, **second.objects}, 1_000
    second.job = replace(second.job, request=first.job.request)
    second.run()
    assert second.job.state == "completed"
    assert second.ran == ["publish"], "which is never shared"
    assert all(step.reused for name, step in second.job.steps.items() if name not in ("cast", "publish"))


def test_a_segment_renders_while_another_scene_still_waits_for_footage() -> None:
    sim = Sim(REQUESTS[2])
    for _ in range(100):
        sim.look()
        if "segment:s2.0" in sim.names(READY):
            break
        for name in sim.names(READY):
            if name != "acquire:s1.1":
                token = sim.claim(name)
                assert token is not None
                sim.commit(name, token)
    assert "segment:s2.0" in sim.names(READY)
    assert sim.job.steps["acquire:s1.1"].state == READY


def test_the_sound_is_mixed_when_all_segments_can_begin() -> None:
    sim = Sim(REQUESTS[2])

    def begun(sim: Sim) -> list[str]:
        return [name for name in sim.names(READY) if StepName(name).kind in ("mix", "segment")]

    sim.run(lambda name, spec: AGAIN if name == "acquire:s1.1" else None, until=lambda sim: bool(begun(sim)))
    assert begun(sim) == ["segment:s2.0"]
    sim.run(until=lambda sim: "mix" in begun(sim))
    assert sim.job.steps["segment:s1.0"].state in (READY, DONE)
    assert sim.run().job.state == "completed"


def test_the_same_media_in_two_scenes_is_fetched_once() -> None:
    sim = Sim(VideoRequest(scenes=[OWN, OWN])).run()
    works = {step.fingerprint for name, step in sim.job.steps.items() if StepName(name).kind == "acquire"}
    assert len(works) == 1


def test_a_stale_worker_is_refused() -> None:
    sim = Sim(REQUESTS[1])
    sim.look()
    old = sim.claim("plan")
    assert old is not None
    sim.now += LEASE + 1
    sim.look()
    new = sim.claim("plan")
    assert new is not None
    assert not sim.commit("plan", old)
    assert not sim.beat("plan", old, 0.5)
    assert sim.commit("plan", new)


def test_cancel_ends_the_job_and_every_open_step() -> None:
    sim = Sim(REQUESTS[0])
    sim.look()
    sim.claim("plan")
    sim.cancel()
    sim.look()
    assert sim.job.state == "cancelled"
    assert {step.state for step in sim.job.steps.values()} == {"skipped"}


def test_the_deadline_ends_the_job_with_that_reason() -> None:
    sim = Sim(REQUESTS[0], timeout=5_000)
    sim.look()
    sim.now += 5_000
    sim.look()
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "deadline"
    assert "JOB_TIMEOUT" in sim.job.failure.message
    assert f"POST /mcp/resume/{sim.job.id}" in sim.job.failure.message


@pytest.mark.parametrize("seconds", [0, 3600])
def test_a_film_that_is_published_when_the_deadline_comes_is_a_film(seconds: int) -> None:
    sim = Sim(REQUESTS[0], timeout=3_600_000)
    sim.run(until=lambda sim: "publish" in sim.names("ready"))
    assert sim.work_off()
    sim.now = sim.job.deadline + seconds * 1000
    sim.look()
    assert (sim.job.state, sim.job.failure) == ("completed", None)


def test_a_wish_to_cancel_comes_before_a_published_film() -> None:
    sim = Sim(REQUESTS[0])
    sim.run(until=lambda sim: "publish" in sim.names("ready"))
    assert sim.work_off()
    sim.cancel()
    sim.look()
    assert sim.job.state == "cancelled"


def test_a_film_of_an_earlier_version_does_not_keep_the_deadline_of_a_later_one() -> None:
    sim = Sim(REQUESTS[0]).run()
    sim.edit(voice="en-gb")
    before = dict(sim.job.steps)
    sim.now = sim.job.deadline
    sim.look()
    assert sim.job.failure is not None
    assert (sim.job.state, sim.job.failure.code) == ("failed", "deadline")
    assert sim.job.steps == before, "what was done is not lost for a resume"


def test_a_move_that_no_table_has_is_not_decided() -> None:
    sim = Sim(REQUESTS[0])
    sim.look()
    ended = replace(sim.job, state="completed", cancel=True)
    with pytest.raises(IllegalMoveError, match="completed to cancelled"):
        decide(ended, Knowledge(sim.objects), sim.fleet, Policy(CANVAS, sim.rules), sim.now)


# random histories

TROUBLES = {
    "fail": AGAIN,
    "never": NEVER,
    "outage": OUTAGE,
}
FAULTS = [
    "look",
    "look",
    "claim",
    "claim",
    "claim",
    "commit",
    "commit",
    "commit",
    *TROUBLES,
    "expire",
    "beat",
    "release",
    "defer",
    "defer",
    "rouse",
]
WISHES = [*FAULTS, "lose", "roll_out", "edit", "restore", "resume", "cancel"]
EDITS: list[dict[str, Any]] = [
    {"scenes": [{"id": "s1", "narration": "Two boats leave today."}]},
    {"shots": [{"id": "s1.1", "candidate": "pexels:2"}]},
    {"shots": [{"id": "s1.1", "show": "the open sea"}]},
    {"shots": [{"id": "s1.1", "another": True}], "avoid": {"s1.1": ["pexels:0"]}},
    {"add": [{"narration": "A storm comes up.", "after": "s1"}]},
    {"voice": "en-gb"},
    {"drop": ["s1"]},
    {"scenes": [{"id": "s1", **OWN}]},
]


class History:
    """Random moves over a sim, with tokens that may be long out of date."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.held: list[tuple[str, int]] = []
        self.progress = 0
        self.committed: dict[str, str] = {}
        self.done: dict[str, tuple[str, str]] = {}
        "By step: the work it was last done with, and the facts."
        self.unknown: dict[str, str] = {}
        "Steps whose outcome is unknown, and their work."

    def play(self, move: str, data: st.DataObject) -> None:
        if move in TROUBLES:
            if self.held:
                self.sim.fail(*data.draw(st.sampled_from(self.held)), TROUBLES[move])
        else:
            getattr(self, move)(data)
        self.check()

    def look(self, data: st.DataObject) -> None:
        self.sim.look()

    def claim(self, data: st.DataObject) -> None:
        ready = self.sim.names(READY)
        if not ready:
            self.sim.look()
            return
        name = data.draw(st.sampled_from(ready))
        step = self.sim.job.steps[name]
        token = self.sim.claim(name)
        if token is not None:
            assert self.unknown.get(name) != step.fingerprint, f"{name} is repeated although nobody knows its outcome"
            assert self.done.get(name, ("", ""))[0] != step.fingerprint, f"{name} runs again for what it has done"
            self.held.append((name, token))

    def commit(self, data: st.DataObject) -> None:
        # Any token ever held, in any order, as often as the draw likes.
        if self.held:
            self.sim.commit(*data.draw(st.sampled_from(self.held)))

    def release(self, data: st.DataObject) -> None:
        if self.held:
            self.sim.release(*data.draw(st.sampled_from(self.held)))

    def defer(self, data: st.DataObject) -> None:
        if self.held:
            name, token = data.draw(st.sampled_from(self.held))
            state = data.draw(st.sampled_from([DEFERRED, DEFERRED, UNKNOWN]))
            ticket = self.sim.job.steps[name].ticket or f"ticket {len(self.sim.tickets)}"
            if self.sim.defer(name, token, ticket, data.draw(st.sampled_from([0, 3, 600])), state) and state == UNKNOWN:
                self.unknown[name] = self.sim.job.steps[name].fingerprint

    def rouse(self, data: st.DataObject) -> None:
        elsewhere = [name for name, step in self.sim.job.steps.items() if step.state in ELSEWHERE]
        if elsewhere:
            name = data.draw(st.sampled_from(elsewhere))
            self.sim.rouse(name)
            if self.sim.job.steps[name].state == READY:
                self.unknown.pop(name, None)

    def beat(self, data: st.DataObject) -> None:
        if self.held:
            self.sim.beat(*data.draw(st.sampled_from(self.held)), data.draw(st.floats(0, 1)))

    def expire(self, data: st.DataObject) -> None:
        self.sim.now += data.draw(st.sampled_from([100, 5_000, LEASE + 1]))

    def lose(self, data: st.DataObject) -> None:
        kinds = ("plan", "speak", "search", "acquire", "segment", "mix")
        steps = self.sim.job.steps
        done = [name for name in self.sim.names(DONE) if StepName(name).kind in kinds]
        made = [name for name in done if keys_in(steps[name].facts)]
        if made:
            self.sim.lose(data.draw(st.sampled_from(made)))
            self.done = {name: kept for name, kept in self.done.items() if self.intact(kept[1])}
            self.committed = {work: facts for work, facts in self.committed.items() if self.intact(facts)}

    def intact(self, facts: str) -> bool:
        return all(key in self.sim.objects for key in keys_in(facts))

    def roll_out(self, data: st.DataObject) -> None:
        self.sim.builds = data.draw(st.sampled_from([{"build-1"}, {"build-2"}, {"build-1", "build-2"}, set()]))

    def edit(self, data: st.DataObject) -> None:
        if self.sim.job.storyboard is not None and self.sim.job.storyboard.key in self.sim.objects:
            self.sim.edit(**data.draw(st.sampled_from(EDITS)))
            self.progress = 0

    def restore(self, data: st.DataObject) -> None:
        if self.sim.versions:
            self.sim.restore(data.draw(st.sampled_from(sorted(self.sim.versions))))
            self.progress = 0

    def resume(self, data: st.DataObject) -> None:
        if self.sim.job.terminal and self.sim.job.state != "completed":
            self.sim.resume()
            self.unknown.clear()

    def cancel(self, data: st.DataObject) -> None:
        self.sim.cancel()

    def check(self) -> None:
        """Safety: what holds after every move."""
        job = self.sim.job
        running = [step.token for step in job.steps.values() if step.state == RUNNING]
        assert len(running) == len(set(running)), "one token, two holders"
        assert self.sim.tokens == sorted(self.sim.tokens), "tokens only grow"
        for name, step in job.steps.items():
            if step.state == DONE and name != "cast" and self.intact(step.facts):
                assert self.committed.setdefault(step.fingerprint, step.facts) == step.facts, f"{name} has two results"
                self.done[name] = (step.fingerprint, step.facts)
            assert 0 <= step.attempt <= self.sim.rules.max_attempts
        on_steps = {step.ticket for step in job.steps.values() if step.ticket}
        assert on_steps == {ticket for ticket, state in self.sim.tickets.items() if state == "kept"}, "a ticket is lost"
        if job.terminal:
            assert not on_steps, "work goes on elsewhere for a job that has ended"
        if job.state in ("completed", "partial"):
            assert job.steps["publish"].state == DONE
            assert bool(job.pins.left_out) == (job.state == "partial")
            assert not self.sim.names(READY)
            assert not self.sim.names(RUNNING)

    def check_progress(self) -> None:
        shown = progress(self.sim.job)
        assert shown >= self.progress, "progress went back"
        self.progress = shown

    def end(self) -> None:
        """Liveness: once faults stop, the job ends by itself."""
        self.sim.builds = {"build-2"}
        for _ in range(500):
            if self.sim.job.terminal:
                return
            self.sim.now += LEASE + 1
            self.sim.look()
            self.sim.work_off()
            self.check()
        raise AssertionError(f"the job did not end: {self.sim.job}")


@settings(max_examples=50, deadline=None)
@given(request_=st.sampled_from(REQUESTS), data=st.data())
def test_any_history_of_faults_is_safe_and_ends(request_: VideoRequest, data: st.DataObject) -> None:
    history = History(Sim(request_))
    for _ in range(data.draw(st.integers(0, 60))):
        history.play(data.draw(st.sampled_from(FAULTS)), data)
        history.check_progress()
    history.end()
    job = history.sim.job
    assert job.state in TERMINAL
    if job.state == "completed":
        assert all(StepName(name).kind == "search" for name in history.sim.names(FAILED)), "only a search may fail"


@settings(max_examples=100, deadline=None)
@given(request_=st.sampled_from(POLICIES), data=st.data())
def test_any_history_of_faults_and_wishes_is_safe_and_ends(request_: VideoRequest, data: st.DataObject) -> None:
    history = History(Sim(request_))
    for _ in range(data.draw(st.integers(0, 80))):
        history.play(data.draw(st.sampled_from(WISHES)), data)
    history.end()
    assert history.sim.job.state in TERMINAL


@settings(max_examples=30, deadline=None)
@given(request_=st.sampled_from(REQUESTS), moves=st.integers(0, 40), data=st.data())
def test_cancel_at_any_moment_ends_in_cancelled(request_: VideoRequest, moves: int, data: st.DataObject) -> None:
    sim = Sim(request_)
    history = History(sim)
    for _ in range(moves):
        history.play(data.draw(st.sampled_from(FAULTS)), data)
    ended = sim.job.state if sim.job.terminal else ""
    sim.cancel()
    sim.look()
    assert sim.job.state == (ended or "cancelled")
