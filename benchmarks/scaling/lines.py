"""The line of steps that wait for workers of one queue, in the order in which they are given out. Pure."""

import heapq
import itertools
from collections import deque
from typing import NamedTuple

from common.contracts.kinds import LATE
from common.contracts.names import StepName


class Ready(NamedTuple):
    """A step of a job that could be done now."""

    job: int
    step: StepName


class Line:
    """Steps wait in the record, jobs in turn; a few of them, for which there are hints, wait for whoever is free next.

    The rules are those of `common/jobs/lua/_prelude.lua` for one lane and one owner: the job with the lowest turn is
    next and pays for it; within a job the oldest step, but kinds in LATE after the others. A job that comes (back)
    stands half a turn behind the present one.
    """

    def __init__(self, ahead: int) -> None:
        """`ahead` is the number of hints for each live slot."""
        self._ahead = ahead
        self._rings: dict[int, list[tuple[bool, int, StepName]]] = {}
        self._turns: list[tuple[float, int, int]] = []
        self._present = 0.0
        self._numbers = itertools.count()
        self._hinted: deque[Ready] = deque()
        self.waiting = 0
        "Steps that are ready, with a hint or without."

    def add(self, ready: Ready) -> None:
        if ready.job not in self._rings:
            self._rings[ready.job] = []
            heapq.heappush(self._turns, (self._present + 0.5, next(self._numbers), ready.job))
        entry = (ready.step.kind in LATE, next(self._numbers), ready.step)
        heapq.heappush(self._rings[ready.job], entry)
        self.waiting += 1

    def hint(self, slots: int) -> None:
        """Sends hints as far as there is room for them, with so many live slots."""
        while self._turns and len(self._hinted) < self._ahead * slots:
            self._hinted.append(self._pick())

    def take(self) -> Ready | None:
        """The step that a free worker finds; None if there is no hint."""
        if not self._hinted:
            return None
        self.waiting -= 1
        return self._hinted.popleft()

    def _pick(self) -> Ready:
        self._present, _, job = heapq.heappop(self._turns)
        _, _, step = heapq.heappop(self._rings[job])
        if self._rings[job]:
            heapq.heappush(self._turns, (self._present + 1, next(self._numbers), job))
        else:
            del self._rings[job]
        return Ready(job, step)
