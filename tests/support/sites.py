"""A real stack that a test may harm, and the account of what it did."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from common.contracts.job import Event, Job
from infra.chaos.expectations import Entry, Expectations
from infra.chaos.invariants import Stock, violations
from infra.chaos.processes import family
from infra.chaos.run import small_clip
from infra.chaos.site import Held, Site
from infra.chaos.stock import settle, take_stock
from infra.chaos.traffic import Traffic
from tests.support.waiting import eventually

QUIET = {"footage": "scenery", "music": "none", "captions": "none"}
"Options of the fastest films."


class Load:
    """Users who order videos during the block, whatever it does. After it, every invariant must hold for them."""

    stock: Stock
    "What there is after the block."

    def __init__(self, site: Site, seed: int, *, backlog: int) -> None:
        """`backlog` is how many videos they want at a time."""
        self._site, self._before = site, frozenset(listed(site))
        self._traffic = Traffic(site.url, seed, backlog=backlog, users=1, whims=False)

    def __enter__(self) -> "Load":
        self._traffic.start(small_clip())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._traffic.abandon()
            return
        self._traffic.finish()
        settle(self._site)
        self._traffic.again()
        self.stock = sound(self._site, self._traffic.expectations, self._before)

    @property
    def ordered(self) -> int:
        """How many orders have been accepted."""
        return self._traffic.ordered

    def more(self, count: int) -> None:
        """Waits until so many further orders have been accepted."""
        wanted = self.ordered + count
        eventually(lambda: self.ordered >= wanted or self._traffic.expectations.complaints)
        assert not self._traffic.expectations.complaints


def account(site: Site, jobs: Sequence[str], may_end: str = "completed") -> Stock:
    """Waits for the end of these jobs; every invariant must hold for them."""
    expectations = Expectations()
    for job in jobs:
        expectations.jobs[job] = Entry(job, frozenset({may_end}))
    settle(site)
    return sound(site, expectations, frozenset(listed(site)) - frozenset(jobs))


def sound(site: Site, expectations: Expectations, besides: frozenset[str]) -> Stock:
    stock = take_stock(site, expectations, besides)
    found = violations(stock)
    assert not found, "\n".join(found)
    return stock


def listed(site: Site) -> list[str]:
    return [str(name) for name in site.redis.zrange("jobs:local", 0, -1)]


def record(site: Site, job_id: str) -> Job:
    job = site.store.load(job_id)
    assert job is not None
    return job


def log(site: Site, job_id: str) -> list[Event]:
    found: list[Event] = []
    while page := site.store.events(job_id, found[-1].seq if found else 0, 500):
        found += page
    return found


def steps_in(events: Sequence[Event], **wanted: Any) -> list[str]:
    """Steps of the events that have these data, in order."""
    moves = [event.data for event in events if event.type == "step"]
    return [str(data["step"]) for data in moves if all(data.get(name) == value for name, value in wanted.items())]


def holder(site: Site, job_id: str, kind: str) -> Held | None:
    """Whoever works on a step of this kind now."""
    return next((held for held in site.held() if held.job == job_id and held.step.startswith(kind)), None)


def main_of(site: Site, pid: int) -> int:
    """The main process of the service that this one belongs to."""
    (main,) = [main for main in site.pids() if pid in family(main)]
    return main
