"""Runs one step: claim it, keep its lease alive while the handler works, commit what it found.

Everything that can go wrong ends in one of four ways: the facts are committed, the failure is reported, the
step is handed back, or nothing is said and the lease runs out. Each is safe, because only the holder of the
current token is heard.
"""

import functools
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, TypeVar

from common import scratch
from common.contracts.base import Contract
from common.contracts.job import Failure
from common.contracts.names import StepName, keys_in
from common.contracts.steps import LATE, STEP_KINDS, parse_spec, toolchain
from common.errors import ObjectMissing, StepError, Stopped, disk_trouble
from common.jobs.claims import Claim
from common.jobs.scripts import StateUnavailable
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.port import Storage
from common.worker.drain import Drain
from common.worker.slots import Slots
from common.worker.steprun import ATTEMPT_DIGITS, StepRun

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[Any, StepRun], Contract]
"Takes the spec of a step, returns its facts."

REPORT_PAUSE = 0.3
"Seconds between tries to report to a store that does not answer."

DONE, KNOWN, FAILED, LOST, UNHEARD = "done", "known", "failed", "lost", "unheard"
CALLED_OFF, RELEASED, DRAINING, TIMED_OUT = "called_off", "released", "draining", "timed_out"
KEPT = frozenset({DONE, UNHEARD})
"Outcomes after which the objects of the attempt stay: its facts are the result, or may be."
MAY_COMMIT = frozenset({DRAINING, TIMED_OUT})
"Called off for time only: a result that is there nevertheless counts."


SERVICE = uuid.uuid4().hex[:8]
"Made before the service forks, so that all its processes share it. Containers may share host names and process ids."


def worker_name(pid: int) -> str:
    """What a process of this service calls itself in its claims: no process of another service has that name."""
    return f"{os.uname().nodename}:{SERVICE}:{pid}"


class StepRunner:
    """Runs the steps of one service in this process, one at a time."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        storage: Storage,
        handlers: Mapping[str, Handler],
        build: str = "",
        drain: Drain | None = None,
        slots: Slots | None = None,
    ) -> None:
        self._settings, self._store, self._storage = settings, store, storage
        self._handlers, self._build = handlers, build
        self._drain = drain or Drain()
        self._slots = slots or Slots(1)
        self._worker = worker_name(os.getpid())

    def run(self, job_id: str, step: str) -> str:
        """Does the step if it may be done now. Returns what came of it, in one word."""
        if self._drain.began:
            return DRAINING
        asked = time.monotonic()
        claim = self._claim(job_id, step)
        if isinstance(claim, str):
            return claim  # a late or doubled hint, or one for another worker
        # What is soon done does not keep a core from the long steps that begin beside it.
        with nullcontext() if StepName(step).kind in LATE else self._slots.taken():
            run = self._prepare(claim, asked + self._settings.self_kill_seconds)
            outcome = self._work(claim, run)
            run.call_off()  # a handler may see by the clock that it is over before its heart does, which kills children
        if outcome not in KEPT:
            run.discard()
        return outcome

    def _claim(self, job_id: str, step: str) -> Claim | str:
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
            toolchain=toolchain(kind, self._build),
        )
        try:
            return ask()
        except StateUnavailable:
            return ask()

    def _prepare(self, claim: Claim, until: float) -> StepRun:
        attempt = claim.nonce[:ATTEMPT_DIGITS]
        return StepRun(
            owner=claim.owner,
            job_id=claim.job_id,
            step=claim.step,
            work=claim.fingerprint,
            storage=self._storage,
            buckets=(self._settings.assets_bucket, self._settings.videos_bucket),
            workdir=scratch.place(self._settings.scratch(), claim.nonce),
            attempt=attempt,
            last_attempt=claim.attempt >= self._settings.max_attempts,
            until=until,
            spare=self._slots.spare() if claim.last else 0,
        )

    def _work(self, claim: Claim, run: StepRun) -> str:
        with _Heartbeat(self._store, claim, run, self._settings, self._drain) as heart:
            try:
                facts = self._facts(claim, run)
            except Exception as error:
                if run.stopped or isinstance(error, Stopped):  # what a step says that is being stopped means nothing
                    return self._stopped(claim, run, heart.why)
                return self._fail(claim, run, _failure(claim, error))
            if run.stopped and heart.why not in MAY_COMMIT:
                return CALLED_OFF
            return self._commit(claim, run, facts)

    def _facts(self, claim: Claim, run: StepRun) -> Contract:
        kind = StepName(claim.step).kind
        try:
            with scratch.scratch(run.workdir):
                return self._handlers[kind](parse_spec(kind, claim.spec), run)
        except ObjectMissing as error:
            # Where one input is gone, others often are. Told one by one, each would cost a run of the step.
            gone = run.gone(key for key in keys_in(claim.spec) if key != error.key)
            raise ObjectMissing(str(error), " ".join([error.key, *gone]).strip()) from error

    def _stopped(self, claim: Claim, run: StepRun, why: str) -> str:
        if why == DRAINING:
            return RELEASED if self._report(run, lambda: self._store.release(claim)) is True else LOST
        if why == TIMED_OUT:
            kind, most = StepName(claim.step).kind, self._settings.step_timeout
            message = f"{kind} took longer than the {most:g} s a step may take"
            failure = Failure(code="step_timeout", message=message, retryable=True, step=claim.step)
            return self._fail(claim, run, failure)
        return CALLED_OFF

    def _fail(self, claim: Claim, run: StepRun, failure: Failure) -> str:
        return FAILED if self._report(run, lambda: self._store.fail(claim, failure)) is True else LOST

    def _commit(self, claim: Claim, run: StepRun, facts: Contract) -> str:
        known_for = STEP_KINDS[StepName(claim.step).kind].known_for(self._settings.keep_parts_seconds)
        reuse = known_for if getattr(facts, "shareable", True) else 0
        answer = self._report(run, lambda: self._store.commit(claim, facts.model_dump_json(), reuse))
        return DONE if answer == "ok" else str(answer)

    def _report(self, run: StepRun, call: Callable[[], T]) -> T | str:
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
                return UNHEARD if unheard and answer in (LOST, KNOWN) else answer
            if time.monotonic() > run.until:
                return UNHEARD
            time.sleep(REPORT_PAUSE)


class _Heartbeat(threading.Thread):
    """Renews the lease. Calls the step off when told to, or when it could not renew for too long."""

    def __init__(self, store: JobStore, claim: Claim, run: StepRun, settings: Settings, drain: Drain) -> None:
        super().__init__(daemon=True, name=f"beat {claim.step}")
        self._store, self._claim, self._run, self._settings, self._drain = store, claim, run, settings, drain
        self._over = threading.Event()
        self._timeout = time.monotonic() + settings.step_timeout
        self.why = ""
        "Why it called the step off."

    def __enter__(self) -> "_Heartbeat":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(max(0.0, min(self._settings.beat_seconds, self._drain.left))):
            # The clock is read before and after: this process may have been frozen, or Redis slow to answer.
            if why := self._due() or self._beat() or self._due():
                log.info("%s of %s is called off: %s", self._claim.step, self._claim.job_id, why)
                self.why = why
                self._run.call_off()
                return

    def _due(self) -> str:
        """Why the step must end now by the clock; empty if it may go on."""
        now = time.monotonic()
        if now > self._run.until:
            return UNHEARD
        if self._drain.left <= 0:
            return DRAINING
        return TIMED_OUT if now > self._timeout else ""

    def _beat(self) -> str:
        """Renews the lease; returns what is to be said against that."""
        asked = time.monotonic()
        try:
            answer = self._store.beat(self._claim, self._settings.lease_seconds, self._run.done)
        except Exception as error:
            # Whatever it was, the lease was not renewed, and this thread is the only one to notice.
            log.warning("no beat of %s of %s: %s", self._claim.step, self._claim.job_id, error)
            return ""
        if answer != "ok":
            return answer
        self._run.until = asked + self._settings.self_kill_seconds
        return ""


def _failure(claim: Claim, error: Exception) -> Failure:
    cause: Exception = disk_trouble(error) or error
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
