"""Step times of real films, taken from a stack that runs here: `./reel bench scaling --measure`.

The work of a step is the processor time of its service while it ran: other than the time of a clock, it hardly grows
when others use the machine. Each service has one slot, so that no other step is in it. Planning and publishing take
place in a process that also decides; of them the clock is taken.
"""

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

from benchmarks.pipeline import Made, Pipeline, Span, pipeline
from benchmarks.processes import MACHINE, Trace
from benchmarks.report import Say, Scope, machine
from benchmarks.scaling.films import Film, needs
from benchmarks.scaling.recorded import Recorded, Timing, Trial
from benchmarks.workload import NARRATIONS, TAKES, Workload, media
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName
from common.messaging.queues import QUEUES
from renderer.ffmpeg.run import ffmpeg_program

CHAPTERS = ("", "Now look again. ", "And once more. ")
"Each tells the whole story, in other words than the others."
SIZES: Mapping[str, Mapping[str, Any]] = {
    "short": {"scenes": 3},
    "usual": {"scenes": 8},
    "long": {"scenes": 12},
    "large": {"scenes": 3, "size": "3840x2160"},
}
"The films: number of scenes, and the size if it is not that of the server."
CROWD, CROWD_SCENES, CROWD_SIZE = 8, 2, "640x360"
"Films that are asked for at once, their scenes and their size."
RENDERERS = (1, 2)
RATE = 30
ONE_BY_ONE = {"RENDER_SLOTS": "1", "RENDER_THREADS": "1", "RETRIEVER_SLOTS": "1", "SPEECH_SLOTS": "1"}
WIDE = 9
"Of ten steps, nine used no more cores than what is taken for the width of their kind."
LEAST = 0.001
"Processor seconds of a step that took none that could be measured."


def record(scope: Scope, say: Say) -> Recorded:
    """Makes all films and crowds: half an hour on two cores that have other work, too."""
    clips = _clip_folder(scope, say)
    films, timing, share = _films(clips, scope, say)
    crowd, trials = _trials(clips, scope, say)
    facts = {name: fact for name, fact in machine().items() if name != "commit"}  # they are kept with one of their own
    about = {"measured": time.strftime("%Y-%m-%d", time.gmtime()), "cores used by others": share, **facts}
    return Recorded(about, timing, films, crowd, trials)


def _films(clips: Path, scope: Scope, say: Say) -> tuple[list[Film], Timing, float]:
    """The films one by one; also the cores that others used meanwhile."""
    films, every, shares = [], [], []
    with _stack(clips, scope) as system, system.trace() as trace:
        for name, about in SIZES.items():
            say(f"making the {name} film ...")
            before, made = system.stored(), system.make(_body(**about))
            films.append(_film(name, made, trace, (system.stored() - before) / 1e6))
            every.append(made)
            shares.append((trace.used(MACHINE, made.asked, made.ended) - made.cpu) / made.whole)
        return films, _timing(every, trace), mean(shares)


def _trials(clips: Path, scope: Scope, say: Say) -> tuple[list[Film], list[Trial]]:
    """The same crowd with one renderer and with two; the work of its steps is measured with one."""
    bodies = [_body(CROWD_SCENES, CROWD_SIZE, before=f"Film {number + 1}. ") for number in range(CROWD)]
    crowd: list[Film] = []
    trials: list[Trial] = []
    for renderers in RENDERERS:
        say(f"making {CROWD} small films at once, renderers: {renderers} ...")
        with _stack(clips, scope, renderers) as system, system.trace() as trace:
            made = system.make_all(bodies)
            crowd = crowd or [_film(f"crowd {number + 1}", one, trace) for number, one in enumerate(made)]
            timing = _timing(made, trace)
            # What one renderer of two has used is not told apart, so the widths are those of one alone.
            timing = timing if not trials else replace(timing, widths=trials[0].timing.widths)
            trials.append(_trial(renderers, made, trace, timing))
    return crowd, trials


def _trial(renderers: int, made: Sequence[Made], trace: Trace, timing: Timing) -> Trial:
    spans = [span for one in made for span in one.spans]
    begin, end = min(span.taken for span in spans), max(span.done for span in spans)
    used = sum(trace.used(queue.consumer, begin, end) for queue in QUEUES.values() if _measured(queue.name))
    seconds = max(one.ended for one in made) - min(one.asked for one in made)
    return Trial(renderers, used / (end - begin), seconds, [one.whole for one in made], timing)


@contextmanager
def _stack(clips: Path, scope: Scope, renderers: int = 1) -> Iterator[Pipeline]:
    """A stack that makes everything anew, and has loaded what is loaded once."""
    settings = {"CLIP_FOLDER": str(clips), "ASSET_CACHE_ENABLED": "false", "TARGET_RESOLUTION": "1080", **ONE_BY_ONE}
    with (
        tempfile.TemporaryDirectory(prefix="scaling-", dir=scope.data) as name,
        pipeline(Path(name), settings, renderers=renderers) as system,
    ):
        system.make_all([_body(1, CROWD_SIZE)] * renderers)
        yield system


def _clip_folder(scope: Scope, say: Say) -> Path:
    """A folder with more clips than a film has shots, for each take several that differ in their names only."""
    files = media(Workload(), scope.data, ffmpeg_program(), say)
    folder = scope.data / f"clips-{files.music.parent.name}"
    folder.mkdir(exist_ok=True)
    for take, clip in zip(TAKES, (*files.clips, files.spare), strict=True):
        for number in range(2 * len(CHAPTERS)):
            if not (name := folder / f"{take.theme}-{number + 1}.mp4").exists():
                os.link(clip, name)
    return folder


def _body(scenes: int, size: str | None = None, before: str = "") -> dict[str, Any]:
    texts = [before + chapter + text for chapter in CHAPTERS for text in NARRATIONS][:scenes]
    body = {"scenes": [{"narration": text} for text in texts], "fps": RATE, "footage": {"sources": ["folder"]}}
    return body | {"transition": {"kind": "crossfade"}} | ({"size": size} if size is not None else {})


def _film(name: str, made: Made, trace: Trace, megabytes: float = 0.0) -> Film:
    work = {StepName(span.name): _work(span, trace) for span in made.spans}
    return Film(name, made.frames / RATE, work, transitions=True, megabytes=megabytes)


def _work(span: Span, trace: Trace) -> float:
    queue = QUEUES[STEP_KINDS[span.kind].queue]
    if not _measured(queue.name):
        return span.seconds
    return max(LEAST, trace.used(queue.consumer, span.taken, span.done))


def _measured(queue: str) -> bool:
    """Whether the processor time of the service is that of its steps."""
    return queue != "orchestrate"


def _timing(made: Sequence[Made], trace: Trace) -> Timing:
    """The middle of all; steps that found their service at work do not count for how soon a free one takes them."""
    spans = sorted((span for one in made for span in one.spans), key=lambda span: span.taken)
    decide = [seconds for one in made for seconds in _decisions(one)]
    return Timing(median(decide), median(_pickups(spans)), _widths(spans, trace))


def _decisions(made: Made) -> Iterator[float]:
    """Seconds from the end of what a step waited for to the moment in which it was ready."""
    done = {StepName(span.name): span.done for span in made.spans}
    before = needs(done, transitions=True)
    for span in made.spans:
        if awaited := [done[name] for name in before[StepName(span.name)]]:
            yield max(0.0, span.ready - max(awaited))


def _pickups(spans: Iterable[Span]) -> Iterator[float]:
    """Seconds for which steps were ready while their service had nothing else to do."""
    ends: dict[str, float] = defaultdict(float)
    for span in spans:
        queue = STEP_KINDS[span.kind].queue
        if span.ready >= ends[queue]:
            yield span.taken - span.ready
        ends[queue] = max(ends[queue], span.done)


def _widths(spans: Iterable[Span], trace: Trace) -> dict[str, float]:
    """Cores that renderers use for one step; others are in the way of most steps, so it is nearly the highest."""
    found: dict[str, list[float]] = defaultdict(list)
    for span in spans:
        if STEP_KINDS[span.kind].queue == "render":
            found[span.kind].append(_work(span, trace) / span.seconds)
    return {kind: max(1.0, quantiles([*some, *some], n=10)[WIDE - 1]) for kind, some in found.items()}
