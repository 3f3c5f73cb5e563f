"""Captions as pictures of their own, drawn once for as long as they stand, and laid over the frames.

libass blends each glyph's fill, outline, shadow and halo into the frame it is given: a tenth of the time of a whole
segment. Captions change some three times a second and frames thirty times, so they are drawn on a strip when they
change, and the strip goes over the frames in one step. Pure.

The strip needs to know how much of the picture below shows through. libass does not say, but black and white that it
draws on come closer to each other by as much as it covers. So it draws everything twice, on a canvas whose upper half
is black and whose lower half is white.
"""

from collections.abc import Sequence
from typing import NamedTuple

import ffmpeg

from common.captions import MAX_LINES, Cue
from common.contracts.timeline import TextFrame
from renderer.ffmpeg.formats import BT709, Stream
from renderer.ffmpeg.source import source
from renderer.text import fonts
from renderer.text.captions import drawn_lines
from renderer.text.design import CaptionPlace, caption_place

BESIDE, ABOVE, BELOW = 1.0, 1.0, 0.6
"Ems around the lines: for halos, and for other fonts, whose lines may be higher."


class CaptionStrip(NamedTuple):
    """The rectangle that captions are drawn on, and the frames on which they change."""

    left: int
    top: int
    width: int
    height: int
    "In pixels of the canvas, in the middle of its width."
    changes: tuple[int, ...]
    "The frames of the scene on which they change, in order."

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height of the canvas that libass draws on: black, and white below it."""
        return self.width, 2 * self.height


def caption_strip(cues: Sequence[Cue], frame: TextFrame) -> CaptionStrip:
    """The strip that holds all of these cues."""
    place = caption_place(frame)
    lowest = frame.height - place.bottom
    top = max(0, _even(lowest - (MAX_LINES * fonts.LINE_HEIGHT + ABOVE) * place.em))
    bottom = min(frame.height, _even(lowest + BELOW * place.em))
    changes = {change for cue in cues for change in (*(start for start, _ in cue.turns()), cue.end)}
    left = _beside(cues, frame, place)
    return CaptionStrip(left, top, frame.width - 2 * left, bottom - top, tuple(sorted(changes)))


def _beside(cues: Sequence[Cue], frame: TextFrame, place: CaptionPlace) -> int:
    """The free pixels on either side of the widest line; none where another font draws some of the lines."""
    lines = [line for cue in cues for line in drawn_lines(cue, frame.style)]
    widest = max((fonts.width(line) * place.em for line in lines), default=0.0)
    free = (frame.width - widest) / 2 - BESIDE * place.em
    return max(0, _even(free)) if all(map(fonts.known, lines)) else 0


def overlay_captions(
    picture: Stream, strip: CaptionStrip, file: str, fonts_folder: str, first: int, frames: int, fps: int
) -> Stream:
    """The picture with the captions over it.

    It has the frames of the scene from `first` on, at the times of the scene; `file` is an .ass file from `ass_on`.
    """
    width, height = strip.width, strip.height
    drawn = _canvas(strip, first, frames, fps).filter("ass", filename=file, fontsdir=fonts_folder)
    # From here on its levels are plain numbers: taken for those of a picture, they would be scaled to and fro.
    drawn = drawn.filter("setparams", range="pc")
    both = drawn.filter_multi_output("split", 2)
    luma = both[0].filter("extractplanes", "y").filter_multi_output("split", 2)
    black, white = (luma[half].filter("crop", width, height, 0, half * height) for half in (0, 1))
    cover = ffmpeg.filter([white, black], "blend", all_mode="difference").filter("negate")
    colour = both[1].filter("crop", width, height, 0, 0).filter("format", "yuva420p")
    words = ffmpeg.filter([colour, cover], "alphamerge")
    # Drawn on black, colours are the darker the less they cover.
    words = words.filter("setparams", alpha_mode="premultiplied").filter("unpremultiply", inplace=1)
    words = words.filter("setparams", range="tv")
    # The last frame of the words lies after the end of the picture, which must not go on for it.
    return ffmpeg.overlay(picture, words, x=strip.left, y=strip.top, format="yuv420", shortest=1)


def _canvas(strip: CaptionStrip, first: int, frames: int, fps: int) -> Stream:
    """One frame for each change, at its time in the scene, one for what stands at the start, and one after the end.

    The last is never seen. If there were nothing to come, `overlay` would go over from copies of the picture's frames
    to the frames themselves, and the filter before it would have to hold as many once more: 10 MB of them.

    Black is 0 and white 255, which leaves the most room between them; captions are drawn on it in limited range, as
    they are on a picture.
    """
    changes = sorted({0, *(change - first for change in strip.changes if first < change < first + frames), frames})
    chosen = "+".join(f"eq(n,{number})" for number in changes)
    # Made tiny and padded afterwards: a source would draw every frame of its own, and most are not chosen.
    dots = source("color", color="black", size="2x2", rate=fps).filter("format", "yuv420p", color_ranges="pc")
    dots = dots.filter("setparams", **BT709).filter("trim", end_frame=frames + 1).filter("select", chosen)
    dots = dots.filter("settb", f"1/{fps}")
    dots = dots.filter("setpts", f"PTS+{first}") if first else dots
    black = dots.filter("pad", strip.width, strip.height, 0, 0, "black")
    return black.filter("pad", *strip.canvas, 0, 0, "white").filter("setparams", range="tv")


def _even(pixels: float) -> int:
    return int(pixels) // 2 * 2
