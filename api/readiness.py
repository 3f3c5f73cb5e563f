"""Readiness: what a request needs to be taken (the stores), and beside it what a job needs to be done (workers)."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import NamedTuple

from common.errors import ReelwrightError
from common.jobs.store import RequestStore
from common.storage.port import Storage

LONGEST_SECONDS = 2.0
"A part that has not answered by then is away: whoever asks has no time."
AT_ONCE = 8


class Readiness(NamedTuple):
    """The parts of the system that are away, in words."""

    stores: list[str]
    workers: list[str]
    "Services without a worker; none are known while the state store is away."


class ReadinessCheck:
    """Looks at the stores, both at once."""

    def __init__(self, store: RequestStore, storage: Storage, services: set[str]) -> None:
        self._store, self._storage, self._services = store, storage, services
        self._pool = ThreadPoolExecutor(AT_ONCE, "ready")

    def look(self) -> Readiness:
        """Takes two seconds at the longest."""
        workers, storage = self._pool.submit(self._missing_workers), self._pool.submit(self._storage.check)
        away = []
        if not _answers(workers):
            away.append("the state store (Redis)")
        if not _answers(storage):
            away.append("the object store (S3)")
        return Readiness(away, workers.result() if _answers(workers) else [])

    def _missing_workers(self) -> list[str]:
        present = {worker.service for worker in self._store.workers()}
        return sorted(self._services - present)


def _answers(future: "Future[object] | Future[list[str]] | Future[None]") -> bool:
    result: Callable[[float], object] = future.result
    try:
        result(LONGEST_SECONDS)
    except (ReelwrightError, TooLate):
        return False
    return True
