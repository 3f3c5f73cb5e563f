"""`python -m tests.support.five_hints`: the real orchestrator, but each hint it sends goes out five times."""

import sys

from common.messaging.app import Hints
from common.worker.service import serve
from orchestrator.main import SERVICE

COPIES = 5
_send = Hints.send


def send_all(self: Hints, queue: str, job_id: str, step: str) -> None:
    for _ in range(COPIES):
        _send(self, queue, job_id, step)


if __name__ == "__main__":
    Hints.send = send_all  # type: ignore[method-assign]
    sys.exit(serve(SERVICE))
