"""A hint as the main process of a worker sees it: Celery's request, made to notice what goes wrong around it."""

import logging
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request

log = logging.getLogger(__name__)

Died = Callable[[str, str, int], None]
"Takes the job, the step, and the id of the process that died with it. Must not block."


def request_class(died: Died) -> type[Any]:
    """Celery's `Request`, which tells `died` at once what otherwise only the end of the lease would tell.

    It also passes on that a hint could not be acknowledged. Celery only logs that, and counts the hint as unread for
    ever: a worker that may hold one hint would never be given another, and would not even see that its connection
    is gone. Passed on, it makes Celery connect anew. Celery is given no errors to swallow.
    """

    class HintRequest(Request):  # type: ignore[misc]
        acknowledged: bool

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
                    self._tell()

        def on_timeout(self, soft: bool, timeout: float) -> None:
            try:
                super().on_timeout(soft, timeout)
            finally:
                if not soft:  # its process is killed now
                    self._tell()

        def _tell(self) -> None:
            job_id, step = self.args
            if self.worker_pid is not None:
                died(job_id, step, self.worker_pid)

    return HintRequest
