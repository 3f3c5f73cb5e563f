"""The gain from a second worker, and where the rest of its time goes: see benchmarks/README.md."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.pipeline import Made, pipeline
from benchmarks.render import QUICK, WHOLE, Plan
from benchmarks.report import Report, Row, Say, Scope, Table
from benchmarks.workload import Media, media, order
from common.contracts.names import Kind
from renderer.ffmpeg.run import ffmpeg_program

WORKERS = (1, 2)
SHAPE = "9:16"
PAIRS = 3
JOINS = frozenset({Kind.ASSEMBLE, Kind.SCENE})
"Steps that join encoded pictures and sound."
RENDERS = JOINS | {Kind.SEGMENT, Kind.MIX}

Shares = dict[str, float]
"Uses of the workers' time, in seconds of one of them."


class Stretch(NamedTuple):
    """A stretch of time in which nothing begins or ends."""

    seconds: float
    running: tuple[str, ...]
    "Kinds of the steps under way."
    ready: int
    "Steps that could be done."


def measure(scope: Scope, say: Say) -> Report:
    """One worker and two, in turn, each with one thread: the same film, on a new stack every time."""
    plan = QUICK if scope.quick else WHOLE
    files = media(plan.workload, scope.data, ffmpeg_program(), say)
    runs: dict[int, list[Made]] = {workers: [] for workers in WORKERS}
    for number in range(scope.pairs or (1 if scope.quick else PAIRS)):
        for workers in WORKERS if number % 2 == 0 else WORKERS[::-1]:
            made = _make(plan, files, workers, scope.data)
            say(f"round {number + 1}: {workers} of one thread: {made.rendering:.2f} s")
            runs[workers].append(made)
    details = {f"{workers} workers": [asdict(one) for one in some] for workers, some in runs.items()}
    return Report([_times(runs), _shares(runs)], [], details)


def _make(plan: Plan, files: Media, workers: int, data: Path) -> Made:
    settings = {"TARGET_RESOLUTION": str(plan.resolution), "RENDER_SLOTS": "1", "RENDER_THREADS": "1"}
    with (
        tempfile.TemporaryDirectory(prefix="scale-", dir=data) as name,
        pipeline(Path(name), settings, renderers=workers) as system,
    ):
        clips = [system.upload(path) for path in files.clips]
        body = order(plan.workload, clips, system.upload(files.music), SHAPE, "cut")
        system.make(body | {"draft": True})  # so that everything is loaded that is loaded once
        system.forget()
        return system.make(body)


def _times(runs: Mapping[int, list[Made]]) -> Table:
    alone = median(one.rendering for one in runs[1])
    rows: list[Row] = []
    for workers, some in runs.items():
        seconds = [one.rendering for one in some]
        rows.append({
            "workers": workers,
            "s of rendering": median(seconds),
            "least": min(seconds),
            "most": max(seconds),
            "speed-up": alone / median(seconds),
            "of the ideal": alone / median(seconds) / workers,
            "CPU s": median(one.cpu for one in some),
            "s, asked to done": median(one.whole for one in some),
        })  # fmt: skip
    return Table(f"the same film with one worker and with two, {runs[1][0].frames:,} frames", rows)


def _shares(runs: Mapping[int, list[Made]]) -> Table:
    rows: list[Row] = []
    for workers, some in runs.items():
        found = [shares(made, workers) for made in some]
        whole = median(sum(one.values()) for one in found)
        rows.append({"workers": workers, "s of workers": whole} | {
            f"% {name}": 100 * median(one[name] / sum(one.values()) for one in found) for name in found[0]
        })  # fmt: skip
    return Table("what became of the workers' time, from the first segment to the assembled film", rows)


def shares(made: Made, workers: int) -> Shares:
    """The workers' time by activity and cause of idleness, from the first segment or mix to the assembled film."""
    found = dict.fromkeys(
        ("encoding", "mixing", "storage and checks", "joining", "queueing", "uneven end", "deciding"), 0.0
    )
    for stretch in _stretches(made):
        for kind in stretch.running:
            name = "joining" if kind in JOINS else "mixing" if kind == Kind.MIX else "storage and checks"
            found[name] += stretch.seconds
        found[_idle(stretch)] += stretch.seconds * max(0, workers - len(stretch.running))
    # Besides its ffmpeg, a segment's step fetches, checks and stores.
    found["encoding"] = made.encoding
    found["storage and checks"] -= made.encoding
    return found


def _idle(stretch: Stretch) -> str:
    """The reason why a worker is idle."""
    if JOINS & set(stretch.running) and not stretch.ready:
        return "joining"
    if stretch.ready:
        return "queueing"
    return "uneven end" if stretch.running else "deciding"


def _stretches(made: Made) -> Iterator[Stretch]:
    spans = [span for span in made.spans if span.kind in RENDERS]
    last = max(span.done for span in spans)
    times = {time for span in spans for time in (span.ready, span.taken, span.done) if made.begun <= time <= last}
    for begin, end in pairwise(sorted(times)):
        yield Stretch(
            seconds=end - begin,
            running=tuple(span.kind for span in spans if span.taken <= begin and end <= span.done),
            ready=sum(span.ready <= begin and end <= span.taken for span in spans),
        )
