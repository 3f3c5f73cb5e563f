"""A store in which nothing happens, for what the API tells of the whole system."""

from collections.abc import Iterable

from api.metrics import Metrics
from common.contracts.job import LANES, WorkerInfo


class QuietStore:
    """The questions that the figures of the API are made of."""

    def loads(self, queues: Iterable[str]) -> dict[str, int]:
        return dict.fromkeys(queues, 0)

    def jobs_by_lane(self) -> dict[str, int]:
        return dict.fromkeys(["", *LANES], 0)

    def workers(self) -> list[WorkerInfo]:
        return []

    def speech_calls(self) -> dict[tuple[str, str], int]:
        return {("openai", "ok"): 0, ("openai", "failed"): 0}

    def open_breakers(self) -> dict[str, bool]:
        return {"openai 0123456789ab": False}

    def overdue(self) -> float:
        return 0.0


def figures() -> str:
    """The text of /metrics while nothing happens."""
    return Metrics(QuietStore()).text().decode()  # type: ignore[arg-type]
