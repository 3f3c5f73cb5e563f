"""Attempts at a step: when the next one is due, and when there is none. Pure."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from common.contracts.job import ELSEWHERE, FAILED, READY, UNKNOWN, WAITING, Failure, Step
from common.retry import backoff
from orchestrator.engine.losses import irretrievable

OUTCOME_UNKNOWN = "outcome_unknown"
ATTEMPTS = {"below_standard": 2}
"Attempts by failure: work that would come out the same again is not repeated more often."


@dataclass(frozen=True)
class Rules:
    """The patience of the pipeline."""

    max_attempts: int = 3
    max_losses: int = 6
    "Workers die of restarts and outages, through no fault of the step; a poisonous input kills them every time."
    retry_seconds: float = 1.0
    repin_ms: int = 60_000
    "Milliseconds that a toolchain may be away before the job takes another."
    waiting_share: float = 0.8
    "Share of the time of a job for which a step may wait for work elsewhere: the rest makes the film without it."
    longest_pause: float = 60.0
    "Seconds. A longer pause is not waited for: what can be replaced is replaced."
    outage_ms: int = 3_000
    "Pause before a step that met an outage of our own is tried again."


class Attempts(NamedTuple):
    """Moves steps of one job on after an attempt. A move returns the step, or the failure that ends it."""

    rules: Rules
    now: int
    version: int
    "Version of the storyboard."
    deadline: int
    orphans: frozenset[str]
    "Keys of lost objects that no step has made."

    def lost(self, step: Step) -> Step:
        """The attempt ended without a report, so it does not count as one; but only up to a limit of losses."""
        again = step.losses + 1 < self.rules.max_losses
        failure = Failure(code="worker_lost", message="the worker that ran it is gone", retryable=again, step=step.name)
        lost = _uncounted(step, losses=step.losses + 1, not_before=0, failure=failure)
        return self.ready(lost) if again else replace(lost, state=FAILED, ticket="")

    def after(self, step: Step, failure: Failure) -> Step | Failure:
        """Another attempt after a failure, or the failure itself."""
        if failure.outage:
            return self.ready(_uncounted(step, not_before=self.now + self.rules.outage_ms))
        if failure.missing:
            return self._without_input(step, failure.missing.split())
        if not failure.retryable or step.attempt >= min(self.rules.max_attempts, ATTEMPTS.get(failure.code, 1000)):
            return failure
        if failure.retry_after and self._too_long(failure.retry_after):
            return failure
        pause = int(1000 * (failure.retry_after or backoff(step.attempt, self.rules.retry_seconds)))
        return self.ready(replace(step, not_before=self.now + pause if pause else 0))

    def given_up(self, step: Step) -> Step:
        """Its work elsewhere takes too long, or nobody knows what became of it: it is not repeated by itself."""
        unknown = Failure(code=OUTCOME_UNKNOWN, message=step.note, step=step.name)
        late = Failure(code="took_too_long", message=f"it took too long ({step.note})", step=step.name)
        failure = unknown if step.state == UNKNOWN else late
        return replace(step, state=FAILED, failure=failure, not_before=0, ticket="")

    def made_again(self, step: Step) -> Step | Failure:
        """The same work once more, since its result is gone."""
        if step.losses + 1 >= self.rules.max_losses:
            return Failure(code="object_missing", message="its result was lost again and again")
        again = replace(step, attempt=0, losses=step.losses + 1, not_before=0, facts="", failure=None, reused=False)
        return self.ready(again)

    def ready(self, step: Step) -> Step:
        return replace(step, state=READY, ran_version=self.version)

    def put_off(self, step: Step) -> Step:
        """Waits for other steps, without which its work is not known. What it has done is kept until then.

        Work that goes on elsewhere goes on: it may be wanted still, and costs no worker.
        """
        if step.state == WAITING or step.state in ELSEWHERE:
            return step
        return replace(step, state=WAITING, not_before=0, failure=None, progress=self.progress(step))

    def progress(self, step: Step) -> float:
        """The progress shown of a step that is not done: it never goes back, but begins anew for a new version."""
        return step.progress if step.ran_version == self.version else 0.0

    def _too_long(self, pause: float) -> bool:
        """True if a film is better made without something to be had only after `pause` seconds."""
        return pause > self.rules.longest_pause or self.now + 1000 * pause >= self.deadline

    def _without_input(self, step: Step, keys: list[str]) -> Step | Failure:
        """Ready again: once the lost input is remade, the step gets other work; a failure if nothing can remake it."""
        hopeless = [key for key in keys if key in self.orphans]
        if hopeless or step.losses + 1 >= self.rules.max_losses:
            return irretrievable((hopeless or keys)[0])
        return self.ready(_uncounted(step, losses=step.losses + 1, not_before=0))


def _uncounted(step: Step, **fields: Any) -> Step:
    """The step as if the last attempt had not been made."""
    return replace(step, attempt=max(0, step.attempt - 1), **fields)
