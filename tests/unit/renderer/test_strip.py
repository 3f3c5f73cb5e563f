"""Where captions are drawn, and when."""

from hypothesis import given
from hypothesis import strategies as st

from common.contracts.request import Style
from common.contracts.timeline import CaptionLook
from renderer.captions import MAX_LINES, Cue, Spoken
from renderer.design import caption_place
from renderer.fonts import LINE_HEIGHT
from renderer.strip import strip_of

STYLES: tuple[Style, ...] = ("cinematic", "documentary", "vivid", "mono", "vintage", "minimal")
SIZES = ((1920, 1080), (1080, 1920), (1080, 1080), (864, 1080), (3840, 2160), (256, 144), (144, 256), (128, 128))
LOOKS = st.builds(
    lambda style, size: CaptionLook(style=style, width=size[0], height=size[1]),
    st.sampled_from(STYLES),
    st.sampled_from(SIZES),
)
WIDE = CaptionLook(style="cinematic", width=1920, height=1080)


@given(LOOKS)
def test_the_strip_lies_in_the_canvas_and_holds_all_lines_with_their_halo(look: CaptionLook):
    strip, place = strip_of([], look), caption_place(look)
    lowest = look.height - place.bottom
    assert strip.width == look.width
    assert 0 <= strip.top < strip.top + strip.height <= look.height
    assert strip.top <= lowest - (MAX_LINES * LINE_HEIGHT + 0.5) * place.em
    assert strip.top + strip.height >= min(look.height, lowest + 0.3 * place.em)
    assert strip.height < 0.5 * look.height, "a strip, not a canvas"


@given(LOOKS)
def test_all_its_edges_are_on_whole_points_of_colour(look: CaptionLook):
    strip = strip_of([], look)
    assert strip.top % 2 == strip.height % 2 == 0
    assert strip.canvas == (look.width, 2 * strip.height)


def test_it_changes_with_each_word_and_when_a_cue_ends():
    first = Cue(6, 60, ((Spoken("Over", 6), Spoken("the", 20)), (Spoken("hills", 40),)))
    second = Cue(60, 90, ((Spoken("far", 61),),))
    assert strip_of([first, second], WIDE).changes == (6, 20, 40, 60, 90)


def test_without_captions_nothing_changes():
    assert strip_of([], WIDE).changes == ()
