"""Watches what every recovery needs: Redis, the object store, and an orchestrator that decides."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import redis
import requests

from infra.chaos.faults.striking import now_ms
from infra.chaos.injector import Done
from infra.chaos.recovery import GRACE, Harm, Hit
from infra.chaos.site import Site, service_of

LOOK_SECONDS = 0.2
S3_SECONDS = 1.0
PROBE = "chaos:probe"
PROBE_MS = 60_000
NEEDED = frozenset({"redis", "s3", "orchestrator"})
"Services without which no step recovers."


@contextmanager
def watching(site: Site) -> Iterator[list[Harm]]:
    """The absences of what a recovery needs. The list grows during the block; an absence is in it once it is over."""
    absences: list[Harm] = []
    stop = threading.Event()
    checks = (lambda: _redis_writes(site), lambda: _s3_answers(site), lambda: site.ready("orchestrator"))
    threads = [threading.Thread(target=_watch, args=(check, absences, stop), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    try:
        yield absences
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def harms_of(done: Iterable[Done]) -> Iterator[Harm]:
    """What the faults themselves say of their harm: a lasting one of something needed is an absence of it."""
    for one in done:
        if one.struck is None:
            continue
        at = one.struck.at
        yield Harm(at, at, one.struck.programs)
        if NEEDED & {service_of(program) for program in one.struck.programs}:
            yield Harm(at, one.healed or at)


def hits_of(done: Iterable[Done], limits: Callable[[str], float | None], lease: float) -> list[Hit]:
    """The steps that the faults hit. `limits` has the limit of a kind of fault that has one of its own."""
    return [
        Hit(one.fault.kind, one.struck.at, held.job, held.step, held.program, limits(one.fault.kind) or lease + GRACE)
        for one in done
        if one.struck is not None
        for held in one.struck.held
    ]


def _watch(there: Callable[[], bool], absences: list[Harm], stop: threading.Event) -> None:
    away: int | None = None
    while True:
        over = stop.wait(LOOK_SECONDS)
        asked = now_ms()
        if over or there():
            if away is not None:
                absences.append(Harm(away, now_ms()))
            away = None
        elif away is None:
            away = asked
        if over:
            return


def _redis_writes(site: Site) -> bool:
    try:
        return bool(site.redis.set(PROBE, time.time(), px=PROBE_MS))
    except (redis.RedisError, OSError):
        return False


def _s3_answers(site: Site) -> bool:
    """Whatever it says: that it wants a signature, for one."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(site.settings.s3_endpoint, timeout=S3_SECONDS).status_code > 0
    except requests.RequestException:
        return False
