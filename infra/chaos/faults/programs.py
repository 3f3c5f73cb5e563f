"""Faults of programs: killed, frozen and restarted, their children, and the supervisor of all."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from common.contracts.names import Kind, StepName
from infra.chaos.faults.striking import (
    WORKERS,
    NothingToHit,
    Struck,
    busy_worker,
    caught,
    now_ms,
    pids_of,
    strike,
)
from infra.chaos.processes import alive, command_of, family, freeze, name_of, send
from infra.chaos.site import Held, Site

POP_SECONDS = 1.5
"Longer than a worker waits in one read of its queue, so that it takes a hint while it is frozen."
END_SECONDS = 10.0
"Time for all programs to end with their supervisor."
FFMPEG = "ffmpeg"


# workers and the API


@contextmanager
def kill_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    yield strike(site, lambda: busy_worker(site, rng, *WORKERS), signal.SIGKILL)


@contextmanager
def kill_orchestrator(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Its own steps are so short that it must be caught at one."""
    yield strike(site, lambda: busy_worker(site, rng, "orchestrator"), signal.SIGKILL)


@contextmanager
def kill_pool_child(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Kills a pool child, one with a step in hand if there is one."""

    def victim() -> list[int]:
        children = [child for pid in pids_of(site, *WORKERS) for child in family(pid)[1:]]
        if not children:
            raise NothingToHit("no worker has a child just now")
        return [rng.choice([held.pid for held in site.held(children)] or children)]

    yield strike(site, victim, signal.SIGKILL)


@contextmanager
def kill_all_workers(site: Site, _: random.Random) -> Iterator[Struck]:
    yield strike(site, lambda: pids_of(site, *WORKERS), signal.SIGKILL)


@contextmanager
def restart_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Ends a worker as a deploy does; the supervisor starts it again."""
    yield strike(site, lambda: busy_worker(site, rng, *WORKERS), signal.SIGTERM)


@contextmanager
def kill_api(site: Site, rng: random.Random) -> Iterator[Struck]:
    (main,) = pids_of(site, "api")
    send([rng.choice(family(main))], signal.SIGKILL)
    yield Struck(now_ms(), (), frozenset({"api"}))


@contextmanager
def freeze_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Freezes a worker past its leases; thawed, it must find out that its steps are no longer its own."""
    _, frozen, struck = caught(site, lambda: busy_worker(site, rng, *WORKERS))
    try:
        yield struck
    finally:
        send(frozen, signal.SIGCONT)


@contextmanager
def freeze_and_kill_idle_worker(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Hints that the broker hands to the frozen one are lost for good, without any report."""
    idle = idle_workers(site)
    if not idle:
        raise NothingToHit("every worker is busy")
    name = rng.choice(list(idle))
    freeze(idle[name])
    try:
        yield Struck(now_ms(), (), frozenset({name}))
    finally:
        send([idle[name]], signal.SIGKILL)


def idle_workers(site: Site) -> dict[str, int]:
    at_work = {held.program for held in site.held()}
    return {name: pid for name, pid in site.programs(*WORKERS).items() if name not in at_work}


# ffmpeg


@contextmanager
def kill_ffmpeg(site: Site, rng: random.Random) -> Iterator[Struck]:
    """As when the kernel runs out of memory: the step is tried again, which costs one of its attempts."""
    struck, pid = _encoding(site, rng, first_attempts=True)
    send([pid], signal.SIGKILL)
    yield struck


@contextmanager
def freeze_ffmpeg(site: Site, rng: random.Random) -> Iterator[Struck]:
    """It stands still for a while and goes on; its step beats all the while, and loses nothing."""
    struck, pid = _encoding(site, rng)
    send([pid], signal.SIGSTOP)
    try:
        yield struck
    finally:
        send([pid], signal.SIGCONT)


@contextmanager
def hang_ffmpeg(site: Site, rng: random.Random) -> Iterator[Struck]:
    """It never goes on by itself: the limit of a step (STEP_TIMEOUT) must end it."""
    struck, pid = _encoding(site, rng, first_attempts=True)
    send([pid], signal.SIGSTOP)
    yield struck


def first_encoding(site: Site) -> bool:
    """Aims at an ffmpeg of a segment that is tried for the first time: who kills them all gets a job that fails."""
    return bool(_encodings(site, first_attempts=True))


def encoding(site: Site) -> bool:
    """Aims at an ffmpeg of a segment."""
    return bool(_encodings(site))


def _encoding(site: Site, rng: random.Random, first_attempts: bool = False) -> tuple[Struck, int]:
    found = _encodings(site, first_attempts)
    if not found:
        raise NothingToHit("no segment is encoded just now")
    held, pid = rng.choice(found)
    return Struck(now_ms(), [held], frozenset({held.program})), pid


def _encodings(site: Site, first_attempts: bool = False) -> list[tuple[Held, int]]:
    """Segments that are encoded now, and their ffmpeg."""
    return [
        (held, pid)
        for held in site.held()
        if StepName(held.step).kind == Kind.SEGMENT and (held.attempt == 1 or not first_attempts)
        for pid in family(held.pid)[1:]
        if command_of(pid).startswith(FFMPEG)
    ]


# the supervisor


@contextmanager
def kill_supervisor(site: Site, _: random.Random) -> Iterator[Struck]:
    """All programs end with it, whatever they do; started again on the same data, all goes on."""
    struck = Struck(now_ms(), site.held(), frozenset(site.programs()))
    site.kill_supervisor()
    try:
        _outlived(site)
        yield struck
    finally:
        site.start_again()


def _outlived(site: Site) -> None:
    """Waits for the end of all programs; those that go on are noted, and killed so that the run can."""
    until = time.monotonic() + END_SECONDS
    while (left := [pid for pid in site.processes() if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    site.complaints += [f"outlived its supervisor: {name_of(pid)}" for pid in left]
    send(left, signal.SIGKILL)
