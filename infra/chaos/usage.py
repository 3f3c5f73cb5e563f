"""The use of a run over time: memory and open files of each service, and the contents of Redis, store and scratch."""

import csv
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import redis

from infra.chaos.processes import owners
from infra.chaos.site import Site, service_of

SAMPLES = 300
"About so many are taken in a run."
SHORTEST_PAUSE = 2.0
MEGABYTE = 2**20
PAGE = os.sysconf("SC_PAGE_SIZE")
MEMORY, FILES, SCRATCH = "MB in memory: ", "open files: ", "MB of scratch"
JOBS, KEYS, REDIS, OBJECTS, STORED = "jobs", "Redis keys", "MB in Redis", "objects", "MB of objects"
PER_JOB = (KEYS, REDIS, OBJECTS, STORED)
"Grow with every job, so they are judged by the job."
JUDGED_SECONDS = 600.0
"A shorter run says nothing about growth."
FACTOR = 1.5
SLACK = {MEMORY: 64.0, FILES: 64.0, SCRATCH: 16.0}
"Growth up to this, in the unit of the figure, is none."


class Sample(NamedTuple):
    """The figures at one time."""

    at: float
    "Seconds since the first."
    values: Mapping[str, float]
    "What could not be read is missing."


@contextmanager
def sampling(site: Site, seconds: float, path: Path, jobs: Callable[[], int]) -> Iterator[list[Sample]]:
    """Takes samples during the block, which lasts about so long, and writes them to the file `path` as CSV.

    `jobs` says how many jobs were accepted so far.
    """
    samples: list[Sample] = []
    stop = threading.Event()

    def sample() -> None:
        started = time.monotonic()
        while True:
            samples.append(Sample(time.monotonic() - started, {JOBS: jobs(), **_figures(site)}))
            write(samples, path)  # each time, for whoever looks at a run of hours
            if stop.wait(max(SHORTEST_PAUSE, seconds / SAMPLES)):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def write(samples: Sequence[Sample], path: Path) -> None:
    """One row for each sample, one column for each figure."""
    names = _names(samples)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["seconds", *names])
        table.writerows([f"{one.at:.1f}", *(_cell(one.values.get(name)) for name in names)] for one in samples)


def lines(samples: Sequence[Sample]) -> list[str]:
    """A table for a person: the first, the highest and the last value of each figure."""
    if not samples:
        return []
    text = [f"{f'in {samples[-1].at:.0f} s':<30} {'first':>10} {'highest':>10} {'last':>10}"]
    for name in _names(samples):
        values = [one.values[name] for one in samples if name in one.values]
        text.append(f"{name:<30} " + " ".join(f"{value:>10.0f}" for value in (values[0], max(values), values[-1])))
    return text


def growth(samples: Sequence[Sample], seconds: float) -> Iterator[str]:
    """Figures that have grown although the work stayed the same, in a run that was to last so many seconds.

    The last quarter of a run is compared with the second: the first one warms up. Medians, as services are killed all
    the time. What every job adds to is judged by the job.
    """
    if not samples or seconds < JUDGED_SECONDS:
        return
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    for name in _names(samples):
        slack = next((most for kind, most in SLACK.items() if name.startswith(kind)), None)
        if slack is None and name not in PER_JOB:
            continue
        before, after = (_median(part, name) for part in (early, late))
        if before is not None and after is not None and after > FACTOR * before + (slack or 0.0):
            per_job = " for each job" if name in PER_JOB else ""
            yield f"{name}: {before:.1f}{per_job} in the second quarter of the run, {after:.1f} in the last"


def _median(samples: Sequence[Sample], name: str) -> float | None:
    """For each job, if every job adds to it; None if it was never read."""
    values = [
        one.values[name] / max(1.0, one.values[JOBS]) if name in PER_JOB else one.values[name]
        for one in samples
        if name in one.values
    ]
    return median(values) if values else None


def _names(samples: Sequence[Sample]) -> list[str]:
    return list(dict.fromkeys(name for one in samples for name in one.values))


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _figures(site: Site) -> dict[str, float]:
    objects, stored = _files_in(site.plan.folder("objects"))
    _, scratch = _files_in(site.work)
    return {
        **_of_processes(site),
        **_of_redis(site),
        OBJECTS: objects,
        STORED: stored / MEGABYTE,
        SCRATCH: scratch / MEGABYTE,
    }


def _of_processes(site: Site) -> dict[str, float]:
    memory, files = Counter[str](), Counter[str]()
    for pid, program in owners(site.programs()).items():
        service = service_of(program)
        try:
            memory[service] += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
            files[service] += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            pass  # it has just ended
    used = {f"{MEMORY}{service}": memory[service] / MEGABYTE for service in sorted(memory)}
    return used | {f"{FILES}{service}": float(files[service]) for service in sorted(files)}


def _of_redis(site: Site) -> dict[str, float]:
    try:
        return {KEYS: site.redis.dbsize(), REDIS: site.redis.info("memory")["used_memory"] / MEGABYTE}
    except (redis.RedisError, OSError):
        return {}


def _files_in(folder: Path) -> tuple[int, int]:
    """The number of files, and their bytes."""
    count = size = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.stat(os.path.join(where, name)).st_size
                count += 1
            except OSError:
                pass  # it was removed meanwhile
    return count, size
