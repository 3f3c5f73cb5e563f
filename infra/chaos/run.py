"""One run of chaos, from the start of the stack to the report."""

import contextlib
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg

from common.contracts.job import UNKNOWN
from common.jobs.scripts import StateUnavailable
from infra.chaos.disks import small_disk
from infra.chaos.expectations import Expectations
from infra.chaos.far_studio import FarStudio, open_studio
from infra.chaos.faults.kinds import kinds
from infra.chaos.figures import Report, executions, tally
from infra.chaos.injector import Done, inject
from infra.chaos.invariants import Stock, violations
from infra.chaos.network import Network, network
from infra.chaos.processes import alive, name_of
from infra.chaos.recovery import Harm, away, lags
from infra.chaos.schedule import schedule
from infra.chaos.site import COPIES, Site, hosts
from infra.chaos.stock import settle, take_stock
from infra.chaos.traffic import Traffic
from infra.chaos.usage import Sample, growth, sampling
from infra.chaos.watch import harms_of, hits_of, watching
from infra.local import LOOPBACK

GAP_SECONDS = 2.0
MUTE = 0.15
"Share of the orders of which the far studio says nothing."
ROUSE_SECONDS = 1.0
WORK_MEGABYTES, DATA_MEGABYTES = 64, 4096
"Most that the small disks hold; they take no more memory than is in them."
IMPATIENT = {"STEP_TIMEOUT": "20"}
"Seconds: what hangs must be seen to be ended."
END_SECONDS = 10.0
"Seconds for processes to vanish once the stack has ended."


@dataclass(frozen=True)
class Options:
    """The options of a run."""

    seed: int
    seconds: float
    data: Path
    "An empty folder, or one to be made."
    jobs: int = 8
    "Most jobs at a time."
    gap: float = GAP_SECONDS
    "Seconds between two faults on average."
    settings: Mapping[str, str] = field(default_factory=dict)
    hosts: bool = False
    "True: each program runs on a host of its own, and their links have faults, too. Needs root."
    kept: bool = False
    "True if the folder is wanted afterwards; it always is when an invariant is violated."


@dataclass
class _Evidence:
    """All that a run has seen when it is over."""

    done: list[Done]
    "The faults."
    absences: list[Harm]
    samples: list[Sample]
    settled: float
    "Seconds from the end of the faults to the end of the last job, or of hope."
    stock: Stock


def run(options: Options, say: Callable[[str], None] = lambda _: None) -> Report:
    """Makes faults for `seconds`, lets all settle, then reports. Interrupting it ends everything in order."""
    studio = FarStudio(small_clip(), mute=MUTE, seed=options.seed)
    kept = threading.Event()
    kept.set()
    with _small_disks(options.data, kept.is_set), _hosts(options) as joined:
        here = joined.users if joined is not None else LOOPBACK
        settings = IMPATIENT | dict(options.settings)
        with (
            open_studio(studio, here),
            Site(options.data, settings=settings, copies=COPIES, studio=studio.url, network=joined) as site,
        ):
            say(f"the stack runs at {site.url}; its logs are in {options.data / 'logs'}")
            traffic = Traffic(site.url, options.seed, backlog=options.jobs)
            evidence = _observe(options, site, traffic, studio, say)
        report = _report(options, site, traffic.expectations, evidence)
        report.ordered, report.called_off = len(studio.orders), sum(order.cancelled for order in studio.orders)
        if report.well and not options.kept:
            kept.clear()
        return report


@contextlib.contextmanager
def _small_disks(data: Path, kept: Callable[[], bool]) -> Iterator[None]:
    with (
        small_disk(data / "work", WORK_MEGABYTES),
        small_disk(data / "objects", DATA_MEGABYTES, kept),
        small_disk(data / "redis", DATA_MEGABYTES, kept),
    ):
        yield


def _hosts(options: Options) -> contextlib.AbstractContextManager[Network | None]:
    return network(hosts(COPIES)) if options.hosts else contextlib.nullcontext()


def _observe(
    options: Options, site: Site, traffic: Traffic, studio: FarStudio, say: Callable[[str], None]
) -> _Evidence:
    samples_path = options.data / "usage.csv"
    with rousing(site), watching(site) as absences:
        with sampling(site, options.seconds, samples_path, lambda: traffic.ordered) as samples:
            done = _storm(options, site, traffic, say)
        calm = time.monotonic()
        traffic.finish()
        settle(site)
        settled = time.monotonic() - calm
        say(f"{traffic.ordered} jobs had ended after {settled:.1f} s; looking at what they left")
        traffic.again()
        stock = take_stock(site, traffic.expectations, studio=studio)
    return _Evidence(done, absences, samples, settled, stock)


@contextlib.contextmanager
def rousing(site: Site) -> Iterator[None]:
    """Meanwhile, whatever does not know its outcome looks again soon, as if somebody had sent for it."""
    stop = threading.Event()

    def rouse() -> None:
        while not stop.wait(ROUSE_SECONDS):
            for job in site.active():
                for step in job.steps.values():
                    if step.state == UNKNOWN:
                        with contextlib.suppress(StateUnavailable):
                            site.store.rouse(job.id, step.name, step.ticket)

    thread = threading.Thread(target=rouse, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _storm(options: Options, site: Site, traffic: Traffic, say: Callable[[str], None]) -> list[Done]:
    all_kinds = kinds(site.settings, options.hosts)
    faults = schedule(
        options.seed, options.seconds, options.gap, {name: kind.habit for name, kind in all_kinds.items()}
    )
    say(f"seed {options.seed}: {len(faults)} faults in the next {options.seconds:.0f} s")
    stop = threading.Event()
    traffic.start(small_clip())
    try:
        return inject(site, faults, all_kinds, stop, _log(options.data / "logs" / "faults.log"))
    except BaseException:
        traffic.abandon()
        raise


def _log(path: Path) -> Callable[[str], None]:
    """A writer of lines with the time, as in the logs of the services."""

    def write(text: str) -> None:
        with path.open("a") as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S.%f} {text}\n")

    return write


def _report(options: Options, site: Site, expectations: Expectations, evidence: _Evidence) -> Report:
    done, all_kinds = evidence.done, kinds(site.settings, options.hosts)
    harms = [*evidence.absences, *harms_of(done)]
    stock = replace(
        evidence.stock,
        complaints=(*evidence.stock.complaints, *site.complaints),
        lags=lags(
            hits_of(done, lambda kind: all_kinds[kind].limit, site.settings.lease_seconds),
            {record.id: record.events for record in evidence.stock.records},
            harms,
        ),
        damaged=frozenset(site.damaged),
    )
    runs, repeated = executions(stock.records)
    survivors = [f"outlived the stack: {one}" for one in _survivors(site)]
    return Report(
        seed=options.seed,
        seconds=options.seconds,
        faults=tally(done, stock.records, {name for name, kind in all_kinds.items() if kind.hits_steps}),
        outcomes=Counter(record.job.state if record.job else "gone" for record in stock.records),
        wishes=Counter(expectations.wishes),
        runs=runs,
        repeated=repeated,
        settled=evidence.settled,
        violations=[*violations(stock), *survivors, *growth(evidence.samples, options.seconds)],
        samples=evidence.samples,
        lags=stock.lags,
        away=away(harms),
    )


def _survivors(site: Site) -> list[str]:
    until = time.monotonic() + END_SECONDS
    while (left := [pid for pid in site.processes() if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.1)
    return [name_of(pid) for pid in left]


def small_clip() -> bytes:
    """A second and a half of a test picture, as a user might upload it."""
    with tempfile.TemporaryDirectory(prefix="reel-clip-") as folder:
        path = Path(folder) / "clip.mp4"
        source = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1.5,format=yuv420p"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", *source, "-c:v", "libx264"]
        subprocess.run([*command, "-preset", "ultrafast", str(path)], check=True)
        return path.read_bytes()
