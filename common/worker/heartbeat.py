"""The heartbeat of a running step: a thread that renews its lease, and stops the step when that is over."""

import logging
import threading
import time

from common.jobs.claims import Claim, Claims, Verdict
from common.settings import Settings
from common.worker.drain import Drain
from common.worker.outcome import Outcome
from common.worker.steprun import StepRun

log = logging.getLogger(__name__)


class Heartbeat(threading.Thread):
    """Renews the lease while the block lasts.

    Calls the step off when the store says so, when its time is over, or when the lease was not renewed for too long.
    """

    def __init__(self, store: Claims, claim: Claim, run: StepRun, settings: Settings, drain: Drain) -> None:
        super().__init__(daemon=True, name=f"beat {claim.step}")
        self._store, self._claim, self._run, self._settings, self._drain = store, claim, run, settings, drain
        self._over = threading.Event()
        self._timeout = time.monotonic() + settings.step_timeout
        self.why: Outcome | None = None
        "Why it called the step off; None if it did not."

    def __enter__(self) -> "Heartbeat":
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

    def _due(self) -> Outcome | None:
        """Why the step must end now by the clock; None if it may go on."""
        now = time.monotonic()
        if now > self._run.until:
            return Outcome.UNHEARD
        if self._drain.left <= 0:
            return Outcome.DRAINING
        return Outcome.TIMED_OUT if now > self._timeout else None

    def _beat(self) -> Outcome | None:
        """Renews the lease. Returns why the step must end if the store refuses."""
        asked = time.monotonic()
        try:
            verdict = self._store.beat(self._claim, self._settings.lease_seconds, self._run.fraction_done)
        except Exception as error:
            # Whatever it was, the lease was not renewed, and this thread is the only one to notice.
            log.warning("no beat of %s of %s: %s", self._claim.step, self._claim.job_id, error)
            return None
        if verdict != Verdict.OK:
            return Outcome(verdict)
        self._run.until = asked + self._settings.self_kill_seconds
        return None
