"""The recovery of the steps that faults hit, and whether it came in time. Pure.

The rule: a step that has lost its holder is ready for the next one within a time limit (promise 8: a lease and five
seconds). The clock starts with the fault. It starts anew with whatever a recovery has to wait for: when Redis or the
object store answers again, when an orchestrator is there again, when one of these or the same holder is hit once more.
Of the limits of several faults that hit a step before it was ready, the longest one counts: it is that fault which took
it from its holder, or keeps it there. A step whose holder went on with it has lost nothing, and is not judged; nor is
one that a user's wish changed meanwhile. How long a ready step then waits for a free worker is not a matter of the
fault.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from common.contracts.job import DONE, ELSEWHERE, FAILED, READY, RUNNING, Event

GRACE = 5.0
"Seconds on top of its lease after which the step of a dead worker must be ready again."
HANDED_OVER = frozenset({DONE, *ELSEWHERE})
"States of a step whose run came to something."


class Recovery(NamedTuple):
    """The recovery of a step that a fault hit, in seconds after the fault."""

    restart: float | None
    "Time until it was started again; None if its holder survived and went on."
    commit: float


class Hit(NamedTuple):
    """A step that was under way in a program that a fault harmed."""

    kind: str
    at: int
    "Time of the fault in milliseconds."
    job: str
    step: str
    program: str
    "The one that held it."
    limit: float
    "Seconds after which it must be ready again if its holder has lost it."


class Harm(NamedTuple):
    """Something that recoveries may have to wait for. Times are in milliseconds."""

    since: int
    until: int
    programs: frozenset[str] = frozenset()
    "Programs that a fault hit at `since`; empty for an absence of what every recovery needs."


class Lag(NamedTuple):
    """A step that lost its holder, and how long it took to be ready again."""

    hit: Hit
    since_fault: float
    "Seconds."
    counted: float
    "Of these, the seconds after the last thing that it had to wait for."

    @property
    def late(self) -> bool:
        return self.counted > self.hit.limit

    def __str__(self) -> str:
        after = f" ({self.counted:.1f} s after the last thing it had to wait for)"
        return (
            f"{self.hit.job}: {self.hit.step} was ready again {self.since_fault:.1f} s after the fault"
            f" '{self.hit.kind}'{after * (self.counted < self.since_fault)}, which is more than {self.hit.limit:g} s"
        )


def recovery(events: Sequence[Event], step: str, at: int) -> Recovery | None:
    """None if the step was not done, or given to somebody elsewhere, after `at` (ms), or a user wished something else
    of its job before that.
    """
    started: int | None = None
    for event in events:
        if event.at <= at:
            continue
        if event.type == "wish":
            return None
        if event.type != "step" or event.data["step"] != step:
            continue
        if event.data["state"] == RUNNING and started is None:
            started = event.at
        if event.data["state"] in HANDED_OVER:
            return Recovery((started - at) / 1000 if started is not None else None, (event.at - at) / 1000)
    return None


def was_running(events: Sequence[Event], step: str, at: int) -> bool:
    """True if the step was under way at that time (ms)."""
    states = [event.data["state"] for event in _of_step(events, step) if event.at <= at]
    return bool(states) and states[-1] == RUNNING


def ready_again(events: Sequence[Event], step: str, at: int) -> int | None:
    """The time (ms) at which a step under way at `at` was ready for another holder; None if it did not lose its own."""
    for event in events:
        if event.at <= at:
            continue
        if event.type == "wish":
            return None
        if event.type == "step" and event.data["step"] == step:
            state = event.data["state"]
            if state == FAILED:
                continue  # its holder says so; the next decision makes it ready
            return event.at if state == READY else None
    return None


def lags(hits: Iterable[Hit], events: Mapping[str, Sequence[Event]], harms: Sequence[Harm]) -> list[Lag]:
    """The steps that lost their holders. `events` are those of the jobs, `harms` all that came between."""
    lost: list[tuple[Hit, int]] = []
    limits: dict[tuple[str, str, int], float] = {}
    for hit in hits:
        log = events.get(hit.job, ())
        ready = ready_again(log, hit.step, hit.at) if was_running(log, hit.step, hit.at) else None
        if ready is not None:
            lost.append((hit, ready))
            loss = (hit.job, hit.step, ready)
            limits[loss] = max(limits.get(loss, 0.0), hit.limit)
    return [_lag(hit._replace(limit=limits[hit.job, hit.step, ready]), ready, harms) for hit, ready in lost]


def away(harms: Iterable[Harm]) -> float:
    """The seconds for which something that every recovery needs was away."""
    total, end = 0, 0
    for harm in sorted(harm for harm in harms if not harm.programs):
        total += max(0, harm.until - max(end, harm.since))
        end = max(end, harm.until)
    return total / 1000


def _lag(hit: Hit, ready: int, harms: Sequence[Harm]) -> Lag:
    return Lag(hit, (ready - hit.at) / 1000, (ready - _clock_starts(hit, ready, harms)) / 1000)


def _clock_starts(hit: Hit, ready: int, harms: Sequence[Harm]) -> int:
    """The end of the last thing that the recovery had to wait for."""
    ends = [
        min(harm.until, ready) for harm in harms if hit.at < harm.until and harm.since < ready and _delays(harm, hit)
    ]
    return max(ends, default=hit.at)


def _delays(harm: Harm, hit: Hit) -> bool:
    return not harm.programs or hit.program in harm.programs


def _of_step(events: Sequence[Event], step: str) -> Iterator[Event]:
    return (event for event in events if event.type == "step" and event.data["step"] == step)
