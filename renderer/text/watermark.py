"""The watermark in a corner of every frame: a picture of the user's, or a few words.

It stays inside the picture, away from its edges and from the captions.
"""

from typing import NamedTuple

from common.captions import MAX_LINES, clean, line_limit
from common.contracts.request import Corner
from common.contracts.timeline import PlacedWatermark, TextFrame
from common.emoji import drawable
from renderer.frame import picture_area
from renderer.text import fonts
from renderer.text.ass import AssStyle, escape, sheet
from renderer.text.design import CAPTIONS, caption_place
from renderer.text.fonts import LINE_HEIGHT

WATERMARK_FILE = "mark.png"
_MARGIN = 0.04
"The distance it keeps from the edges, as a share of the shorter side."
_TALLEST = 0.5
"As a share of the height of the picture, however narrow it is."
_SMALLEST, _LARGEST = 0.028, 0.055
"Size of words (an em), as shares of the shorter side: what can be read, and what is a title rather than a watermark."
_NEVER = "9:59:59.99"
_LETTER, _CAPITAL = 0.55, 0.62
"Widths of an average letter in ems."


class Position(NamedTuple):
    """The upper left corner of the watermark, in pixels of the frame."""

    left: int
    top: int


def largest(size: float, frame: TextFrame) -> tuple[float, float]:
    """The most that a picture may be wide and high, in pixels, if it is to have `size` of the frame's width."""
    return size * frame.width, _TALLEST * picture_area(frame.style, frame).height


def position(mark: PlacedWatermark, size: tuple[int, int], frame: TextFrame, captioned: bool) -> Position:
    """The place of a picture that is `size` (width, height) pixels large."""
    left, top = upper_left(mark.position, size, frame, captioned)
    # Chroma is stored for pairs of pixels.
    return Position(round(left) // 2 * 2, round(top) // 2 * 2)


def watermark_ass(watermark: PlacedWatermark, frame: TextFrame, captioned: bool) -> str:
    """The watermark's text as an .ass file for a canvas of this size."""
    text = drawable(clean(watermark.text))
    short = min(frame.width, frame.height)
    wide = max(fonts.width(text), _LETTER)
    em = min(max(watermark.size * frame.width / wide, _SMALLEST * short), _LARGEST * short)
    em = min(em, (frame.width - 2 * _MARGIN * short) / wide)
    left, top = upper_left(watermark.position, (wide * em, em * LINE_HEIGHT), frame, captioned)
    faint = f"&H{round(255 * (1 - watermark.opacity)):02X}"
    style: AssStyle = {
        "Name": "Watermark",
        "Fontname": fonts.FAMILY,
        "Fontsize": f"{em * LINE_HEIGHT:.1f}",
        "PrimaryColour": f"{faint}FFFFFF",
        "OutlineColour": f"{faint}202020",
        "Bold": -1,
        "BorderStyle": 1,
        "Outline": f"{em * 0.06:.2f}",
        "Shadow": 0,
        "Alignment": 7,
        "Encoding": -1,
    }
    tags = f"{{\\pos({left:.1f},{top:.1f})\\blur{em * 0.03:.2f}}}"
    event = f"Dialogue: 0,0:00:00.00,{_NEVER},Watermark,,0,0,0,,{tags}{escape(text)}"
    return sheet((frame.width, frame.height), [style], [event])


def upper_left(corner: Corner, size: tuple[float, float], frame: TextFrame, captioned: bool) -> tuple[float, float]:
    """Left and top, in pixels, of a watermark that is `size` (width, height) pixels large."""
    area, margin = picture_area(frame.style, frame), _MARGIN * min(frame.width, frame.height)
    width, height = size
    right, low = area.left + area.width - margin - width, area.top + area.height - margin - height
    left = area.left + margin if corner.endswith("left") else right
    if corner.startswith("top"):
        return left, area.top + margin
    return left, _above_captions(low, size, margin, frame) if captioned else low


def _above_captions(low: float, size: tuple[float, float], margin: float, frame: TextFrame) -> float:
    """The lowest place where no caption comes: beside them, under them where there is room, else over them."""
    text = caption_place(frame)
    letter = _CAPITAL if CAPTIONS[frame.style].upper else _LETTER
    reach = min(text.width, line_limit(frame) * letter * text.em)
    beside = margin + size[0] <= (frame.width - reach) / 2
    under = low >= frame.height - text.bottom
    if beside or under:
        return low
    return frame.height - text.bottom - (MAX_LINES * LINE_HEIGHT + 0.4) * text.em - size[1]
