"""What all faults have in common: their victims, the account of what they hit, and the healing."""

import random
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import redis

from infra.chaos.processes import family, freeze, owners, send
from infra.chaos.schedule import Habit
from infra.chaos.site import Held, Site

REDIS, S3 = "redis", "s3"
WORKERS = ("orchestrator", "retriever", "whisper_worker", "renderer")
HEALING_SECONDS = 60.0
CATCH_SECONDS = 2.0
"Time to catch a victim with a step in hand. The injector waits meanwhile, and lasting faults last longer."
TRY_SECONDS = 0.05


class NothingToHit(Exception):
    """The fault cannot be made here and now; the message says why."""


class Struck(NamedTuple):
    """The target of a fault."""

    at: int
    "In milliseconds, just before the blow; the clock of Redis, which runs on the same machine."
    held: Sequence[Held] = ()
    "Steps that were under way in the part it hit."
    programs: frozenset[str] = frozenset()
    "Names of the programs it harmed."
    note: str = ""
    "What else is to be said of it, for the log."


Injection = Callable[[Site, random.Random], AbstractContextManager[Struck]]
Aim = Callable[[Site], bool]
"True if a victim is there that makes the fault worth while."


class FaultKind(NamedTuple):
    habit: Habit
    inject: Injection
    aim: Aim | None = None
    "Waited for, for a while; None: any moment is as good."
    hits_steps: bool = False
    "True if it is aimed at running steps."
    limit: float | None = None
    "Seconds after which a step that lost its holder must be ready again; None: as promised."
    alone: bool = False
    "True if it can only be healed when no other fault lasts."


def now_ms() -> int:
    return int(time.time() * 1000)


# victims


def pids_of(site: Site, *services: str) -> list[int]:
    """The main processes of these services. Raises `NothingToHit` if there are none."""
    found = site.pids(*services)
    if not found:
        raise NothingToHit(f"no {' or '.join(services)} runs just now")
    return found


def busy(*services: str) -> Aim:
    """Aims at a step in the hands of one of these services."""
    return lambda site: any(held.service in services for held in site.held())


def anything_runs(site: Site) -> bool:
    """Aims at any running step."""
    return bool(site.held())


def busy_worker(site: Site, rng: random.Random, *services: str) -> list[int]:
    """The main process of a worker of these services with a step in hand, else of any of them."""
    mains = site.programs(*services)
    if not mains:
        raise NothingToHit("no worker runs just now")
    at_work = {held.program for held in site.held()}
    return [rng.choice([pid for name, pid in mains.items() if name in at_work] or list(mains.values()))]


# harm


def strike(site: Site, victim: Callable[[], Sequence[int]], number: signal.Signals) -> Struck:
    """Sends the signal to the victim's processes; what they have started must see to it by itself."""
    pids, frozen, struck = caught(site, victim)
    send(pids, number)
    send(frozen, signal.SIGCONT)
    return struck


def caught(site: Site, victim: Callable[[], Sequence[int]]) -> tuple[Sequence[int], Sequence[int], Struck]:
    """Freezes processes with a step in hand, which cannot end the step before they are struck: they, and all that are
    to be thawed again.

    Many steps are shorter than a look at them, so it is tried for a while; then any victim will do.
    """
    until = time.monotonic() + CATCH_SECONDS
    while True:
        pids = victim()
        frozen = [one for pid in pids for one in freeze(pid)]
        struck = _account(site, [one for pid in pids for one in family(pid)])
        if struck.held or time.monotonic() > until:
            return pids, frozen, struck
        send(frozen, signal.SIGCONT)
        time.sleep(TRY_SECONDS)


def _account(site: Site, pids: Sequence[int]) -> Struck:
    at, whose = now_ms(), owners(site.programs())
    return Struck(at, site.held(pids), frozenset(whose[pid] for pid in pids if pid in whose))


def strike_all(site: Site, harm: Callable[[], Any], programs: Iterable[str]) -> Struck:
    """Does harm to something that every step needs."""
    struck = Struck(now_ms(), site.held(), frozenset(programs))
    harm()
    return struck


def heal(call: Callable[[], Any]) -> None:
    """Undoes something in Redis, however long it takes to come back."""
    give_up = time.monotonic() + HEALING_SECONDS
    while True:
        try:
            call()
            return
        except (redis.RedisError, OSError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def ask(call: Callable[[], Any]) -> Any:
    """The answer of Redis. Raises `NothingToHit` if it gives none."""
    try:
        return call()
    except (redis.RedisError, OSError):
        raise NothingToHit("Redis does not answer just now") from None
