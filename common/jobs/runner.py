"""Runs one step: claim it, keep its lease alive while the handler works, commit what it found.

Everything that can go wrong ends in one of three ways: the facts are committed, the failure is
reported, or nothing is said and the lease runs out. Each is safe, because only the holder of the
current token is heard.
"""

import functools
import logging
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.contracts.base import Contract
from common.contracts.job import Failure
from common.contracts.steps import SPECS, kind_of, parse_spec, spec_key
from common.errors import StepError, Stopped
from common.jobs.steprun import StepRun
from common.jobs.store import Claim, JobStore, StateUnavailable
from common.settings import Settings
from common.storage.port import Storage

log = logging.getLogger(__name__)

Handler = Callable[[Any, StepRun], Contract]
"Takes the spec of a step, returns its facts."

NEEDS_BUILD = frozenset({"segment", "mix", "assemble"})
"Steps that only a worker with the job's ffmpeg build may take."
REPORT_PAUSE = 0.3
"Seconds between tries to report to a store that does not answer."


class StepRunner:
    """Runs the steps of one service in this process, one at a time."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        storage: Storage,
        handlers: Mapping[str, Handler],
        build: str = "",
    ) -> None:
        self._settings, self._store, self._storage = settings, store, storage
        self._handlers, self._build = handlers, build
        self._worker = f"{os.uname().nodename}:{os.getpid()}"

    def run(self, job_id: str, step: str) -> str:
        """Does the step if it may be done now. Returns what came of it, in one word, for the log."""
        kind = kind_of(step)
        claim = self._claim(job_id, step, kind)
        if isinstance(claim, str):
            return claim  # a late or doubled hint
        with tempfile.TemporaryDirectory(prefix="reel-step-", dir=self._settings.scratch()) as folder:
            return self._work(claim, kind, Path(folder))

    def _claim(self, job_id: str, step: str, kind: str) -> Claim | str:
        """Claims the step. Asked a second time when the answer got lost: the nonce makes it one claim."""
        ask = functools.partial(
            self._store.claim,
            job_id,
            step,
            nonce=uuid.uuid4().hex,
            worker=self._worker,
            lease=self._settings.lease_seconds,
            queue=SPECS[kind].queue,
            build=self._build if kind in NEEDS_BUILD else "",
        )
        try:
            return ask()
        except StateUnavailable:
            return ask()

    def _work(self, claim: Claim, kind: str, workdir: Path) -> str:
        run = StepRun(
            owner=claim.owner,
            job_id=claim.job_id,
            step=claim.step,
            work=claim.work,
            storage=self._storage,
            buckets=(self._settings.assets_bucket, self._settings.videos_bucket),
            workdir=workdir,
            last_attempt=claim.attempt >= self._settings.max_attempts,
        )
        with _Heartbeat(self._store, claim, run, self._settings):
            try:
                spec = parse_spec(kind, self._storage.get_bytes(run.assets, spec_key(claim.owner, claim.work)))
                facts = self._handlers[kind](spec, run)
                run.check()
            except Stopped:
                return "called_off"
            except Exception as error:
                failure = _failure(claim, error)
                return "failed" if self._report(run, lambda: self._store.fail(claim, failure)) else "lost"
            reuse = 0 if not getattr(facts, "shareable", True) else SPECS[kind].reuse
            committed = self._report(run, lambda: self._store.commit(claim, facts.model_dump_json(), reuse))
            return "done" if committed else "lost"

    def _report(self, run: StepRun, call: Callable[[], bool]) -> bool:
        """Reports again and again while the lease lasts: the work is done, so a short outage must not waste it."""
        while not run.stopped:
            try:
                return call()
            except StateUnavailable:
                time.sleep(REPORT_PAUSE)
        return False


class _Heartbeat(threading.Thread):
    """Renews the lease. Calls the step off when told to, or when it could not renew for too long."""

    def __init__(self, store: JobStore, claim: Claim, run: StepRun, settings: Settings) -> None:
        super().__init__(daemon=True, name=f"beat {claim.step}")
        self._store, self._claim, self._run, self._settings = store, claim, run, settings
        self._over = threading.Event()

    def __enter__(self) -> "_Heartbeat":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        started = renewed = time.monotonic()
        while not self._over.wait(self._settings.beat_seconds):
            asked = time.monotonic()
            try:
                answer = self._store.beat(self._claim, self._settings.lease_seconds, self._run.done)
            except Exception as error:
                # Whatever it was, the lease was not renewed, and this thread is the only one to notice.
                log.warning("no beat of %s of %s: %s", self._claim.step, self._claim.job_id, error)
                answer = "unheard"
            if asked - started > self._settings.step_timeout:
                answer = "timed out"
            if answer == "ok":
                renewed = asked
            elif answer != "unheard" or time.monotonic() - renewed > self._settings.self_kill_seconds:
                log.info("%s of %s is called off: %s", self._claim.step, self._claim.job_id, answer)
                self._run.call_off()
                return


def _failure(claim: Claim, error: Exception) -> Failure:
    if isinstance(error, StepError):
        log.warning("%s of %s failed: %s", claim.step, claim.job_id, error)
        if details := getattr(error, "details", ""):
            log.info("%s", details)
        return Failure(
            code=error.code,
            message=str(error),
            retryable=error.retryable,
            retry_after=error.retry_after,
            step=claim.step,
        )
    # A defect of ours. It may have to do with this one worker, so another attempt is worth it.
    log.exception("%s of %s met an unexpected error", claim.step, claim.job_id)
    message = f"an unexpected error in {kind_of(claim.step)}; the service's log has the details"
    return Failure(code="internal_error", message=message, retryable=True, step=claim.step)
