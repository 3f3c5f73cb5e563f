"""The design of words in each style, and the place and size of captions in a frame. Pure."""

from typing import NamedTuple

from common.contracts.request import Style
from common.contracts.timeline import TextFrame
from renderer.frame import picture_area

SIDE = 0.06
"The share of the width that words keep away from either side."


class CaptionDesign(NamedTuple):
    accent: str
    "RRGGBB"
    scale: float = 1.0
    upper: bool = False


class CardDesign(NamedTuple):
    upper: bool = False
    spacing: float = 0.0
    "Between the letters of a title, in ems."
    bold: bool = True
    scale: float = 1.0
    rule: bool = True
    "A short line in the accent colour below the title."


CAPTIONS: dict[Style, CaptionDesign] = {
    "cinematic": CaptionDesign("FFC24B"),
    "documentary": CaptionDesign("FFE27A", scale=0.94),
    "vivid": CaptionDesign("FFE500", scale=0.86, upper=True),
    "mono": CaptionDesign("FFD23F"),
    "vintage": CaptionDesign("FFB570"),
    "minimal": CaptionDesign("9AD8FF", scale=0.90),
}
CARDS: dict[Style, CardDesign] = {
    "cinematic": CardDesign(upper=True, spacing=0.14, scale=0.86),
    "documentary": CardDesign(),
    "vivid": CardDesign(upper=True, scale=1.06),
    "mono": CardDesign(upper=True, spacing=0.08, bold=False),
    "vintage": CardDesign(spacing=0.02),
    "minimal": CardDesign(bold=False, scale=0.9, rule=False),
}


class CaptionPlace(NamedTuple):
    """The place and size of captions, in pixels."""

    em: float
    bottom: float
    "From the lower edge of the canvas to the last line."
    width: float
    "That a line may have."


def caption_place(frame: TextFrame) -> CaptionPlace:
    """The place of captions: within the picture, above a letterbox bar."""
    width, height = frame.width, frame.height
    em, bottom = _caption_share(width, height)
    bar = picture_area(frame.style, frame).top
    # The bar itself is distance enough from the edge of the screen; from its own edge words keep some more.
    lowest = max(bottom * height, bar + 0.035 * height)
    return CaptionPlace(em * CAPTIONS[frame.style].scale, lowest, width * (1 - 2 * SIDE))


def _caption_share(width: int, height: int) -> tuple[float, float]:
    ratio = width / height
    if ratio > 1.4:
        return 0.052 * height, 0.075
    # Upright films are watched under the buttons and texts of an app, which cover the lowest quarter.
    if ratio < 0.7:
        return min(0.043 * height, 0.0765 * width), 0.28
    return 0.055 * min(width, height), 0.085
