"""Runs one step: claims it, keeps its lease alive while the handler works, commits the facts.

Everything ends in one of five ways: the facts are committed, the failure is reported, the step is handed back
unfinished or to wait for work elsewhere, or nothing is said and the lease runs out. Each is safe, because the store
accepts reports from the holder of the current token only.
"""

import functools
import logging
import os
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from common import scratch
from common.contracts.base import Contract
from common.contracts.job import Failure
from common.contracts.kinds import LATE, STEP_KINDS, parse_spec
from common.contracts.later import Later, Unknown, checked
from common.contracts.names import StepName, keys_in
from common.errors import ObjectMissing, StepError, Stopped, disk_trouble
from common.jobs.claims import Claim, Claims, NotClaimed, Verdict
from common.jobs.scripts import StateUnavailable
from common.logs import about
from common.settings import Settings
from common.storage.port import Storage
from common.worker.drain import Drain
from common.worker.heartbeat import Heartbeat
from common.worker.outcome import KEPT, MAY_COMMIT, Outcome
from common.worker.slots import Slots
from common.worker.steprun import ATTEMPT_DIGITS, Attempt, Places, StepRun

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[Any, StepRun], Contract | Later | Unknown]
"Takes the spec of a step, returns its facts; or that its work goes on elsewhere, or may."

REPORT_PAUSE = 0.3
"Seconds between tries to report to a store that does not answer."
SERVICE = uuid.uuid4().hex[:8]
"Made before the service forks, so that all its processes share it. Containers may share host names and process ids."


def worker_name(pid: int) -> str:
    """The name of a process of this service in its claims. No process of another service has the same."""
    return f"{os.uname().nodename}:{SERVICE}:{pid}"


class StepRunner:
    """Runs the steps of one service in this process, one at a time.

    `toolchains` are those that it has, by kind of step.
    """

    def __init__(
        self,
        settings: Settings,
        store: Claims,
        storage: Storage,
        handlers: Mapping[str, Handler],
        toolchains: Mapping[str, Sequence[str]],
        drain: Drain | None = None,
        slots: Slots | None = None,
        may_wait: Collection[str] | None = None,
    ) -> None:
        """`may_wait` are the kinds of steps whose work may go on elsewhere; None: all."""
        self._settings, self._store, self._storage = settings, store, storage
        self._handlers, self._toolchains = handlers, toolchains
        self._drain = drain or Drain()
        self._slots = slots or Slots(1)
        self._may_wait = may_wait
        self._worker = worker_name(os.getpid())

    def run(self, job_id: str, step: str) -> Outcome | NotClaimed:
        """Does the step if it may be done now. Raises `StateUnavailable` if nobody knows whether it was claimed."""
        if self._drain.began:
            return Outcome.DRAINING
        asked = time.monotonic()
        claim = self._claim(job_id, step)
        if isinstance(claim, NotClaimed):
            return claim  # a late or doubled hint, or one for another worker
        with about(attempt=claim.attempt):
            return self._run(claim, asked)

    def _run(self, claim: Claim, asked: float) -> Outcome:
        """`asked`: when the claim was asked for, in seconds of the monotonic clock."""
        # What is soon done does not keep a core from the long steps that begin beside it.
        with nullcontext() if StepName(claim.step).kind in LATE else self._slots.taken():
            run = self._prepare(claim, asked + self._settings.self_kill_seconds)
            outcome = self._work(claim, run)
            run.call_off()  # a handler may see by the clock that it is over before its heart does, which kills children
        if outcome not in KEPT:
            run.discard()
        return outcome

    def _claim(self, job_id: str, step: str) -> Claim | NotClaimed:
        """Claims the step. Asked a second time when the answer got lost: the nonce makes it one claim."""
        kind = StepName(step).kind
        ask = functools.partial(
            self._store.claim,
            job_id,
            step,
            nonce=uuid.uuid4().hex,
            worker=self._worker,
            lease=self._settings.lease_seconds,
            queue=STEP_KINDS[kind].queue,
            toolchains=self._toolchains.get(kind, ()),
        )
        try:
            return ask()
        except StateUnavailable:
            return ask()

    def _prepare(self, claim: Claim, until: float) -> StepRun:
        attempt = Attempt(
            claim.owner,
            claim.job_id,
            claim.step,
            claim.fingerprint,
            toolchain=claim.toolchain,
            suffix=claim.nonce[:ATTEMPT_DIGITS],
            last=claim.attempt >= self._settings.max_attempts,
            ticket=claim.ticket,
        )
        workdir = scratch.folder(self._settings.scratch(), claim.nonce)
        places = Places(self._storage, self._settings.assets_bucket, self._settings.videos_bucket, workdir)
        spare = self._slots.spare() if claim.last else 0
        return StepRun(
            attempt, places, until=until, spare=spare, keep=lambda ticket: self._store.keep_ticket(claim, ticket)
        )

    def _work(self, claim: Claim, run: StepRun) -> Outcome:
        with Heartbeat(self._store, claim, run, self._settings, self._drain) as heart:
            try:
                answer = self._answer(claim, run)
            except Exception as error:
                if run.stopped or isinstance(error, Stopped):  # an error of a step that is being stopped means nothing
                    return self._stopped(claim, run, heart.why)
                return self._fail(claim, run, _failure(claim, error, run.workdir.parent))
            if isinstance(answer, Later | Unknown):  # whatever has stopped it, somebody must know of work elsewhere
                return self._defer(claim, run, answer)
            if run.stopped and heart.why not in MAY_COMMIT:
                return Outcome.CALLED_OFF
            return self._commit(claim, run, answer)

    def _answer(self, claim: Claim, run: StepRun) -> Contract | Later | Unknown:
        kind = StepName(claim.step).kind
        try:
            with scratch.scratch(run.workdir):
                answer = self._handlers[kind](parse_spec(kind, claim.spec), run)
                return self._waiting(kind, answer) if isinstance(answer, Later | Unknown) else answer
        except ObjectMissing as error:
            # Where one input is gone, others often are. Reported one by one, each would cost a run of the step.
            gone = run.gone(key for key in keys_in(claim.spec) if key != error.key)
            raise ObjectMissing(str(error), " ".join([error.key, *gone]).strip()) from error

    def _waiting(self, kind: str, answer: Later | Unknown) -> Later | Unknown:
        if self._may_wait is not None and kind not in self._may_wait:
            raise ValueError(
                f"{kind} waits for work elsewhere, but nobody could call that off: its service needs call_offs"
            )
        return checked(answer)

    def _stopped(self, claim: Claim, run: StepRun, why: Outcome | None) -> Outcome:
        if why == Outcome.DRAINING:
            released = self._report(run, lambda: self._store.release(claim))
            return Outcome.RELEASED if released is True else Outcome.LOST
        if why == Outcome.TIMED_OUT:
            kind, most = StepName(claim.step).kind, self._settings.step_timeout
            message = f"{kind} took longer than the {most:g} s a step may take"
            failure = Failure(code="step_timeout", message=message, retryable=True, step=claim.step)
            return self._fail(claim, run, failure)
        return Outcome.CALLED_OFF

    def _fail(self, claim: Claim, run: StepRun, failure: Failure) -> Outcome:
        reported = self._report(run, lambda: self._store.fail(claim, failure))
        return Outcome.FAILED if reported is True else Outcome.LOST

    def _defer(self, claim: Claim, run: StepRun, answer: Later | Unknown) -> Outcome:
        deferred = self._report(run, lambda: self._store.defer(claim, answer, run.fraction_done))
        if deferred is False:
            return Outcome.LOST
        if deferred is not True:
            # If this was never heard, an order may go on of which the record says nothing.
            log.error("%s of %s could not report its ticket %s", claim.step, claim.job_id, answer.ticket)
            return Outcome.UNHEARD
        return Outcome.DEFERRED if isinstance(answer, Later) else Outcome.UNKNOWN

    def _commit(self, claim: Claim, run: StepRun, facts: Contract) -> Outcome:
        known_for = STEP_KINDS[StepName(claim.step).kind].known_for(self._settings.reuse_seconds())
        reuse = known_for if getattr(facts, "shareable", True) else 0
        verdict = self._report(run, lambda: self._store.commit(claim, facts.model_dump_json(), reuse))
        return Outcome.DONE if verdict == Verdict.OK else Outcome(verdict)

    def _report(self, run: StepRun, call: Callable[[], T]) -> T | Outcome:
        """Reports again and again while the lease lasts: the work is done, so a short outage must not waste it.

        Returns the answer; `UNHEARD` if there was none, or if the claim was over when at last there was one, or
        another result counted: an earlier call whose answer got lost may have been heard, and its facts be known.
        """
        unheard = False
        while True:
            try:
                answer = call()
            except StateUnavailable:
                unheard = True
            else:
                return Outcome.UNHEARD if unheard and answer in (Verdict.LOST, Verdict.KNOWN) else answer
            if time.monotonic() > run.until:
                return Outcome.UNHEARD
            time.sleep(REPORT_PAUSE)


def _failure(claim: Claim, error: Exception, scratch_folder: Path) -> Failure:
    cause: Exception = disk_trouble(error, scratch_folder) or error
    if isinstance(cause, StateUnavailable):
        return Failure(code=cause.code, message=str(cause), retryable=True, outage=True, step=claim.step)
    if isinstance(cause, StepError):
        log.warning("%s of %s failed: %s", claim.step, claim.job_id, cause)
        if details := getattr(cause, "details", ""):
            log.info("%s", details)
        return Failure(
            code=cause.code,
            message=str(cause),
            retryable=cause.retryable,
            retry_after=cause.retry_after,
            step=claim.step,
            outage=cause.outage,
            missing=cause.key if isinstance(cause, ObjectMissing) else "",
            subject=cause.subject,
        )
    # A defect of ours. It may have to do with this one worker, so another attempt is worth it.
    log.exception("%s of %s met an unexpected error", claim.step, claim.job_id)
    message = f"an unexpected error in {StepName(claim.step).kind}; the service's log has the details"
    return Failure(code="internal_error", message=message, retryable=True, step=claim.step)
