"""A clip as a stream of the filter graph: exactly its frames, on the grid of the film, in one format for all.

The format is the size of the picture, square pixels, 8-bit 4:2:0, BT.709, limited range and a time base of one frame.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from common.contracts.timeline import Clip
from renderer.ffmpeg.formats import Stream
from renderer.picture.fit import Grade, even, fitted, graded, scaled
from renderer.picture.source import Size, Source, opened, painted

ZOOM_PER_SECOND = 0.03
MAX_ZOOM = 0.12
# A still is held a little larger than the canvas while the camera moves over it: sampled at exactly its
# own size, linear interpolation would be sharp on whole pixels and soft between them, and so pulse.
STILL_MARGIN = 1.16
LAST_SECONDS = 0.5
"A clip that would start after its footage ends starts this long before the end."
SIMPLE = 24
"Ratios of frame rates with a denominator up to this are phase-aligned, to avoid judder."
_LATE = 1_000_000
"Seconds; longer than any film."


class ClipFormat(NamedTuple):
    """The form that all clips of a film are brought to."""

    size: Size
    fps: int
    decoding: int
    "Threads of each decoder."
    draft: bool = False


def clip_stream(clip: Clip, source: Source, target: ClipFormat, grade: Grade) -> Stream:
    """The clip's own frames, on the grid, in the common format and graded.

    The format is set once more at the end, since filters after the grade might choose another.
    """
    kinds: dict[str, Callable[[Clip, Source, ClipFormat, Grade], Stream]] = {
        "video": _video,
        "still": _still,
        "scenery": _scenery,
    }
    return kinds[clip.footage.kind](clip, source, target, grade).filter("setsar", 1).filter("format", "yuv420p")


def _video(clip: Clip, source: Source, target: ClipFormat, grade: Grade) -> Stream:
    start, last = begin_of(clip, target.fps), max(0.0, clip.footage.seconds - LAST_SECONDS)
    seek = min(start + clip.skip * clip.speed / target.fps, last)
    # All frames from the key frame before are decoded anyway. With none of them thrown away after the decoder, `fps`
    # sees the one that covers the cut, however long it lasts.
    wanted = {"noaccurate_seek": None, "ss": f"{seek:.6f}"} if seek > 0 else {}
    if target.draft:
        # The edges of blocks hardly show in a picture so much smaller, and smoothing them is a seventh of decoding.
        wanted["skip_loop_filter"] = "all"
    picture = opened(source, threads=target.decoding, **wanted)
    if clip.speed != 1:
        picture = picture.filter("settb", "AVTB").filter("setpts", f"PTS/{clip.speed}")
    # The grid begins with the stretch, whichever part of it is wanted, so that all parts round alike.
    picture = picture.filter("fps", fps=target.fps, start_time=f"{start / clip.speed:.6f}")
    # Nothing is a frame short: footage that ends too early holds its last picture.
    picture = picture.filter("tpad", stop=-1, stop_mode="clone")
    return fitted(cut(picture, clip.skip, clip.frames), clip, source, target.size, grade)


def begin_of(clip: Clip, fps: int) -> float:
    """The second of the footage at which the stretch begins.

    It is that of a frame if the rate is known, or a little before: where frames would fall just between two of the
    film (60 on 30), rounding would take now the one and now the other, and the picture would judder.
    """
    begin = min(clip.source_start, max(0.0, clip.footage.seconds - LAST_SECONDS))
    rate = clip.footage.fps
    if rate <= 0:
        return begin
    places = Fraction(fps / (rate * clip.speed)).limit_denominator(SIMPLE).denominator
    before = 0.0 if places % 2 else 0.5 / places
    return int(begin * rate + 0.5) / rate - before * clip.speed / fps


def _still(clip: Clip, source: Source, target: ClipFormat, grade: Grade) -> Stream:
    """The picture is fitted and graded once and then repeated; only the camera moves per frame."""
    width, height = target.size
    moving = clip.motion != "none"
    share = STILL_MARGIN if moving else 1.0
    size = even(width * share), even(height * share)
    picture = fitted(opened(source, threads=target.decoding), clip, source, size, grade)
    if moving:
        # Makes up for the softness of linear interpolation.
        picture = picture.filter("unsharp", 3, 3, 0.6, 3, 3, 0)
    picture = picture.filter("loop", loop=-1, size=1, start=0).filter("settb", f"1/{target.fps}").filter("setpts", "N")
    picture = cut(picture.filter("fps", target.fps), 0, clip.frames)
    if not moving:
        return picture
    camera = picture.filter("perspective", eval="frame", interpolation="linear", **_camera(clip, target, size))
    return camera.filter("crop", width, height, 0, 0)


def _scenery(clip: Clip, source: Source, target: ClipFormat, grade: Grade) -> Stream:
    picture = painted(source, target.fps).filter("settb", f"1/{target.fps}")
    return graded(scaled(cut(picture, 0, clip.frames), *target.size, source), grade)


def cut(picture: Stream, skip: int, frames: int) -> Stream:
    """`frames` frames after the first `skip`, with times from 0."""
    return picture.filter("trim", start_frame=skip, end_frame=skip + frames).filter("setpts", "PTS-STARTPTS")


def aside(picture: Stream) -> Stream:
    """Frames for another output than the film, at times far after all of the film's.

    ffmpeg asks for frames of the output that is furthest back. That must always be the film: until another output had
    its next frame, those of the film would pile up. So the first of these must come when the film's first does.
    """
    return picture.filter("setpts", f"PTS+{_LATE}/TB")


def _camera(clip: Clip, target: ClipFormat, still: Size) -> dict[str, str]:
    """The corners that `perspective` maps to the corners of the frame, as expressions of the frame number.

    `perspective` places pixels by fractions (zoompan rounds to whole ones, which trembles). Its frame is
    as large as the still, and only the canvas at its top left is kept, so the corners lie further out
    than the part that is seen.
    """
    reach = min(MAX_ZOOM, ZOOM_PER_SECOND * clip.length / target.fps)
    # `on` counts from 1.
    done = f"(on-1+{clip.skip})/{max(1, clip.length - 1)}"
    zoom, left = _move(clip.motion, 1 + reach, done)
    (width, height), (full_width, full_height) = target.size, still
    x0, y0 = f"W*(1-1/({zoom}))*({left})", f"H*(1-1/({zoom}))/2"
    x1 = f"{x0}+W/({zoom})*{full_width}/{width}"
    y1 = f"{y0}+H/({zoom})*{full_height}/{height}"
    return {"x0": x0, "y0": y0, "x1": x1, "y1": y0, "x2": x0, "y2": y1, "x3": x1, "y3": y1}


def _move(motion: str, zoom: float, done: str) -> tuple[str, str]:
    """The zoom of the camera, and the share of the hidden width that lies left of it, as expressions."""
    moves = {
        # A constant factor per frame looks like a constant speed.
        "zoom-in": (f"pow({zoom:.6f},{done})", "0.5"),
        "zoom-out": (f"pow({zoom:.6f},1-{done})", "0.5"),
        "pan-left": (f"{zoom:.6f}", f"1-{done}"),
        "pan-right": (f"{zoom:.6f}", done),
    }
    return moves[motion]
