"""Measures exposure, colour and focus of a file, on a few small frames of it.

Part of the inspection of files of strangers, see `retriever.inspection.program`.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream

from common.errors import BadMedia
from retriever.inspection.colours import colours
from retriever.inspection.focus import Frame, focus
from retriever.inspection.tonemap import LIGHT, toned_down

MOST_FRAMES, FEWEST_FRAMES = 8, 4
PIXELS = 12_500_000
"Pixels decoded in all, as far as the number of frames allows: six frames of Full HD, four of 4K."
FRAMES_OF_A_RUN = 2
"Two show what moves. Where only one place is found to look at, all frames are taken there."
LONG_SIDE, SHORT_SIDE = 320, 32
"Of the frames that are measured; a side that would be shorter is stretched, which shares do not mind."
ORIENTATION, MIRRORED = 0x0112, (2, 4, 5, 7)
"The Exif tag, and its values for pictures that are turned over before they are turned."

Run = list[Frame]


class Measured(NamedTuple):
    """Measurements of a file."""

    tone: dict[str, float]
    "The fields of `Tone`."
    focus: tuple[float, float]


class _View(NamedTuple):
    """The way in which frames of a file are made small; the same for all of them, whatever the file does."""

    frames: int
    "The most that may be decoded."
    width: int
    height: int
    "Of the small ones."
    still: bool
    mirrored: bool
    turns: int
    "By 90 degrees, counterclockwise."


def measured(
    container: InputContainer, stream: VideoStream, first: VideoFrame, seconds: float, *later: VideoFrame
) -> Measured:
    """Looks at a few frames all over a video, or only at the `first` of what has no `seconds`.

    With some a little `later` than the first the beginning need not be decoded once more.

    Raises `BadMedia` for pixels that cannot be converted.
    """
    view = _view(container.name, first, still=not seconds)
    try:
        begin = _small(first, view)
    except av.FFmpegError:  # nor could the renderer
        raise BadMedia("its colours are written in an unusual way; save the file again with those of BT.709") from None
    runs = [] if view.still else _runs(container, stream, seconds, view, (first, *later))
    runs = runs or [[begin]]
    return Measured(_tone(runs), focus(runs))


def _runs(
    container: InputContainer, stream: VideoStream, seconds: float, view: _View, begin: Sequence[VideoFrame]
) -> list[Run]:
    """Frames at key frames all over the video, each with those that are decoded next; empty where none are found."""
    starts = _key_frames(container, stream, seconds, view.frames // FRAMES_OF_A_RUN)
    most = FRAMES_OF_A_RUN if len(starts) > 1 else view.frames
    runs: list[Run] = []
    for start in starts:
        if start == begin[0].pts and most <= len(begin):
            runs.append([_small(frame, view) for frame in begin])
        else:
            runs.append(_run(container, stream, start, most, view))
    return [run for run in runs if run]


def _key_frames(container: InputContainer, stream: VideoStream, seconds: float, most: int) -> list[int]:
    """The times of at most so many key frames, evenly spread, in units of the stream."""
    found: dict[int, None] = {}
    for index in range(most):
        at = (index + 0.5) / most * seconds
        try:
            container.seek((stream.start_time or 0) + int(at / (stream.time_base or 1)), stream=stream)
            packet = next(container.demux(stream))
        except (av.FFmpegError, StopIteration):
            continue  # not every file can be searched
        if packet.size and packet.pts is not None:
            found[packet.pts] = None
    return list(found)


def _run(container: InputContainer, stream: VideoStream, start: int, most: int, view: _View) -> Run:
    """The key frame at `start` and what is decoded next, out of `most` packets."""
    frames: list[tuple[int, Frame]] = []

    def take(decoded: Sequence[VideoFrame]) -> None:
        # Made small at once: at full size they would take a lot of memory.
        frames.extend((frame.pts or 0, _small(frame, view)) for frame in decoded)

    try:
        container.seek(start, stream=stream)
        for _, packet in zip(range(most), container.demux(stream), strict=False):
            take(packet.decode())
        take(stream.codec_context.decode(None))
    except av.FFmpegError:
        pass  # what was seen so far will do
    return [frame for _, frame in sorted(frames, key=itemgetter(0))]


def _tone(runs: list[Run]) -> dict[str, float]:
    y, u, v = (np.concatenate([frame[plane].ravel() for run in runs for frame in run]) for plane in range(3))
    # By counting the levels, of which there are few: to put the pixels in order takes much longer.
    up_to = np.cumsum(np.bincount(y))
    black, mid, white = np.searchsorted(up_to, np.array((0.02, 0.5, 0.98)) * len(y))
    levels = {"black": black, "mid": mid, "white": white, "u": u.mean(), "v": v.mean()}
    return {name: round(float(level), 1) for name, level in levels.items()}


def _view(name: str, first: VideoFrame, *, still: bool) -> _View:
    width, height = first.width, first.height
    frames = max(FEWEST_FRAMES, min(MOST_FRAMES, PIXELS // (width * height)))
    width, height = (max(SHORT_SIDE, round(side * LONG_SIDE / max(width, height))) for side in (width, height))
    # The frame could tell more than its turns, but PyAV 18 frees what lies beside a frame twice.
    return _View(frames, width, height, still, still and _is_mirrored(name), round(first.rotation / 90))


def _is_mirrored(name: str) -> bool:
    from PIL import Image  # which videos do not need

    try:
        with Image.open(name, formats=("JPEG",)) as image:
            return image.getexif().get(ORIENTATION) in MIRRORED
    except Exception:
        return False  # if the picture is damaged, whoever looks at all of it will find out


def _small(frame: VideoFrame, view: _View) -> Frame:
    """A frame as it is shown, in planes of 8-bit limited-range BT.709."""
    to = {"width": view.width, "height": view.height, "interpolation": Interpolation.AREA, "threads": 1}
    transfer = int(frame.color_trc)
    if transfer in LIGHT:
        rgb = frame.reformat(
            format="rgb48le", src_colorspace=_matrix(frame, view.still), dst_color_range=ColorRange.JPEG, **to
        )
        planes = toned_down(np.asarray(rgb.to_ndarray(), np.uint16), transfer)
    else:
        matrix, limited = _matrix(frame, view.still), ColorRange.MPEG
        yuv = frame.reformat(
            format="yuv444p", src_colorspace=matrix, dst_colorspace=Colorspace.ITU709, dst_color_range=limited, **to
        )
        planes = np.asarray(yuv.to_ndarray(), np.uint8)
    return np.rot90(planes[:, ::-1] if view.mirrored else planes, view.turns, axes=(1, 2))


def _matrix(frame: VideoFrame, still: bool) -> Colorspace | None:
    """The matrix for a frame without a usable tag; None for one that is read as it is tagged."""
    matrix, hdr = colours(frame, still=still)
    if matrix == "auto":
        return None
    if hdr:
        return Colorspace.BT2020
    return Colorspace.ITU601 if matrix == "bt601" else Colorspace.ITU709
