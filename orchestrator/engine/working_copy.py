"""The working copy of a job for one decision: each wanted step is compared with the existing one. Pure.

`want(step, spec)` is the whole trick. The workflow says what each step should do, every time it looks; the working copy
compares its fingerprint with that of the work last done, and moves the step only if they differ. So a changed input
redoes what depends on it and nothing else, a late or duplicate fact changes nothing, and the workflow needs no memory
of its own. (The `Memo` saves time, nothing else.)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from common.contracts.base import Contract, ObjectRef
from common.contracts.job import (
    DEFERRED,
    DONE,
    ELSEWHERE,
    FAILED,
    QUEUED,
    READY,
    RUNNING,
    SETTLED,
    SKIPPED,
    STEP_MOVES,
    UNKNOWN,
    WAITING,
    Failure,
    Job,
    Pins,
    Step,
    VoiceCast,
)
from common.contracts.kinds import STEP_KINDS, parse_facts
from common.contracts.names import CAST, StepName
from common.contracts.voice import Speaker
from common.errors import Misread
from common.jobs.record import step_patch
from orchestrator.engine.attempts import Attempts, Rules
from orchestrator.engine.capabilities import Fleet, Pinning
from orchestrator.engine.knowledge import Knowledge
from orchestrator.engine.losses import Losses, irretrievable, losses_of, object_keys
from orchestrator.engine.memo import Memo
from orchestrator.engine.speakers import Speakers
from orchestrator.engine.work import Work, work_of

FAULTS_OF_ENGINES = frozenset(
    {"voice_unavailable", Misread.code, "not_configured", "temporarily_unavailable", "throttled", "worker_lost"}
)
"Codes of final failures of a `speak` step after which another speech engine is tried."


class IllegalMoveError(Exception):
    """A decision asked for a move that the tables of moves do not have: a defect of the workflow."""


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
    "Specs of the steps that were given work, as JSON."
    missing: dict[str, ObjectRef] = field(default_factory=dict)
    "Objects to read before deciding again."
    unknown: set[str] = field(default_factory=set)
    "Fingerprints to look up before deciding again."
    doubted: set[str] = field(default_factory=set)
    "Keys of objects to look for before deciding again."
    unusable: set[str] = field(default_factory=set)
    "Keys of objects that are there and yet as good as gone, before deciding again."
    final: dict[str, Failure] = field(default_factory=dict)
    "Steps that will not be tried again, and why; under an empty name, why the job as a whole cannot go on."
    forget: set[str] = field(default_factory=set)
    "Fingerprints of work whose known results are gone."
    _changed: dict[str, None] = field(default_factory=dict)
    _wanted: set[str] = field(default_factory=set)
    _toolchains: dict[str, str] = field(default_factory=dict)
    "Toolchain of this look, by kind."
    _casts: dict[Speaker, VoiceCast] = field(default_factory=dict)
    "Who speaks, in this look."
    _losses: Losses = field(init=False)
    _losing: bool = field(init=False)
    _attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        job = self.job
        self.steps = dict(job.steps)
        self.pinning = Pinning(self.fleet, job.pins, job.steps, self.now, self.rules.repin_ms)
        self._losses = losses_of(job.steps.values(), self.knowledge.vanished)
        self._losing = self._losses.any
        self._attempts = Attempts(self.rules, self.now, job.version, job.deadline, self._losses.orphans)

    # what the workflow asks

    def begin(self) -> None:
        """Begins a new round of wants: those of the last round no longer count, unless repeated."""
        self._wanted = {CAST}
        self.final = {}

    def body(self, ref: ObjectRef) -> bytes | None:
        """A stored object, or None until the reconciler has read it."""
        if ref.key in self.knowledge.bodies:
            return self.knowledge.bodies[ref.key]
        if ref.key in self.knowledge.vanished:
            # If its maker were wanted and about to remake it, its key would not be known here.
            self.final[""] = irretrievable(ref.key)
        else:
            self.missing[ref.key] = ref
        return None

    def disown(self, ref: ObjectRef) -> bool:
        """Treats an object that cannot be used as one that is gone. False if no step of the job has made it."""
        made = any(ref.key in step.facts for step in self.steps.values())
        if made:
            self.unusable.add(ref.key)
        return made

    @property
    def patience(self) -> int:
        """Time in milliseconds until which a step may wait for work elsewhere."""
        job = self.job
        return job.started + int(self.rules.waiting_share * (job.deadline - job.started))

    @property
    def pins(self) -> Pins:
        return self.pinning.pins

    def pin(self, **values: Any) -> None:
        """Pins something for the whole job. `values` are fields of `Pins`."""
        self.pinning.pins = replace(self.pinning.pins, **values)

    def cast(self, speaker: Speaker) -> VoiceCast | None:
        """Who speaks for the speaker; None while there is nobody."""
        cast = self._casts.get(speaker) or Speakers(self.pinning).cast(speaker)
        if cast is None:
            return None
        self._casts[speaker] = self.memo.same(("cast", speaker), cast)
        return self._casts[speaker]

    def keep_casts(self, speakers: Iterable[Speaker]) -> None:
        """Forgets who spoke for others than these, whom no scene asks for any more."""
        keys = {speaker.key for speaker in speakers}
        casts = {key: cast for key, cast in self.pins.casts.items() if key in keys}
        if len(casts) < len(self.pins.casts):
            self.pin(casts=casts)

    def pass_over(self, speaker: Speaker, failure: Failure) -> bool:
        """Lets another engine speak for the speaker if it is the engine's fault that a step failed; False if none can.

        All that was spoken for them is spoken again: a film has one voice.
        """
        if failure.code not in FAULTS_OF_ENGINES:
            return False
        if speaker not in self._casts:
            return True  # it happened a moment ago, for another of their narrations
        if not Speakers(self.pinning).pass_over(speaker, failure.message, failure.code == Misread.code):
            return False
        self._casts = {one: cast for one, cast in self._casts.items() if one.key != speaker.key}
        return True

    def want(self, name: StepName, make: Callable[..., Contract], *inputs: Any, toolchain: str | None = None) -> Any:
        """The facts of the step if it has done the work of the spec `make(*inputs)`; None while it is on its way.

        Also None while no worker is known that could do it. Inputs must be the same objects while they are equal.
        `toolchain` is that of a speaker; None: that of the kind.
        """
        kind = name.kind
        toolchain = toolchain or self._toolchains.get(kind) or self._toolchain(kind)
        if toolchain is None:
            return None
        work = self.memo(work_of, kind, toolchain, make, *inputs, of=name)
        self._wanted.add(name)
        step = self.steps.get(name)
        if step is None or step.state != DONE or step.fingerprint != work.fingerprint or name in self._losses.makers:
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
        """Settles every step that was not wanted in this round.

        `expected` steps will be wanted once their inputs are there. Others do not belong to the film and are skipped;
        only failed steps of scenes that were `left_out` stay, to be seen.
        """
        for name in sorted(expected - self.steps.keys()):
            self._put(Step(name))
        for name in sorted(self.steps.keys() - self._wanted):
            step = self.steps[name]
            if name in expected:
                self._put(self._attempts.put_off(step))
            elif step.state != SKIPPED and not (step.state == FAILED and name in left_out):
                self._put(_skipped(step))

    def look_for(self, inputs: Mapping[str, frozenset[str]]) -> None:
        """Asks whether objects made long ago are still there, as far as steps that are going to run need them.

        Otherwise each step would find out by itself, one after the other. `inputs` has, for each step, the steps whose
        objects it is given; it comes after these.
        """
        running = {name for name, step in self.steps.items() if step.state in (READY, RUNNING)}
        for name, makers in inputs.items():
            # A remade object has a new name, so the steps that are given it run, too.
            if name in running or not running.isdisjoint(makers):
                running.add(name)
                for maker in makers:
                    self._doubt(self.steps[maker])

    def skip_rest(self) -> None:
        """Skips every step that is not done. Failed ones stay failed, so that one can see what it was."""
        for step in list(self.steps.values()):
            if step.state not in SETTLED:
                self._put(_without_ticket(step) if step.state == FAILED else _skipped(step))

    # what the reconciler takes away

    @property
    def questions(self) -> bool:
        """True when something must be read before this decision is worth saving."""
        return bool(self.missing or self.unknown or self.doubted or self.unusable)

    def changes(self) -> list[Step]:
        """The steps that have changed."""
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
        """Steps that wanted a hint before this decision and no longer do, and their queues."""
        before = (self.job.steps.get(name) for name in self._changed if self.steps[name].state != READY)
        return {step.name: STEP_KINDS[step.kind].queue for step in before if step is not None and step.state == READY}

    def due_specs(self) -> dict[str, str]:
        """The specs of the steps that are made ready."""
        return {name: spec for name, spec in self.specs.items() if self.steps[name].state == READY}

    # moves

    def _doubt(self, step: Step) -> None:
        """Doubts objects of the past; those made for this version, a moment ago, are taken to be there."""
        old = step.reused or step.ran_version < self.job.version or self.job.state == QUEUED or self._losing
        if old and step.state == DONE:
            keys = self.memo(object_keys, step.facts, of=step.name)
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
        """The step, moved on towards completing `work`."""
        if step.fingerprint != work.fingerprint:
            return self._start(step, work)
        if step.facts and step.name in self._losses.makers:
            return self._make_again(step, work)
        if step.state in ELSEWHERE and self.now >= self.patience:
            return self._finally(self._attempts.given_up(step))
        if step.state == DEFERRED and step.not_before <= self.now:
            return self._attempts.ready(replace(step, not_before=0))
        if step.state == UNKNOWN and step.not_before <= self.now:
            return self._finally(self._attempts.given_up(step))
        if step.state in (WAITING, SKIPPED):
            return replace(step, state=DONE, progress=1.0, failure=None) if step.facts else self._start(step, work)
        if step.state == RUNNING and step.lease <= self.now:
            return self._after_loss(step)
        if step.state == FAILED and step.failure is not None:
            return self._settled(step, self._attempts.after(step, step.failure))
        return step

    def _after_loss(self, step: Step) -> Step:
        lost = self._attempts.lost(step)
        return self._finally(lost) if lost.state == FAILED else lost

    def _finally(self, failed: Step) -> Step:
        assert failed.failure is not None
        self.final[failed.name] = failed.failure
        return failed

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
            # Work that goes on elsewhere is gone on with if it is still the same.
            ticket=step.ticket if step.fingerprint == work.fingerprint else "",
        )
        facts = self.knowledge.known[work.fingerprint]
        if facts is not None and self.knowledge.vanished and self.knowledge.vanished & object_keys(facts):
            self.forget.add(work.fingerprint)  # it was done once, but the result is gone
        elif facts is not None:
            return replace(fresh, state=DONE, facts=facts, reused=True, progress=1.0, lease=0, ticket="")
        self.specs[step.name] = work.spec
        return self._attempts.ready(replace(fresh, facts="", reused=False, progress=self._attempts.progress(step)))

    def _make_again(self, step: Step, work: Work) -> Step:
        """Its result is gone: takes that of another job that noticed first, or does the same work once more."""
        if work.fingerprint not in self.knowledge.known:
            self.unknown.add(work.fingerprint)
            return step
        facts = self.knowledge.known[work.fingerprint]
        if facts is not None and not object_keys(facts) & self._losses.makers[step.name]:
            return replace(step, state=DONE, facts=facts, reused=True, progress=1.0, lease=0)
        again = self._attempts.made_again(step)
        if isinstance(again, Step):
            self.forget.add(work.fingerprint)
            self.specs[step.name] = work.spec
        return self._settled(step, again)

    def _settled(self, step: Step, outcome: Step | Failure) -> Step:
        """The step after an attempt; if a failure ends it, it stays as it is, but keeps no ticket."""
        if isinstance(outcome, Step):
            return outcome
        self.final[step.name] = outcome
        return _without_ticket(step)


def _skipped(step: Step) -> Step:
    return replace(step, state=SKIPPED, ticket="")


def _without_ticket(step: Step) -> Step:
    """The same step if it has none. A ticket that is taken away is called off (`save.lua`)."""
    return replace(step, ticket="") if step.ticket else step
