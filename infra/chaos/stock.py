"""Waits until nothing moves any more, and takes stock of all there is."""

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import redis

from common.contracts.job import COMPLETED, DONE, PARTIAL, Event, Job
from common.contracts.kinds import STEP_KINDS, parse_facts
from common.contracts.names import Kind
from common.errors import ReelwrightError
from common.jobs.scripts import StateUnavailable
from common.messaging.app import make_app
from common.messaging.queues import QUEUES
from infra.chaos.expectations import Expectations
from infra.chaos.far_studio import FarStudio
from infra.chaos.invariants import Found, Record, Stock, refs_in
from infra.chaos.processes import alive, name_of, works_in
from infra.chaos.site import Site

QUIET_SECONDS = 60.0
"Seconds on top of a lease that nothing may move before the rest counts as stuck."
HOPELESS_SECONDS = 1200.0
"Work that goes on this long after the last fault goes round in circles."
TIDY_SECONDS = 45.0
"Seconds for hints that are still read, processes that still end, call-offs that are tried once more, and the like."
UNACKED, UNACKED_INDEX, UNACKED_MUTEX = "unacked", "unacked_index", "unacked_mutex"
"Redis keys in which Celery keeps messages that workers have read and not acknowledged."
PAGE = 500
PLAYABLE: Mapping[str, str] = {Kind.SEGMENT: ".mp4", Kind.ASSEMBLE: ".mp4"}
READERS = 4


def settle(site: Site, patience: float = QUIET_SECONDS, stop: Callable[[], bool] = lambda: False) -> float:
    """Waits until every job has ended, or nothing has moved for a lease and `patience`. Returns seconds waited."""
    started = moved = time.monotonic()
    last: object = None
    while time.monotonic() - started < HOPELESS_SECONDS and not stop():
        site.check()
        with contextlib.suppress(StateUnavailable, redis.RedisError, OSError):
            if not site.store.active():
                break
            sight = sorted((job.id, _moved(job)) for job in site.active())
            if sight != last:
                last, moved = sight, time.monotonic()
        if time.monotonic() - moved > site.settings.lease_seconds + patience:
            break
        time.sleep(0.2)
    return time.monotonic() - started


def take_stock(
    site: Site,
    expectations: Expectations,
    besides: frozenset[str] = frozenset(),
    studio: FarStudio | None = None,
) -> Stock:
    """Everything the invariants look at, except the jobs in `besides`. Call it when the site has settled."""
    records = [
        Record(entry.job, entry.may_end, site.store.load(entry.job), tuple(_events(site, entry.job)))
        for entry in expectations.jobs.values()
    ]
    _hand_out_again(site)
    until = time.monotonic() + TIDY_SECONDS
    while True:
        keys, strays, folders = _keys(site, records), _strays(site), _folders(site)
        if not (any(keys.values()) or strays or folders) or time.monotonic() > until:
            break
        time.sleep(0.5)
    return Stock(
        records=records,
        listed=[job for job in _listed(site) if job not in besides],
        objects=_objects(site, [record.job for record in records if record.job is not None]),
        keys=keys,
        strays=[name_of(pid) for pid in strays],
        folders=folders,
        complaints=tuple(expectations.complaints),
        orders=tuple(studio.faults()) if studio is not None else (),
    )


def _hand_out_again(site: Site) -> None:
    """Gives hints that died with their worker to the others, as if the broker had waited for them long enough.

    That would take some minutes. Hints that nobody acknowledges now are left over.
    """
    client = site.redis
    held = client.zrange(UNACKED_INDEX, 0, -1)
    if held:
        client.zadd(UNACKED_INDEX, dict.fromkeys(held, 0), xx=True)
        client.delete(UNACKED_MUTEX)  # it may have died with its holder, too
        with make_app(site.settings).connection() as broker:
            broker.default_channel.qos.restore_visible(num=None)


def _hint(message: str) -> str:
    """The step that a hint in the hands of a worker is about."""
    return str(json.loads(message)[0]["headers"]["argsrepr"])


def _moved(job: Job) -> tuple[int, float]:
    """A value that changes when a step gets done or further than ever: trying again and again is no movement."""
    return sum(step.state == DONE for step in job.steps.values()), sum(step.progress for step in job.steps.values())


def _events(site: Site, job: str) -> Iterator[Event]:
    after = 0
    while page := site.store.events(job, after, PAGE):
        yield from page
        after = page[-1].seq


def _listed(site: Site) -> list[str]:
    return [str(name) for name in site.redis.zrange("jobs:local", 0, -1)]


def _keys(site: Site, records: Sequence[Record]) -> dict[str, list[str]]:
    """Keys that must be empty when no job runs, with their members."""
    client = site.redis
    found = {"due": client.zrange("due", 0, -1)}
    for pattern in ("ready:*", "later:*", "calloff:*"):
        found |= {name: client.zrange(name, 0, -1) for name in client.scan_iter(match=pattern, count=1000)}
    for pattern in ("active", "active:*", "aside:*", "running:*", "load:*"):
        found |= {name: sorted(client.smembers(name)) for name in client.scan_iter(match=pattern, count=1000)}
    found |= {f"the queue {name}": client.lrange(name, 0, -1) for name in QUEUES}
    found["the broker, as read but never acknowledged,"] = [_hint(one) for one in client.hvals(UNACKED)]
    found[UNACKED_INDEX] = client.zrange(UNACKED_INDEX, 0, -1)
    found |= {f"job:{record.id}:spec": client.hkeys(f"job:{record.id}:spec") for record in records}
    return found


def _strays(site: Site) -> list[int]:
    """Leftover processes: with nothing to be done, also any at work in the scratch folder, whatever its parent."""
    pids = set(site.strays()) | {pid for pid in site.processes() if works_in(pid, site.work)}
    return sorted(pid for pid in pids if alive(pid))


def _folders(site: Site) -> list[str]:
    return sorted(str(path) for path in site.work.glob("reel-step-*"))


def _objects(site: Site, jobs: Sequence[Job]) -> dict[str, Found]:
    """Reads every object that a done step points to, each once."""
    wanted: dict[tuple[str, str], str] = {}
    assets, videos = site.settings.assets_bucket, site.settings.videos_bucket
    for job in jobs:
        for step in job.steps.values():
            kind = step.kind
            if step.state != DONE or not step.facts or kind not in STEP_KINDS:
                continue
            facts = parse_facts(kind, step.facts)
            wanted |= {(assets, ref.key): wanted.get((assets, ref.key), "") for ref in refs_in(facts)}
            if kind in PLAYABLE:
                wanted[assets, facts.media.key] = PLAYABLE[kind]
            if kind == Kind.PUBLISH and job.state in (COMPLETED, PARTIAL):
                wanted[videos, facts.video_key] = ""
    with tempfile.TemporaryDirectory(prefix="reel-stock-") as folder, ThreadPoolExecutor(READERS) as pool:
        look = [
            pool.submit(_look_at, site, bucket, key, Path(folder) / f"{number}{suffix}" if suffix else None)
            for number, ((bucket, key), suffix) in enumerate(wanted.items())
        ]
        return {f"{bucket}/{key}": one.result() for (bucket, key), one in zip(wanted, look, strict=True)}


def _look_at(site: Site, bucket: str, key: str, playable: Path | None) -> Found:
    try:
        data = site.storage.get_bytes(bucket, key)
    except ReelwrightError as error:
        return Found(problem=str(error))
    digest = hashlib.sha256(data).hexdigest()
    if playable is None:
        return Found(digest)
    playable.write_bytes(data)
    try:
        return Found(digest, _frames(playable))
    except (av.FFmpegError, IndexError) as error:
        return Found(digest, problem=str(error))
    finally:
        playable.unlink()


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(container.streams.video[0]))
