"""Faults of the stores: Redis with the broker in it, the object store, and the disks."""

import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.messaging.queues import QUEUES
from infra.chaos.disks import filled
from infra.chaos.faults.striking import REDIS, S3, NothingToHit, Struck, ask, heal, now_ms, pids_of, strike_all
from infra.chaos.processes import send
from infra.chaos.site import Site

COPIES_OF_A_HINT = 5
DATA = ("objects", "redis")
"Folders of the disk for data."


# the broker, and what is due


@contextmanager
def delete_hints(site: Site, _: random.Random) -> Iterator[Struck]:
    ask(lambda: site.redis.delete(*QUEUES, "unacked", "unacked_index"))
    yield Struck(now_ms())


@contextmanager
def multiply_hints(site: Site, _: random.Random) -> Iterator[Struck]:
    for queue in QUEUES:
        for hint in ask(lambda name=queue: site.redis.lrange(name, 0, -1)):  # type: ignore[misc]
            copies = [hint] * (COPIES_OF_A_HINT - 1)
            ask(lambda name=queue, more=copies: site.redis.lpush(name, *more))  # type: ignore[misc]
    yield Struck(now_ms())


@contextmanager
def forget_what_is_due(site: Site, _: random.Random) -> Iterator[Struck]:
    """Nobody would look at any job again, if nobody noticed."""
    ask(lambda: site.redis.delete("due"))
    yield Struck(now_ms())


def hints_wait(site: Site) -> bool:
    """Aims at hints that are in a queue or in the hands of a worker."""
    return bool(ask(lambda: sum(map(site.redis.llen, QUEUES)) + site.redis.hlen("unacked")))


# Redis and the object store as programs


@contextmanager
def kill_store(name: str, site: Site, _: random.Random) -> Iterator[Struck]:
    yield strike_all(site, lambda: send(pids_of(site, name), signal.SIGKILL), [name])


@contextmanager
def freeze_store(name: str, site: Site, _: random.Random) -> Iterator[Struck]:
    pids = pids_of(site, name)
    try:
        yield strike_all(site, lambda: send(pids, signal.SIGSTOP), [name])
    finally:
        send(pids, signal.SIGCONT)


@contextmanager
def pause_redis(site: Site, _: random.Random) -> Iterator[Struck]:
    """Lets Redis answer questions but makes every write wait."""
    try:
        yield strike_all(site, lambda: ask(lambda: site.redis.client_pause(60_000, all=False)), [REDIS])
    finally:
        heal(lambda: site.redis.client_unpause())


@contextmanager
def fill_redis(site: Site, _: random.Random) -> Iterator[Struck]:
    try:
        yield strike_all(site, lambda: ask(lambda: site.redis.config_set("maxmemory", "1mb")), [REDIS])
    finally:
        heal(lambda: site.redis.config_set("maxmemory", "0"))


# disks


@contextmanager
def fill_work_disk(site: Site, _: random.Random) -> Iterator[Struck]:
    """Takes the last byte of the workers' disk; only of one of our own."""
    struck = Struck(now_ms(), site.held())
    with filled(_disks(site, ["work"])):
        yield struck


@contextmanager
def fill_data_disk(site: Site, _: random.Random) -> Iterator[Struck]:
    """The same with the disk of Redis and the object store."""
    struck = Struck(now_ms(), site.held(), frozenset({REDIS, S3}))
    with filled(_disks(site, DATA)):
        yield struck


def _disks(site: Site, names: Sequence[str]) -> list[Path]:
    folders = [site.plan.folder(name) for name in names]
    if not all(folder.is_mount() for folder in folders):
        raise NothingToHit("a small disk of our own needs the right to mount one")
    return folders
