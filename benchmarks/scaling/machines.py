"""A machine whose steps share its cores. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.lines import Ready


@dataclass
class Run:
    """A step under way."""

    ready: Ready
    work: float
    "Processor seconds that it takes."
    width: float
    "Cores that it can use at once."
    done: Callable[[], None]
    left: float = 0.0
    "Processor seconds that are still to be done."
    pace: float = 0.0
    "Cores that it has now."
    epoch: int = 0
    "Number of changes of its pace: an end that was foretold before the latest change does not come."


class Machine:
    """Every step has the cores that it can use, or its share of them if together they could use more than there are."""

    def __init__(self, clock: Clock, cores: float) -> None:
        self._clock, self._cores = clock, cores
        self._since = clock.now
        self._runs: dict[int, Run] = {}

    def start(self, run: Run) -> None:
        self._pass_time()
        run.left = run.work
        self._runs[id(run)] = run
        self._share()

    def stop(self, run: Run) -> float:
        """Ends a step before its time; returns the processor seconds that it had, none if it has not begun."""
        if id(run) not in self._runs:
            return 0.0
        self._pass_time()
        del self._runs[id(run)]
        self._share()
        return run.work - run.left

    def _pass_time(self) -> None:
        passed, self._since = self._clock.now - self._since, self._clock.now
        for run in self._runs.values():
            run.left = max(0.0, run.left - passed * run.pace)

    def _share(self) -> None:
        wanted = sum(run.width for run in self._runs.values())
        part = min(1.0, self._cores / wanted) if wanted else 1.0
        for run in self._runs.values():
            pace = run.width * part
            if pace != run.pace:
                run.pace, run.epoch = pace, run.epoch + 1
                self._clock.after(run.left / pace, self._end(run, run.epoch))

    def _end(self, run: Run, epoch: int) -> Callable[[], None]:
        def end() -> None:
            if run.epoch == epoch and id(run) in self._runs:
                self.stop(run)
                run.done()

        return end
