"""The faults: each is a context manager that does its harm on entry and heals it on exit."""

import errno
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NamedTuple

import redis

from common.messaging.queues import QUEUES
from infra.chaos.processes import family, freeze, send
from infra.chaos.schedule import Habit
from infra.chaos.site import Held, Site

WORKERS = ("orchestrator", "retriever", "whisper_worker", "renderer")
HEALING_SECONDS = 60.0
COPIES_OF_A_HINT = 5
POP_SECONDS = 1.5
"Longer than a worker waits in one read of its queue, so that it takes a hint while it is frozen."
BLOCK = 1024 * 1024


class NothingToHit(Exception):
    """The fault cannot be made here and now; the message says why."""


class Struck(NamedTuple):
    """The target of a fault."""

    at: int
    "In milliseconds; the clock of Redis, which runs on the same machine."
    held: Sequence[Held]
    "Steps that were under way in the part it hit."


Injection = Callable[[Site, random.Random], AbstractContextManager[Struck]]


class FaultKind(NamedTuple):
    habit: Habit
    inject: Injection


def now_ms() -> int:
    return int(time.time() * 1000)


def strike(site: Site, pids: Sequence[int], number: signal.Signals) -> Struck:
    """Sends the signal; the steps they hold are read before, because afterwards nobody knows."""
    held = site.held([one for pid in pids for one in family(pid)])
    send(pids, number)
    return Struck(now_ms(), held)


# processes


@contextmanager
def kill_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    yield strike(site, [_busy(site, rng)], signal.SIGKILL)


@contextmanager
def kill_orchestrator(site: Site, rng: random.Random) -> Iterator[Struck]:
    yield strike(site, [rng.choice(_pids(site, "orchestrator"))], signal.SIGKILL)


@contextmanager
def kill_pool_child(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Kills a pool child, one with a step in hand if there is one."""
    children = [child for pid in _pids(site, *WORKERS) for child in family(pid)[1:]]
    busy = [held.pid for held in site.held(children)]
    if not children:
        raise NothingToHit("no worker has a child just now")
    yield strike(site, [rng.choice(busy or children)], signal.SIGKILL)


@contextmanager
def kill_all_workers(site: Site, _: random.Random) -> Iterator[Struck]:
    yield strike(site, _pids(site, *WORKERS), signal.SIGKILL)


@contextmanager
def restart_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Ends a worker as a deploy does; the supervisor starts it again."""
    yield strike(site, [_busy(site, rng)], signal.SIGTERM)


@contextmanager
def kill_api(site: Site, rng: random.Random) -> Iterator[Struck]:
    (main,) = _pids(site, "api")
    yield strike(site, [rng.choice(family(main))], signal.SIGKILL)


@contextmanager
def freeze_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Freezes a worker past its leases; thawed, it must find out that its steps are no longer its own."""
    main = _busy(site, rng)
    held = site.held(family(main))
    frozen = freeze(main)
    try:
        yield Struck(now_ms(), held)
    finally:
        send(frozen, signal.SIGCONT)


@contextmanager
def freeze_and_kill_idle_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Hints that the broker hands to the frozen one are lost for good, without any report."""
    busy = {held.pid for held in site.held()}
    idle = [pid for pid in _pids(site, *WORKERS) if not busy & set(family(pid))]
    if not idle:
        raise NothingToHit("every worker is busy")
    main = rng.choice(idle)
    freeze(main)
    try:
        yield Struck(now_ms(), ())
    finally:
        send([main], signal.SIGKILL)


# the broker


@contextmanager
def delete_hints(site: Site, _: random.Random) -> Iterator[Struck]:
    _ask(lambda: site.redis.delete(*QUEUES, "unacked", "unacked_index"))
    yield Struck(now_ms(), ())


@contextmanager
def multiply_hints(site: Site, _: random.Random) -> Iterator[Struck]:
    for queue in QUEUES:
        for hint in _ask(lambda name=queue: site.redis.lrange(name, 0, -1)):  # type: ignore[misc]
            copies = [hint] * (COPIES_OF_A_HINT - 1)
            _ask(lambda name=queue, more=copies: site.redis.lpush(name, *more))  # type: ignore[misc]
    yield Struck(now_ms(), ())


# the stores: Redis, and the object store with the disk


@contextmanager
def kill_store(name: str, site: Site, _: random.Random) -> Iterator[Struck]:
    yield strike_all(site, lambda: send(_pids(site, name), signal.SIGKILL))


@contextmanager
def freeze_store(name: str, site: Site, _: random.Random) -> Iterator[Struck]:
    pids = _pids(site, name)
    try:
        yield strike_all(site, lambda: send(pids, signal.SIGSTOP))
    finally:
        send(pids, signal.SIGCONT)


@contextmanager
def pause_redis(site: Site, _: random.Random) -> Iterator[Struck]:
    """Lets Redis answer questions but makes every write wait."""
    try:
        yield strike_all(site, lambda: _ask(lambda: site.redis.client_pause(60_000, all=False)))
    finally:
        heal(lambda: site.redis.client_unpause())


@contextmanager
def fill_redis(site: Site, _: random.Random) -> Iterator[Struck]:
    try:
        yield strike_all(site, lambda: _ask(lambda: site.redis.config_set("maxmemory", "1mb")))
    finally:
        heal(lambda: site.redis.config_set("maxmemory", "0"))


@contextmanager
def fill_disk(site: Site, _: random.Random) -> Iterator[Struck]:
    """Takes the last byte of the workers' disk; only of one of our own."""
    if not os.path.ismount(site.work):
        raise NothingToHit("a small disk of our own needs the right to mount one")
    ballast = site.work / "ballast"
    try:
        yield strike_all(site, lambda: _fill(str(ballast)))
    finally:
        ballast.unlink(missing_ok=True)


def strike_all(site: Site, harm: Callable[[], Any]) -> Struck:
    """Does harm to something that every step needs."""
    held = site.held()
    harm()
    return Struck(now_ms(), held)


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


def _ask(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (redis.RedisError, OSError):
        raise NothingToHit("Redis does not answer just now") from None


def _pids(site: Site, *services: str) -> list[int]:
    found = site.pids(*services)
    if not found:
        raise NothingToHit(f"no {' or '.join(services)} runs just now")
    return found


def _busy(site: Site, rng: random.Random) -> int:
    """A worker with a step in hand, else any."""
    mains = _pids(site, *WORKERS)
    busy = {held.pid for held in site.held()}
    return rng.choice([pid for pid in mains if busy & set(family(pid))] or mains)


def _fill(path: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        size = BLOCK
        while size:
            try:
                os.write(handle, bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
    finally:
        os.close(handle)


def kinds(lease: float) -> dict[str, FaultKind]:
    """All kinds of faults, by their name in reports. `lease` is in seconds."""
    frozen = (lease + 0.5, lease + 2.5)
    return {
        "worker killed": FaultKind(Habit("worker", 3), kill_worker),
        "pool child killed": FaultKind(Habit("worker", 3), kill_pool_child),
        "orchestrator killed": FaultKind(Habit("worker", 2), kill_orchestrator),
        "all workers killed": FaultKind(Habit("worker", 1), kill_all_workers),
        "worker restarted": FaultKind(Habit("worker", 2), restart_worker),
        "worker frozen past its lease": FaultKind(Habit("frozen", 2, frozen), freeze_worker),
        "idle worker frozen and killed": FaultKind(
            Habit("frozen", 1, (POP_SECONDS, POP_SECONDS)), freeze_and_kill_idle_worker
        ),
        "API killed": FaultKind(Habit("api", 2), kill_api),
        "hints deleted": FaultKind(Habit("broker", 2), delete_hints),
        "hints multiplied": FaultKind(Habit("broker", 2), multiply_hints),
        "Redis killed": FaultKind(Habit("redis", 2), partial(kill_store, "redis")),
        "Redis frozen": FaultKind(Habit("redis", 1, (0.5, 4.0)), partial(freeze_store, "redis")),
        "Redis slow": FaultKind(Habit("redis", 1, (0.5, 3.0)), pause_redis),
        "Redis full": FaultKind(Habit("redis", 1, (0.5, 3.0)), fill_redis),
        "S3 killed": FaultKind(Habit("s3", 1), partial(kill_store, "s3")),
        "S3 frozen": FaultKind(Habit("s3", 1, (0.5, 6.0)), partial(freeze_store, "s3")),
        "disk full": FaultKind(Habit("disk", 1, (1.0, 4.0)), fill_disk),
    }
