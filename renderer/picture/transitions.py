"""Transitions from one picture to the next, in graphs that stay in 4:2:0 from end to end. Pure.

xfade knows no 4:2:0. Left to itself, ffmpeg would convert both pictures and the result, at ten times the cost of the
fade, and soften the colours; so each plane is faded as a grey picture of its own.
"""

from collections.abc import Callable

import ffmpeg

from common.contracts.request import TransitionKind
from renderer.ffmpeg.formats import BT709, Stream

CLOSER = 2.4
"The zoom that the camera reaches as it leaves a picture."


def transition(kind: TransitionKind, before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    """`frames` frames in which `before` gives way to `after`.

    Both have just as many, in 8-bit yuv420p, limited range BT.709, of one size, with a time base of one frame.
    """
    return _KINDS[kind](before, after, frames, fps).filter("settb", f"1/{fps}").filter("setpts", "N")


def _crossfade(before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    return _mixed("fade", before, after, frames / fps)


def _wipe(before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    """With a soft edge."""
    return _eased("smoothleft", before, after, frames)


def _slide(before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    return _eased("slideleft", before, after, frames)


def _zoom(before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    """The camera speeds into the old picture while the new one comes up. (xfade's own zoom shows large squares.)"""
    # `on` counts from 1.
    reach = f"(1+{CLOSER - 1:.2f}*pow(on/{frames},1.5))"
    x0, y0, x1, y1 = f"W*(1-1/{reach})/2", f"H*(1-1/{reach})/2", f"W*(1+1/{reach})/2", f"H*(1+1/{reach})/2"
    corners = {"x0": x0, "y0": y0, "x1": x1, "y1": y0, "x2": x0, "y2": y1, "x3": x1, "y3": y1}
    nearer = before.filter("perspective", eval="frame", interpolation="linear", **corners)
    return _eased("fade", nearer, after, frames)


def _through_black(before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    """One goes down to black, then the other comes up. (xfade's own goes blacker than black.)"""
    down = frames // 2
    going = _first(before, down).filter("fade", "out", 0, down)
    coming = _first(after, frames, down).filter("fade", "in", 0, frames - down)
    return ffmpeg.concat(going, coming, v=1, a=0)


def _through_white(before: Stream, after: Stream, frames: int, fps: int) -> Stream:
    """Black is what white is in a negative; fading to white directly would take another colour space."""
    return _negative(_through_black(_negative(before), _negative(after), frames, fps))


def _negative(picture: Stream) -> Stream:
    return picture.filter("lutyuv", y="251-val", u="256-val", v="256-val")


def _first(picture: Stream, end: int, start: int = 0) -> Stream:
    return picture.filter("trim", start_frame=start, end_frame=end).filter("setpts", "PTS-STARTPTS")


def _eased(name: str, before: Stream, after: Stream, frames: int) -> Stream:
    """Begins and ends gently: xfade goes by the clock, so its clock is bent. The whole way takes it a second."""
    done = f"((N+1)/{frames + 1})"
    bent = f"round(1000000*pow({done},2)*(3-2*{done}))"
    first = 1 / (frames + 1)
    clocks = [picture.filter("settb", "AVTB").filter("setpts", bent) for picture in (before, after)]
    # Its first frame has moved already. (At rest, xfade's slide shows a column that does not belong to the picture.)
    return _mixed(name, clocks[0], clocks[1], 1.0, offset=-(first**2) * (3 - 2 * first))


def _mixed(name: str, before: Stream, after: Stream, seconds: float, offset: float = 0.0) -> Stream:
    """xfade, plane by plane."""
    planes = [picture.filter_multi_output("extractplanes", "y+u+v") for picture in (before, after)]
    times = {"duration": f"{seconds:.6f}", "offset": f"{offset:.6f}"}
    mixed = [ffmpeg.filter([planes[0][n], planes[1][n]], "xfade", transition=name, **times) for n in range(3)]
    merged = ffmpeg.filter(mixed, "mergeplanes", mapping="0x001020", format="yuv420p")
    return merged.filter("setparams", range="tv", **BT709)


_KINDS: dict[TransitionKind, Callable[[Stream, Stream, int, int], Stream]] = {
    "crossfade": _crossfade,
    "dip-black": _through_black,
    "dip-white": _through_white,
    "wipe": _wipe,
    "slide": _slide,
    "zoom": _zoom,
}
