"""The check of every segment's pictures: nothing black or frozen is delivered unnoticed.

Pictures are watched as they are made, before encoding: of every sixth frame a few thousand points are kept, which
costs next to nothing. They are compared with the plan: a transition may dip to black, a still without camera move may
stand still, nothing else.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from common.contracts.steps import SegmentSpec
from common.contracts.timeline import Clip, PictureReport, Span
from common.errors import BelowStandard, RenderFailed
from renderer.ffmpeg.formats import Options, Stream
from renderer.picture.clip import aside

WATCH_FILE = "watched.raw"
WATCHED: Options = {"f": "rawvideo", "c:v": "rawvideo", "pix_fmt": "gray", "fps_mode": "passthrough"}
"Options for the output that is watched."

STEP = 6
"One frame in this many is looked at: 4 to 10 a second."
SIDE = 128
"Points across and down. The picture is not averaged, so that fine movement is not lost."
BRIGHT = 24
"Of 255. Darker points look black on most screens; the darkest night has brighter ones."
ALIVE = 16
"The number of points that must be bright: one in a thousand."
CHANGE, MOVED = 12, 48
"Steps of brightness, and the number of points that change by more where something moves."
DRIFT = 1.0
"Steps by which all points change on average where everything moves, however slowly or faintly."
# An encoder refines a frozen picture for seconds: by up to 0.7 steps on average, a few points by more than 12.

LONGEST_BLACK = 1.0
"Seconds. Fades and dips to black are shorter."
LONGEST_STILL = 2.0
"Seconds. Shorter rests are part of ordinary footage."
OWN = frozenset({"upload", "url"})
"Providers of the user's own media: these are shown as they are, and their faults are only reported."


class Fault(NamedTuple):
    """A stretch of a clip that is not as it should be."""

    clip: Clip
    what: str
    span: Span
    planned: bool = False
    "True if it was known beforehand that the footage is too short; rendering it again would change nothing."


def watch(picture: Stream, first: int = 0) -> tuple[Stream, Stream]:
    """The picture, and the points for `WATCH_FILE`, to be written in the same run with the options `WATCHED`.

    `first` is the frame of the segment at which the picture begins, so that several runs look at the same frames as one
    would. To be called on the joined clips before grain, captions and watermark are laid over them: those move on a
    frozen picture and shine on a black one.
    """
    both = picture.filter_multi_output("split", 2)
    # The first branch is served first. While it held a frame, the other would have to copy it before drawing on it.
    points = both[0].filter("trim", start_frame=-first % STEP) if first % STEP else both[0]
    points = points.filter("framestep", STEP).filter("scale", SIDE, SIDE, flags="neighbor").filter("format", "gray")
    return both[1], aside(points)


def judge(watched: bytes, spec: SegmentSpec) -> PictureReport:
    """The report on the pictures of a segment; `watched` is what its run wrote to `WATCH_FILE`.

    Raises `BelowStandard` for faults that must not be delivered.
    """
    fps, points = spec.profile.fps, _points(watched, spec.timeline.frames)
    black = list(_black_faults(_black(points), spec))
    frozen = list(_frozen_faults(_frozen(points), spec))
    for fault in (*black, *frozen):
        if not fault.planned and fault.clip.footage.provenance.provider not in OWN:
            raise BelowStandard(_sentence(fault, fps), fault.clip.shot)
    return PictureReport(
        black=tuple(fault.span for fault in black),
        frozen=tuple(fault.span for fault in frozen),
        problems=tuple(_sentence(fault, fps) for fault in (*black, *frozen)),
    )


def _points(watched: bytes, frames: int) -> np.ndarray:
    """(pictures, points) of brightness, as many pictures as were to be looked at."""
    wanted = -(-frames // STEP)
    points = np.frombuffer(watched, np.uint8)
    if len(points) < wanted * SIDE * SIDE:
        raise RenderFailed("not all pictures of the scene could be looked at")
    return points[: wanted * SIDE * SIDE].reshape(wanted, -1)


def _black(points: np.ndarray) -> list[Span]:
    """Frames from the first black picture of a row to the last."""
    dark = (points >= BRIGHT).sum(axis=1) < ALIVE
    edges = np.flatnonzero(np.diff(dark, prepend=False, append=False)).tolist()
    return [_span(first, end - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def _frozen(points: np.ndarray) -> list[Span]:
    """Frames from a picture to the last of those that do not differ from it, however slowly something moves."""
    spans: list[Span] = []
    first = 0
    for number in range(1, len(points) + 1):
        if number == len(points) or _differ(points[first], points[number]):
            spans.append(_span(first, number - 1))
            first = number
    return spans


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    change = np.abs(one.astype(np.int16) - other)
    return bool(change.mean() >= DRIFT or (change > CHANGE).sum() >= MOVED)


def _span(first: int, last: int) -> Span:
    """From one picture that was looked at to another; what lies beyond is not known."""
    return Span(start=first * STEP, end=last * STEP + 1)


def _black_faults(black: Sequence[Span], spec: SegmentSpec) -> Iterator[Fault]:
    # Words on black are a design of their own.
    if spec.card is not None:
        return
    closing = spec.timeline.closing
    dip = closing.frames if closing is not None and closing.kind == "dip-black" else 0
    for clip, stretch in _stretches(spec.timeline.clips):
        seen = Span(start=stretch.start, end=max(stretch.start, min(stretch.end, spec.timeline.frames - dip)))
        for span in _inside(seen, black, LONGEST_BLACK * spec.profile.fps):
            yield Fault(clip, "is black", span)


def _frozen_faults(frozen: Sequence[Span], spec: SegmentSpec) -> Iterator[Fault]:
    # Under an end card the picture is blurred and dark: whether it moves is hardly seen, and nobody looks for it.
    if spec.card is not None and spec.card.kind == "end":
        return
    fps = spec.profile.fps
    for clip, stretch in _stretches(spec.timeline.clips):
        if clip.footage.kind == "still" and clip.motion == "none":
            continue
        last = min(stretch.end, max(stretch.start, stretch.start + _moving(clip, fps)))
        for span in _inside(Span(start=stretch.start, end=last), frozen, LONGEST_STILL * fps):
            yield Fault(clip, "does not move", span)
        for span in _inside(Span(start=last, end=stretch.end), frozen, LONGEST_STILL * fps):
            yield Fault(clip, "is at its end and holds its last picture", span, planned=True)


def _moving(clip: Clip, fps: int) -> int:
    """The number of the frames shown here that its footage suffices for."""
    if clip.footage.kind != "video":
        return clip.frames
    return int((clip.footage.seconds - clip.source_start) / clip.speed * fps) - clip.skip


def _stretches(clips: Sequence[Clip]) -> Iterator[tuple[Clip, Span]]:
    """Each clip, and the frames of the segment that show it."""
    ends = list(accumulate(clip.frames for clip in clips))
    for clip, end in zip(clips, ends, strict=True):
        yield clip, Span(start=end - clip.frames, end=end)


def _inside(stretch: Span, spans: Sequence[Span], longest: float) -> Iterator[Span]:
    """The parts of `spans` that lie in `stretch` and are longer than allowed."""
    for span in spans:
        start, end = max(stretch.start, span.start), min(stretch.end, span.end)
        if end - start > longest:
            yield Span(start=start, end=end)


def _sentence(fault: Fault, fps: int) -> str:
    return f"shot {fault.clip.shot} {fault.what} for {(fault.span.end - fault.span.start) / fps:.1f} s"
