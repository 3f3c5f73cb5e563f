"""The working copy of a job that a decision is made on: each wanted step is compared with the step there is. Pure.

`want(step, spec)` is the whole trick. The workflow says what each step should do, every time it looks; the working copy
compares the fingerprint of that with the one of what the step last did, and moves the step only if they differ. So a
changed input redoes what depends on it and nothing else, a late or doubled fact changes nothing, and the workflow needs
no memory of its own. (The `Memo` saves time, nothing else.)
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.job import (
    DONE,
    FAILED,
    QUEUED,
    READY,
    RUNNING,
    SETTLED,
    SKIPPED,
    STEP_MOVES,
    WAITING,
    Failure,
    Job,
    Pins,
    Step,
)
from common.contracts.names import Kind, StepName, keys_in
from common.contracts.steps import STEP_KINDS, parse_facts, spec_fingerprint
from common.jobs.record import step_patch
from common.retry import backoff
from orchestrator.engine.capabilities import Fleet, Pinning
from orchestrator.engine.memo import Memo

ATTEMPTS = {"below_standard": 2}
"By failure: what would come out the same again is not made more often."


CAST = StepName.of(Kind.CAST)
"The one step that decisions carry out themselves."


class IllegalMoveError(Exception):
    """A decision asked for a move that the tables of moves do not have: a defect of the workflow."""


@dataclass(frozen=True)
class Rules:
    """How patient the pipeline is."""

    max_attempts: int = 3
    max_losses: int = 6
    "Workers die of restarts and outages, which is no fault of the step; of a poisonous input they die every time."
    retry_seconds: float = 1.0
    repin_ms: int = 60_000
    "How long a toolchain may be away before the job takes another."
    longest_pause: float = 60.0
    "Seconds. Who asks for a longer pause is not waited for: what can be replaced is replaced."
    outage_ms: int = 3_000
    "The pause before a step is tried again that met an outage of our own."


class Work(NamedTuple):
    """What a step is asked to do."""

    fingerprint: str
    toolchain: str
    spec: str
    "JSON."


@dataclass(frozen=True)
class Knowledge:
    """Answers to the questions of earlier decisions about the same job."""

    bodies: Mapping[str, bytes] = field(default_factory=dict)
    "Stored objects the reconciler has read, by key."
    known: Mapping[str, str | None] = field(default_factory=dict)
    "Facts of work done before, by fingerprint; None when there are none."
    vanished: frozenset[str] = frozenset()
    "Keys of objects the reconciler wanted to read, or looked for, and did not find."
    seen: Collection[str] = ()
    "Keys of those it looked for and found."


@dataclass
class WorkingCopy:
    """A working copy of one job. Collects patches, specs and questions for the reconciler."""

    job: Job
    knowledge: Knowledge
    fleet: Fleet
    rules: Rules
    now: int
    memo: Memo
    steps: dict[str, Step] = field(init=False)
    pinning: Pinning = field(init=False)
    specs: dict[str, str] = field(default_factory=dict)
    "Specs of the steps that were told to do something, as JSON."
    missing: dict[str, ObjectRef] = field(default_factory=dict)
    "Objects to read before deciding again."
    unknown: set[str] = field(default_factory=set)
    "Fingerprints to look up before deciding again."
    doubted: set[str] = field(default_factory=set)
    "Keys of objects to look for before deciding again."
    final: dict[str, Failure] = field(default_factory=dict)
    "Steps that will not be tried again, and why; with an empty name, why the job as a whole cannot go on."
    forget: set[str] = field(default_factory=set)
    "Fingerprints of work whose known results are gone."
    _changed: dict[str, None] = field(default_factory=dict)
    _wanted: set[str] = field(default_factory=set)
    _toolchains: dict[str, str] = field(default_factory=dict)
    "By kind: the one that this look takes."
    _makers: dict[str, frozenset[str]] = field(init=False)
    "Steps that made objects which are gone, and the keys of these."
    _orphans: frozenset[str] = field(init=False)
    "Keys of objects that are gone and that no step has made."
    _losing: bool = field(init=False)
    "Whether anything is gone."

    def __post_init__(self) -> None:
        self.steps = dict(self.job.steps)
        self.pinning = Pinning(self.fleet, self.job.pins, self.job.steps, self.now, self.rules.repin_ms)
        failures = (step.failure for step in self.steps.values() if step.state == FAILED)
        gone = self.knowledge.vanished.union(*(failure.missing.split() for failure in failures if failure is not None))
        made = {step.name: gone & _keys(step.facts) for step in self.steps.values()} if gone else {}
        self._makers = {name: keys for name, keys in made.items() if keys}
        self._orphans = gone.difference(*self._makers.values())
        self._losing = bool(gone)

    # what the workflow asks

    def begin(self) -> None:
        """A new round of wants: what was wanted in the last one is wanted no more, unless it is said again."""
        self._wanted = {CAST}
        self.final = {}

    def body(self, ref: ObjectRef) -> bytes | None:
        """A stored object, or None until the reconciler has read it."""
        if ref.key in self.knowledge.bodies:
            return self.knowledge.bodies[ref.key]
        if ref.key in self.knowledge.vanished:
            # Were its maker wanted and about to make it again, nobody could know of it now.
            self.final[""] = _irretrievable(ref.key)
        else:
            self.missing[ref.key] = ref
        return None

    @property
    def pins(self) -> Pins:
        return self.pinning.pins

    def pin(self, **values: Any) -> None:
        """Settles something for the whole job. `values` are fields of `Pins`."""
        self.pinning.pins = replace(self.pinning.pins, **values)

    def want(self, name: StepName, make: Callable[..., Contract], *inputs: Any) -> Any:
        """The facts of the step if it has done what the spec `make(*inputs)` asks, else None: then it is on its way.

        None, too, while no worker is known that could do it. The inputs must be the same objects while they are equal.
        """
        kind = name.kind
        toolchain = self._toolchains.get(kind) or self._toolchain(kind)
        if toolchain is None:
            return None
        work = self.memo(_work, kind, toolchain, make, *inputs, of=name)
        self._wanted.add(name)
        step = self.steps.get(name)
        if step is None or step.state != DONE or step.fingerprint != work.fingerprint or name in self._makers:
            step = self._on_its_way(step or Step(name), work)
            self._put(step)
        if step.state != DONE or name in self.final:
            return None
        return self.memo(parse_facts, kind, step.facts, of=name)

    def record(self, name: StepName, fingerprint: str, facts: Contract) -> None:
        """Records the outcome of a step that the decision itself carries out."""
        step = Step(name, state=DONE, fingerprint=fingerprint, facts=facts.model_dump_json(), progress=1.0)
        self._put(replace(step, ran_version=self.job.version))

    def sweep(self, expected: frozenset[str], left_out: frozenset[str]) -> None:
        """Puts every step in its place that was not wanted in this round.

        `expected` will be wanted once what they need is there. What is not among them does not belong to the film;
        but of scenes that were `left_out`, what failed stays to be seen.
        """
        for name in sorted(expected - self.steps.keys()):
            self._put(Step(name))
        for name in sorted(self.steps.keys() - self._wanted):
            step = self.steps[name]
            if name in expected:
                self._put(self._put_off(step))
            elif step.state != SKIPPED and not (step.state == FAILED and name in left_out):
                self._put(replace(step, state=SKIPPED))

    def look_for(self, inputs: Mapping[str, frozenset[str]]) -> None:
        """Asks whether what was made long ago is still there, as far as steps need it that are going to run.

        Otherwise each of them would find out by itself, one after the other. `inputs` tells of which steps each one is
        given what they made; it comes behind these.
        """
        running = {name for name, step in self.steps.items() if step.state in (READY, RUNNING)}
        for name, makers in inputs.items():
            # What is made anew has another name than before, so whoever is given it runs, too.
            if name in running or not running.isdisjoint(makers):
                running.add(name)
                for maker in makers:
                    self._doubt(self.steps[maker])

    def skip_rest(self) -> None:
        """Nothing that is not done will be done. What failed stays failed, so that one can see what it was."""
        for step in list(self.steps.values()):
            if step.state not in SETTLED and step.state != FAILED:
                self._put(replace(step, state=SKIPPED))

    # what the reconciler takes away

    @property
    def questions(self) -> bool:
        """True when something must be read before this decision is worth saving."""
        return bool(self.missing or self.unknown or self.doubted)

    def changes(self) -> list[Step]:
        """The steps that are not as they were."""
        return [self.steps[name] for name in self._changed if self.steps[name] != self.job.steps.get(name)]

    def patches(self) -> dict[str, dict[str, Any]]:
        """Changed fields of changed steps. Lease, token and worker are never among them."""
        changed = self.changes()
        for step in changed:
            before = self.job.steps.get(step.name, Step(step.name)).state
            if step.state != before and step.state not in STEP_MOVES[before]:
                raise IllegalMoveError(f"{step.name} cannot go from {before} to {step.state}")
        return {step.name: step_patch(self.job.steps.get(step.name), step) for step in changed}

    def ready(self) -> dict[str, str]:
        return {name: STEP_KINDS[step.kind].queue for name, step in self.steps.items() if step.state == READY}

    def unready(self) -> dict[str, str]:
        """Steps that wanted a hint before this decision and want none any more."""
        before = (self.job.steps.get(name) for name in self._changed if self.steps[name].state != READY)
        return {step.name: STEP_KINDS[step.kind].queue for step in before if step is not None and step.state == READY}

    def due_specs(self) -> dict[str, str]:
        """The specs of the steps that are made ready."""
        return {name: spec for name, spec in self.specs.items() if self.steps[name].state == READY}

    # moves

    def _doubt(self, step: Step) -> None:
        """What was made for this version, a moment ago, is taken to be there."""
        old = step.reused or step.ran_version < self.job.version or self.job.state == QUEUED or self._losing
        if old and step.state == DONE:
            keys = self.memo(_keys, step.facts, of=step.name)
            self.doubted |= keys.difference(self.knowledge.seen, self.knowledge.vanished)

    def _toolchain(self, kind: str) -> str | None:
        chain = self.pinning.toolchain_for(kind)
        if chain is None:
            return None
        self._toolchains[kind] = self.memo.same(("toolchain", kind), chain)
        return self._toolchains[kind]

    def _put(self, step: Step) -> None:
        if self.steps.get(step.name) is not step:
            self.steps[step.name] = step
            self._changed[step.name] = None

    def _on_its_way(self, step: Step, work: Work) -> Step:
        """The step, moved towards having done `work`."""
        if step.fingerprint != work.fingerprint:
            return self._start(step, work)
        if step.facts and step.name in self._makers:
            return self._make_again(step, work)
        if step.state in (WAITING, SKIPPED):
            return replace(step, state=DONE, progress=1.0, failure=None) if step.facts else self._start(step, work)
        if step.state == RUNNING and step.lease <= self.now:
            return self._lost(step)
        if step.state == FAILED and step.failure is not None:
            return self._after(step, step.failure)
        return step

    def _start(self, step: Step, work: Work) -> Step:
        if work.fingerprint not in self.knowledge.known:
            self.unknown.add(work.fingerprint)
            return step
        fresh = replace(
            step,
            fingerprint=work.fingerprint,
            toolchain=work.toolchain,
            attempt=0,
            losses=0,
            not_before=0,
            failure=None,
        )
        facts = self.knowledge.known[work.fingerprint]
        if facts is not None and self.knowledge.vanished and self.knowledge.vanished & _keys(facts):
            self.forget.add(work.fingerprint)  # somebody did it once, but nothing is left of that
        elif facts is not None:
            return replace(fresh, state=DONE, facts=facts, reused=True, progress=1.0, lease=0)
        self.specs[step.name] = work.spec
        return self._ready(replace(fresh, facts="", reused=False, progress=self._progress(step)))

    def _make_again(self, step: Step, work: Work) -> Step:
        """Its result is gone: takes that of somebody else who noticed first, or does the same work once more."""
        if work.fingerprint not in self.knowledge.known:
            self.unknown.add(work.fingerprint)
            return step
        facts = self.knowledge.known[work.fingerprint]
        if facts is not None and not _keys(facts) & self._makers[step.name]:
            return replace(step, state=DONE, facts=facts, reused=True, progress=1.0, lease=0)
        if step.losses + 1 >= self.rules.max_losses:
            self.final[step.name] = Failure(code="object_missing", message="its result was lost again and again")
            return step
        self.forget.add(work.fingerprint)
        self.specs[step.name] = work.spec
        again = replace(step, attempt=0, losses=step.losses + 1, not_before=0, facts="", failure=None, reused=False)
        return self._ready(again)

    def _lost(self, step: Step) -> Step:
        """The attempt ended without a word, so it does not count as one; but that is not borne for ever."""
        again = step.losses + 1 < self.rules.max_losses
        failure = Failure(code="worker_lost", message="the worker that ran it is gone", retryable=again, step=step.name)
        lost = self._uncounted(step, losses=step.losses + 1, not_before=0, failure=failure)
        if again:
            return self._ready(lost)
        self.final[step.name] = failure
        return replace(lost, state=FAILED)

    def _after(self, step: Step, failure: Failure) -> Step:
        """What comes after a failure: another try, or none."""
        if failure.outage:
            return self._ready(self._uncounted(step, not_before=self.now + self.rules.outage_ms))
        if failure.missing:
            return self._without_input(step, failure.missing.split())
        if not failure.retryable or step.attempt >= min(self.rules.max_attempts, ATTEMPTS.get(failure.code, 1000)):
            self.final[step.name] = failure
            return step
        if failure.retry_after and self._too_long(failure.retry_after):
            self.final[step.name] = failure
            return step
        pause = int(1000 * (failure.retry_after or backoff(step.attempt, self.rules.retry_seconds)))
        return self._ready(replace(step, not_before=self.now + pause if pause else 0))

    def _too_long(self, pause: float) -> bool:
        """Whether a film is better made without what is to be had only after so many seconds."""
        return pause > self.rules.longest_pause or self.now + 1000 * pause >= self.job.deadline

    def _without_input(self, step: Step, keys: list[str]) -> Step:
        """Once what is gone has been made again, the step is asked for something else; unless nobody can make it."""
        hopeless = [key for key in keys if key in self._orphans]
        if hopeless or step.losses + 1 >= self.rules.max_losses:
            self.final[step.name] = _irretrievable((hopeless or keys)[0])
            return step
        return self._ready(self._uncounted(step, losses=step.losses + 1, not_before=0))

    def _uncounted(self, step: Step, **fields: Any) -> Step:
        """The step as if the last attempt had not been made."""
        return replace(step, attempt=max(0, step.attempt - 1), **fields)

    def _ready(self, step: Step) -> Step:
        return replace(step, state=READY, ran_version=self.job.version)

    def _put_off(self, step: Step) -> Step:
        """What the step is to do is not known before others are done. What it has done is kept until then."""
        if step.state == WAITING:
            return step
        return replace(step, state=WAITING, not_before=0, failure=None, progress=self._progress(step))

    def _progress(self, step: Step) -> float:
        """What a bar shows of a step that is not done: it never goes back, but for a new version it begins anew."""
        return step.progress if step.ran_version == self.job.version else 0.0


def _work(kind: str, toolchain: str, make: Callable[..., Contract], *inputs: Any) -> Work:
    spec = canonical_json(make(*inputs))
    return Work(spec_fingerprint(kind, spec, toolchain), toolchain, spec)


def _keys(facts: str) -> frozenset[str]:
    """Keys of the objects that belong to these facts."""
    return frozenset(keys_in(facts))


def _irretrievable(key: str) -> Failure:
    """For an object that no step of this job has made."""
    what = {
        "asset": "an uploaded file is no longer there; upload it again",
        "request": "the stored request is no longer there; submit it again",
        "storyboard": "the stored storyboard of an earlier version is no longer there; edit or restore another version",
    }
    kind = key.split("/")[1] if key.count("/") > 1 else ""
    return Failure(code="object_missing", message=what.get(kind, "a stored object is no longer there"), missing=key)
