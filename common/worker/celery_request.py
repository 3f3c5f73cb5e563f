"""A hint in the main process of a worker: Celery's request, extended to report processes that die with it."""

import logging
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request

log = logging.getLogger(__name__)

Died = Callable[[str, str, int], None]
"Takes the job, the step, and the id of the process that died with it. Must not block."


class HintRequest(Request):  # type: ignore[misc]
    """Celery's `Request`, which also reports at once what otherwise only the end of the lease would show.

    It passes on that a hint could not be acknowledged, too. Celery only logs that, and counts the hint as unread for
    ever: a worker that may hold one hint would never be given another, and would not even see that its connection
    is gone. Passed on, it makes Celery connect anew. Celery is given no errors to swallow.
    """

    acknowledged: bool
    died: Died

    def acknowledge(self) -> None:
        if not self.acknowledged:
            self.on_ack(log, ())
            self.acknowledged = True

    def reject(self, requeue: bool = False) -> None:
        if not self.acknowledged:
            self.on_reject(log, (), requeue)
            self.acknowledged = True

    def on_failure(self, exc_info: Any, *arguments: Any, **more: Any) -> None:
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        try:
            super().on_failure(exc_info, *arguments, **more)
        finally:  # it acknowledges the hint, which fails while the broker is away; the process died all the same
            if isinstance(error, (WorkerLostError, SystemExit)):
                self._report_death()

    def on_timeout(self, soft: bool, timeout: float) -> None:
        try:
            super().on_timeout(soft, timeout)
        finally:
            if not soft:  # its process is killed now
                self._report_death()

    def _report_death(self) -> None:
        job_id, step = self.args
        if self.worker_pid is not None:
            self.died(job_id, step, self.worker_pid)


def request_class(died: Died) -> type[HintRequest]:
    """A `HintRequest` that reports to `died`: Celery makes requests itself, so they get it from their class."""
    return type("HintRequest", (HintRequest,), {"died": staticmethod(died)})
