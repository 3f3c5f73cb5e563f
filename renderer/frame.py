"""The frame of a film, and the part of it that shows the picture: all of it, or all but letterbox bars. Pure."""

from typing import NamedTuple, Protocol

from common.contracts.request import Style

LETTERBOX: dict[Style, float] = {"cinematic": 2.35}
"Width over height of the picture inside letterbox bars; a style that is not listed has no bars."


class FrameSize(Protocol):
    """Anything with a size in pixels: a profile, a text frame."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


class Area(NamedTuple):
    """A rectangle of the frame, in pixels."""

    left: int
    top: int
    width: int
    height: int


def picture_area(style: Style, frame: FrameSize) -> Area:
    """The part of the frame that shows the picture; all its edges are even."""
    width, height, ratio = frame.width, frame.height, LETTERBOX.get(style, 0.0)
    # Bars would take too much from anything narrower than 16:9.
    if not ratio or not 1.7 < width / height < ratio:
        return Area(0, 0, width, height)
    # Chroma is stored for pairs of rows, so the bars are even; and both are of one height.
    bar = 2 * round((height - width / ratio) / 4)
    return Area(0, bar, width, height - 2 * bar)


def picture_size(style: Style, frame: FrameSize) -> tuple[int, int]:
    """Width and height that clips are fitted to; even numbers."""
    area = picture_area(style, frame)
    return area.width, area.height
