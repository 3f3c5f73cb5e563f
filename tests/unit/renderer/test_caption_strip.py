"""Where captions are drawn, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.captions import MAX_LINES, Cue, Spoken
from common.contracts.request import Style
from common.contracts.timeline import TextFrame
from renderer.text import fonts
from renderer.text.caption_strip import BESIDE, caption_strip
from renderer.text.design import CAPTIONS, caption_place
from renderer.text.fonts import LINE_HEIGHT

STYLES: tuple[Style, ...] = ("cinematic", "documentary", "vivid", "mono", "vintage", "minimal")
SIZES = ((1920, 1080), (1080, 1920), (1080, 1080), (864, 1080), (3840, 2160), (256, 144), (144, 256), (128, 128))
LOOKS = st.builds(
    lambda style, size: TextFrame(style=style, width=size[0], height=size[1]),
    st.sampled_from(STYLES),
    st.sampled_from(SIZES),
)
WIDE = TextFrame(style="cinematic", width=1920, height=1080)


@given(LOOKS)
def test_the_strip_lies_in_the_canvas_and_holds_all_lines_with_their_halo(look: TextFrame):
    strip, place = caption_strip([], look), caption_place(look)
    lowest = look.height - place.bottom
    assert 0 <= strip.top < strip.top + strip.height <= look.height
    assert strip.top <= lowest - (MAX_LINES * LINE_HEIGHT + 0.5) * place.em
    assert strip.top + strip.height >= min(look.height, lowest + 0.3 * place.em)
    assert strip.height < 0.5 * look.height, "a strip, not a canvas"


@given(LOOKS, st.text("Wide Ёж ß", max_size=60))
def test_it_is_as_wide_as_the_widest_line_with_its_halo_and_stands_in_the_middle(look: TextFrame, text: str):
    short, line = Spoken("I", 0), Spoken(text, 6)
    strip, em = caption_strip([Cue(0, 6, ((short,),)), Cue(6, 60, ((short,), (line,)))], look), caption_place(look).em
    written = fonts.capitals(text) if CAPTIONS[look.style].upper else text
    wanted = max(fonts.width(one) for one in (written, "I")) * em + 2 * BESIDE * em
    assert strip.width == look.width - 2 * strip.left
    assert min(wanted, look.width) <= strip.width <= max(wanted + 4, 0) or strip.left == 0


@pytest.mark.parametrize("stranger", ["水", "ا", "क", "😀"])
def test_it_is_as_wide_as_the_canvas_where_a_font_that_is_not_ours_draws(stranger: str):
    strip = caption_strip([Cue(0, 60, ((Spoken("Over", 0), Spoken(stranger, 6)),))], WIDE)
    assert (strip.left, strip.width) == (0, WIDE.width)


@given(LOOKS, st.text("Wide", max_size=60))
def test_all_its_edges_are_on_whole_points_of_colour(look: TextFrame, text: str):
    strip = caption_strip([Cue(0, 60, ((Spoken(text, 0),),))], look)
    assert strip.left % 2 == strip.top % 2 == strip.width % 2 == strip.height % 2 == 0
    assert strip.canvas == (strip.width, 2 * strip.height)


def test_it_changes_with_each_word_and_when_a_cue_ends():
    first = Cue(6, 60, ((Spoken("Over", 6), Spoken("the", 20)), (Spoken("hills", 40),)))
    second = Cue(60, 90, ((Spoken("far", 61),),))
    assert caption_strip([first, second], WIDE).changes == (6, 20, 40, 60, 90)


def test_without_captions_nothing_changes():
    assert caption_strip([], WIDE).changes == ()
