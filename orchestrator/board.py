"""The board a decision is made on: what is wanted is held against what is there. Pure.

`want(step, spec)` is the whole trick. The workflow says what each step should do, every time it looks;
the board compares the fingerprint of that with what the step last did, and moves the step only if they
differ. So a changed input redoes what depends on it and nothing else, a late or doubled fact changes
nothing, and the workflow needs no memory of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from common.contracts.base import Contract, ObjectRef
from common.contracts.job import (
    DONE,
    FAILED,
    READY,
    RUNNING,
    SETTLED,
    SKIPPED,
    STEP_MOVES,
    WAITING,
    Failure,
    Job,
    Step,
)
from common.contracts.steps import SPECS, kind_of, parse_facts, spec_fingerprint
from common.retry import backoff


class IllegalMoveError(Exception):
    """A decision asked for a move that the table of moves does not have: a defect of the workflow."""


@dataclass(frozen=True)
class Rules:
    """How patient the pipeline is."""

    max_attempts: int = 3
    max_losses: int = 6
    "Workers die of restarts and outages, which is no fault of the step; of a poisonous input they die every time."
    retry_seconds: float = 1.0


@dataclass
class Board:
    """A working copy of one job. Collects patches, specs to store and questions for the reconciler."""

    job: Job
    bodies: Mapping[str, bytes]
    "Stored objects the reconciler has read, by key."
    known: Mapping[str, str | None]
    "Facts of work done before, by fingerprint; None when there are none."
    rules: Rules
    now: int
    steps: dict[str, Step] = field(init=False)
    pins: dict[str, Any] = field(init=False)
    specs: dict[str, Contract] = field(default_factory=dict)
    "Specs to store before the steps are hinted, by fingerprint."
    missing: dict[str, ObjectRef] = field(default_factory=dict)
    "Objects to read before deciding again."
    unknown: set[str] = field(default_factory=set)
    "Fingerprints to look up before deciding again."
    final: dict[str, Failure] = field(default_factory=dict)
    "Steps that will not be tried again, and why."

    def __post_init__(self) -> None:
        self.steps = dict(self.job.steps)
        self.pins = dict(self.job.pins)

    # what the workflow asks

    def body(self, ref: ObjectRef) -> bytes | None:
        """A stored object, or None until the reconciler has read it."""
        if ref.key not in self.bodies:
            self.missing[ref.key] = ref
        return self.bodies.get(ref.key)

    def pin(self, name: str, value: Any) -> Any:
        """Settles something for the whole job: the first value that is not empty stays."""
        if not self.pins.get(name) and value:
            self.pins[name] = value
        return self.pins.get(name)

    def expect(self, *names: str) -> None:
        """Notes steps that will come, so that progress knows about them."""
        for name in names:
            self.steps.setdefault(name, Step(name))

    def want(self, name: str, spec: Contract) -> Any:
        """The facts of the step if it has done what `spec` asks, else None, and the step is on its way to it."""
        work = spec_fingerprint(kind_of(name), spec)
        step = self.steps.get(name) or Step(name)
        if step.work != work or step.state in (WAITING, SKIPPED):
            step = self._start(step, work, spec)
        elif step.state == RUNNING and step.lease <= self.now:
            step = self._lost(step)
        elif step.state == FAILED and step.failure is not None:
            pause = step.failure.retry_after or backoff(step.attempt, self.rules.retry_seconds)
            step = self._again(step, step.failure, pause)
        self.steps[name] = step
        return parse_facts(kind_of(name), step.facts) if step.state == DONE else None

    def facts_of(self, name: str) -> Any:
        """The facts of a step that is done, whatever it was asked to do; else None."""
        step = self.steps.get(name)
        return parse_facts(kind_of(name), step.facts) if step is not None and step.state == DONE else None

    def settle(self, name: str, work: str, facts: Contract) -> None:
        """Records the outcome of a step that the decision itself carries out."""
        self.steps[name] = Step(name, state=DONE, work=work, facts=facts.model_dump_json(), done=1.0)

    def skip_rest(self) -> None:
        """Nothing that is not done will be done. What failed stays failed, so that one can see what it was."""
        for name, step in self.steps.items():
            if step.state not in SETTLED and step.state != FAILED:
                self.steps[name] = replace(step, state=SKIPPED)

    # what the reconciler takes away

    @property
    def questions(self) -> bool:
        """True when something must be read before this decision is worth saving."""
        return bool(self.missing or self.unknown)

    def patches(self) -> dict[str, dict[str, Any]]:
        """Changed fields of changed steps. Lease, token and worker are never among them."""
        changed = {name: step for name, step in self.steps.items() if step != self.job.steps.get(name)}
        for name, step in changed.items():
            before = self.job.steps.get(name, Step(name)).state
            if step.state != before and step.state not in STEP_MOVES[before]:
                raise IllegalMoveError(f"{name} cannot go from {before} to {step.state}")
        return {name: _patch(self.job.steps.get(name), step) for name, step in changed.items()}

    def ready(self) -> dict[str, str]:
        return {name: SPECS[kind_of(name)].queue for name, step in self.steps.items() if step.state == READY}

    def unready(self) -> dict[str, str]:
        """Steps that wanted a hint before this decision and want none any more."""
        return {
            name: SPECS[kind_of(name)].queue
            for name, step in self.job.steps.items()
            if step.state == READY and self.steps[name].state != READY
        }

    # moves

    def _start(self, step: Step, work: str, spec: Contract) -> Step:
        if work not in self.known:
            self.unknown.add(work)
            return step
        fresh = replace(step, work=work, attempt=0, losses=0, not_before=0, facts="", failure=None, reused=False)
        facts = self.known[work]
        if facts is not None:
            return replace(fresh, state=DONE, facts=facts, reused=True, done=1.0, lease=0)
        self.specs[work] = spec
        return replace(fresh, state=READY)

    def _lost(self, step: Step) -> Step:
        """The attempt ended without a word, so it does not count as one; but that is not borne for ever."""
        again = step.losses + 1 < self.rules.max_losses
        failure = Failure(code="worker_lost", message="the worker that ran it is gone", retryable=again, step=step.name)
        if not again:
            self.final[step.name] = failure
        return replace(
            step,
            state=READY if again else FAILED,
            attempt=step.attempt - 1,
            losses=step.losses + 1,
            not_before=0,
            failure=failure,
        )

    def _again(self, step: Step, failure: Failure, backoff_seconds: float) -> Step:
        if failure.retryable and step.attempt < self.rules.max_attempts:
            pause = int(backoff_seconds * 1000)
            return replace(step, state=READY, not_before=self.now + pause if pause else 0, failure=failure)
        self.final[step.name] = failure
        return replace(step, state=FAILED, failure=failure)


def _patch(before: Step | None, after: Step) -> dict[str, Any]:
    fields = {
        "state": after.state,
        "work": after.work,
        "attempt": after.attempt,
        "losses": after.losses,
        "not_before": after.not_before,
        "done": after.done,
        "facts": after.facts,
        "failure": after.failure.model_dump_json() if after.failure else "",
        "reused": int(after.reused),
    }
    if before is None:
        return fields
    old = _patch(None, before)
    return {name: value for name, value in fields.items() if value != old[name]}


def pins_json(pins: Mapping[str, Any]) -> str:
    return json.dumps(pins, sort_keys=True)
