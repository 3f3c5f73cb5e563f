"""The clock of a simulation: events in the order of their times. Pure."""

import heapq
import itertools
from collections.abc import Callable

Action = Callable[[], None]


class Clock:
    """Events of one time happen in the order in which they were asked for. Times are seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, action: Action) -> None:
        self.at(self.now + seconds, action)

    def at(self, time: float, action: Action) -> None:
        heapq.heappush(self._events, (max(time, self.now), next(self._numbers), action))

    def run(self, until: Callable[[], bool], latest: float) -> None:
        """Lets everything happen until `until` says so, nothing is left to happen, or the time `latest` is over."""
        while self._events and not until():
            time, _, action = heapq.heappop(self._events)
            if time > latest:
                self.now = latest
                return
            self.now = time
            action()
