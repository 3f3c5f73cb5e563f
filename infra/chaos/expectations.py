"""Jobs promised to users, the permitted endings of each, and answers that no fault explains."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

COMPLETED, CANCELLED = "completed", "cancelled"
ENDED = frozenset({COMPLETED, "partial", "failed", CANCELLED})


class Order(NamedTuple):
    """An order from a user: one video, or several at once."""

    key: str
    body: Mapping[str, Any]

    @property
    def path(self) -> str:
        return "/mcp/batch" if "requests" in self.body else "/mcp/generate"


@dataclass
class Entry:
    """One accepted job, and its permitted endings."""

    job: str
    may_end: frozenset[str] = frozenset({COMPLETED})
    quiet: bool = True
    "True while no wish about it is under way."


@dataclass
class Expectations:
    """The users' knowledge: jobs promised to them, and answers that no fault explains."""

    jobs: dict[str, Entry] = field(default_factory=dict)
    orders: list[tuple[Order, list[str]]] = field(default_factory=list)
    "Every accepted order, and the jobs it was answered with."
    complaints: list[str] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    "One word per wish that was granted."
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, order: Order, jobs: list[str]) -> None:
        with self.lock:
            self.orders.append((order, jobs))
            self.jobs |= {job: Entry(job) for job in jobs}

    def borrow(self, rng: random.Random, fits: Callable[[Entry], bool]) -> Entry | None:
        """A job with no wish under way, or None; give it back by setting `quiet`."""
        with self.lock:
            free = [entry for entry in self.jobs.values() if entry.quiet and fits(entry)]
            if not free:
                return None
            entry = rng.choice(free)
            entry.quiet = False
            return entry

    def complain(self, text: str) -> None:
        with self.lock:
            self.complaints.append(text)

    def grant(self, word: str) -> None:
        with self.lock:
            self.wishes.append(word)
