"""Where marks stand, and what becomes of the user's picture before it is laid over the film."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from common.captions import MAX_LINES, cues
from common.contracts.narration import Word
from common.contracts.request import Corner, Style
from common.contracts.timeline import PlacedWatermark, TextFrame
from renderer.frame import picture_area
from renderer.text import fonts
from renderer.text.design import CAPTIONS, caption_place
from renderer.text.fonts import LINE_HEIGHT
from renderer.text.mark_picture import Unusable, draw
from renderer.text.watermark import largest, upper_left, watermark_ass

CORNERS: tuple[Corner, ...] = get_args(Corner)
STYLES: tuple[Style, ...] = get_args(Style)
unhurried = settings(deadline=None)
LOOK = TextFrame(style="minimal", width=1280, height=720)
SHAPES = [(1280, 720), (1920, 1080), (720, 1280), (720, 720), (720, 900), (1440, 600), (128, 128), (3840, 2160)]
LOOKS = st.builds(
    lambda style, size: TextFrame(style=style, width=size[0], height=size[1]),
    st.sampled_from(STYLES),
    st.sampled_from(SHAPES),
)
SHARES = st.tuples(st.floats(0.005, 0.5), st.floats(0.005, 0.5))
"Of the canvas' width and of the picture's height: no mark is larger."
TEXT = (
    "The ocean covers more than seventy percent of our planet, and yet we have explored less than a tenth of it. "
    "Nobody knows what lives down there, but every expedition brings something back from where no light comes."
)


def size_of(shares: tuple[float, float], look: TextFrame) -> tuple[float, float]:
    return shares[0] * look.width, shares[1] * picture_area(look.style, look).height


# places


@unhurried
@given(st.sampled_from(CORNERS), SHARES, LOOKS, st.booleans())
def test_a_mark_is_inside_the_picture_and_away_from_its_edges(
    corner: Corner, shares: tuple[float, float], look: TextFrame, captioned: bool
):
    area, (width, height) = picture_area(look.style, look), size_of(shares, look)
    left, top = upper_left(corner, (width, height), look, captioned)
    margin = 0.039 * min(look.width, look.height)
    assert area.left + margin <= left <= area.left + area.width - margin - width
    assert area.top + margin <= top <= area.top + area.height - margin - height


@unhurried
@given(st.sampled_from(CORNERS), SHARES, LOOKS)
def test_it_is_in_its_corner_where_there_are_no_captions(corner: Corner, shares: tuple[float, float], look: TextFrame):
    area, size = picture_area(look.style, look), size_of(shares, look)
    left, top = upper_left(corner, size, look, False)
    across = left - area.left if corner.endswith("left") else area.left + area.width - left - size[0]
    down = top - area.top if corner.startswith("top") else area.top + area.height - top - size[1]
    assert (across, down) == pytest.approx((0.04 * min(look.width, look.height),) * 2)


def widest(look: TextFrame) -> float:
    """Of the captions of a usual text, in pixels."""
    spoken = [Word(text=text, start=n * 12_000, end=n * 12_000 + 12_000) for n, text in enumerate(TEXT.split())]
    shown = [line for cue in cues(spoken, look, 30, 30 * 60) for line in cue.text().split("\n")]
    upper = CAPTIONS[look.style].upper
    return max(fonts.width(line.upper() if upper else line) for line in shown) * caption_place(look).em


@unhurried
@given(st.sampled_from(CORNERS), SHARES, LOOKS)
@example("bottom-left", (0.09375, 0.5), TextFrame(style="vivid", width=720, height=1280))
def test_it_never_meets_the_captions(corner: Corner, shares: tuple[float, float], look: TextFrame):
    size, text = size_of(shares, look), caption_place(look)
    left, top = upper_left(corner, size, look, True)
    lowest = look.height - text.bottom
    reach = widest(look)
    beside = left + size[0] <= (look.width - reach) / 2 or left >= (look.width + reach) / 2
    below = top >= lowest
    above = top + size[1] <= lowest - MAX_LINES * LINE_HEIGHT * text.em
    assert beside or below or above


@unhurried
@given(st.text("abc MW", min_size=1, max_size=60), st.floats(0.02, 0.5), st.sampled_from(CORNERS), LOOKS)
def test_words_are_inside_the_picture_too(text: str, share: float, corner: Corner, look: TextFrame):
    drawn = watermark_ass(PlacedWatermark(text=text, position=corner, opacity=0.7, size=share), look, True)
    style = next(line for line in drawn.splitlines() if line.startswith("Style: ")).split(",")
    em = float(style[2]) / LINE_HEIGHT
    left, top = (float(number) for number in drawn.split("\\pos(")[1].split(")")[0].split(","))
    area, short = picture_area(look.style, look), min(look.width, look.height)
    assert left >= area.left
    assert left + fonts.width(" ".join(text.split())) * em <= area.left + area.width + 1
    assert area.top <= top <= area.top + area.height - em * LINE_HEIGHT
    assert em <= 0.056 * short + 0.1


@unhurried
@given(st.text(max_size=60), st.sampled_from(CORNERS), LOOKS)
def test_no_text_breaks_out_of_its_line(text: str, corner: Corner, look: TextFrame):
    plain, found = (
        watermark_ass(PlacedWatermark(text=one, position=corner, opacity=0.7, size=0.1), look, False).splitlines()
        for one in ("x", text)
    )
    assert len(found) == len(plain)
    shown = found[-1].split("}", 1)[1]
    # Whatever libass would obey is escaped.
    assert not re.search(r"(?<!\\)[{}]|\\(?![\u2060{}])", shown)


# pictures


def drawn(folder: Path, write: Callable[[Path], object]) -> np.ndarray:
    """The picture that `write` writes, a fifth as wide as the frame and half as strong."""
    given, made = folder / "given", folder / "drawn"
    write(given)
    width, height = draw(given, made, *largest(0.2, LOOK), 0.5)
    with Image.open(made) as found:
        assert (found.mode, found.format, found.size) == ("RGBA", "PNG", (width, height))
        return np.asarray(found).astype(int)


def test_it_is_as_wide_as_asked_and_keeps_its_shape(tmp_path: Path):
    found = drawn(tmp_path, lambda path: Image.new("RGB", (400, 100), "red").save(path, "PNG"))
    assert found.shape == (64, 256, 4)


def test_a_narrow_one_is_no_higher_than_half_of_the_picture(tmp_path: Path):
    found = drawn(tmp_path, lambda path: Image.new("RGB", (10, 1000), "red").save(path, "PNG"))
    assert found.shape == (360, 4, 4)


def test_a_line_of_pixels_does_not_vanish(tmp_path: Path):
    found = drawn(tmp_path, lambda path: Image.new("RGB", (3000, 1), "red").save(path, "PNG"))
    assert found.shape == (1, 256, 4)


def test_what_is_opaque_gets_the_opacity_and_what_is_transparent_stays_so(tmp_path: Path):
    logo = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    logo.paste((255, 0, 0, 255), (0, 0, 200, 400))
    found = drawn(tmp_path, lambda path: logo.save(path, "PNG"))
    assert np.abs(found[:, :120, 3] - 128).max() <= 1
    assert (found[:, 136:, 3] == 0).all()


def test_a_palette_with_a_transparent_colour_is_understood(tmp_path: Path):
    logo = Image.new("P", (100, 100), 0)
    logo.putpalette([0, 0, 0, 255, 255, 255])
    logo.paste(1, (0, 0, 50, 100))
    found = drawn(tmp_path, lambda path: logo.save(path, "GIF", transparency=0))
    assert (found[:, 140:, 3] == 0).all()
    assert (found[:, :110, 3] > 120).all()


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photograph_stands_upright(tmp_path: Path, orientation: int):
    """The left half of what the camera stored is blue; turned by a quarter it is above or below."""
    photo = Image.new("RGB", (400, 200), "red")
    photo.paste("blue", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = drawn(tmp_path, lambda path: photo.save(path, "JPEG", exif=exif))
    height, width = found.shape[:2]
    blue = {3: found[height // 2, -9], 6: found[8, width // 2], 8: found[-9, width // 2]}[orientation]
    assert (height > width) == (orientation != 3)
    assert blue[2] > 200 > 50 > blue[0]


def svg(path: Path) -> None:
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>')


def broken(path: Path) -> None:
    Image.effect_noise((300, 300), 50).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:3000])


@pytest.mark.parametrize(
    "write",
    [
        svg,
        broken,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)),
        lambda path: Image.new("RGB", (9, 9)).save(path, "TIFF"),
    ],
    ids=["svg", "broken", "empty", "header-only", "tiff"],
)
def test_what_is_no_picture_is_refused_with_a_cure(tmp_path: Path, write: Callable[[Path], object]):
    with pytest.raises(Unusable, match="it cannot be read as a picture; use a PNG, JPEG, WebP or GIF"):
        drawn(tmp_path, write)


@pytest.mark.parametrize("side", [8_100, 14_000])
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path, side: int):
    with pytest.raises(Unusable, match="it has too many pixels; use a smaller picture"):
        drawn(tmp_path, lambda path: Image.new("1", (side, side)).save(path, "PNG"))
