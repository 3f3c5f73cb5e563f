"""What the looks promise for any picture; how they are seen is in the integration tests."""

from itertools import pairwise
from math import cos, sin
from typing import get_args

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from common.contracts.footage import Tone
from common.contracts.request import Style
from common.contracts.timeline import TextFrame
from renderer.picture.looks import BLACK, NEUTRAL, WHITE, Evening, evening, finish, grade
from tests.support.curves import curve

STYLES: tuple[Style, ...] = get_args(Style)
unhurried = settings(deadline=None)
UNTOUCHED = Evening()
LUMA, CHROMA = st.floats(BLACK, WHITE), st.floats(16, 240)


@st.composite
def tones(draw: st.DrawFn, **fixed: float) -> Tone:
    black, mid, white = sorted(draw(st.tuples(LUMA, LUMA, LUMA)))
    seen = {"black": black, "mid": mid, "white": white, "u": draw(CHROMA), "v": draw(CHROMA)}
    return Tone.model_validate(seen | fixed)


def day(**changes: float) -> Tone:
    """A well exposed picture without a cast."""
    return Tone.model_validate({"black": 24, "mid": 110, "white": 220, "u": 128, "v": 128} | changes)


def exposed(tone: Tone, light: float) -> Tone:
    """The same picture with another share of the light."""
    black, mid, white = (BLACK + (luma - BLACK) * light for luma in (tone.black, tone.mid, tone.white))
    return tone.model_copy(update={"black": black, "mid": mid, "white": white})


def evened(luma: float, tone: Tone) -> float:
    """What becomes of a luma of that picture."""
    to = evening(tone)
    share = min(1.0, max(0.0, (luma - to.low) / (to.high - to.low)))
    return BLACK + (WHITE - BLACK) * share**to.gamma


# how clips are brought nearer to each other


@unhurried
@given(tones())
def test_no_picture_is_changed_by_much(tone: Tone):
    found = evening(tone)
    assert BLACK <= found.low <= BLACK + 10
    assert found.low + (WHITE - found.low) / 1.35 - 0.5 <= found.high <= WHITE
    assert 0.78 <= found.gamma <= 1.08
    # Rounded to half codes.
    assert (found.u**2 + found.v**2) ** 0.5 <= 8.4


@unhurried
@given(tones(), st.floats(0, 1))
def test_a_smaller_share_moves_levels_and_white_by_less(tone: Tone, share: float):
    some, whole = evening(tone, share), evening(tone)
    assert BLACK <= some.low <= whole.low
    assert whole.high <= some.high <= WHITE
    assert abs(some.u) <= abs(whole.u)
    assert abs(some.v) <= abs(whole.v)


@unhurried
@given(tones(mid=20.0))
def test_what_is_dark_on_purpose_stays_as_it_is(tone: Tone):
    assert evening(tone) == UNTOUCHED


@unhurried
@given(st.floats(20, 45), st.floats(0, 1), LUMA)
def test_a_night_is_lightened_a_little_at_most(mid: float, low: float, white: float):
    tone = day(black=BLACK + (mid - BLACK) * low, mid=mid, white=max(mid, white))
    assert abs(evened(mid, tone) - mid) <= 6


@unhurried
@given(tones(u=NEUTRAL - 24.0, v=NEUTRAL + 24.0))
def test_a_sunset_keeps_its_colour(tone: Tone):
    found = evening(tone)
    assert (found.u, found.v) == (0, 0)


@unhurried
@given(st.floats(0, 8), st.floats(0, 6.28))
def test_a_mild_cast_is_never_turned_into_another(strength: float, turn: float):
    cast = (strength * cos(turn), strength * sin(turn))
    found = evening(day(u=NEUTRAL + cast[0], v=NEUTRAL + cast[1]))
    for before, added in zip(cast, (found.u, found.v), strict=True):
        # Half codes are the finest step there is.
        assert added * before <= 0
        assert abs(before + added) <= abs(before) + 0.25


def test_two_cameras_that_see_white_differently_come_nearer_to_each_other():
    warm, blue = evening(day(u=121, v=134)), evening(day(u=136, v=123))
    assert (136 + blue.u) - (121 + warm.u) < 0.6 * (136 - 121)
    assert (134 + warm.v) - (123 + blue.v) < 0.6 * (134 - 123)


@unhurried
@given(st.floats(90, 130), st.floats(190, 235), st.floats(0.65, 1))
def test_two_exposures_of_one_picture_come_nearer_to_each_other(mid: float, white: float, light: float):
    one = day(mid=mid, white=white)
    other = exposed(one, light)
    before, after = one.mid - other.mid, evened(one.mid, one) - evened(other.mid, other)
    # They do not change places either. Where both are well exposed nothing is done.
    assert -0.5 <= after <= before + 0.5
    assert light > 0.8 or after < 0.92 * before


@unhurried
@given(st.floats(20, 60), st.floats(0.6, 0.9))
def test_haze_is_lifted_in_part(veil: float, contrast: float):
    clear = day()
    hazy = day(**{name: BLACK + veil + (getattr(clear, name) - BLACK) * contrast for name in ("black", "mid", "white")})
    assume(hazy.white <= WHITE and hazy.black > 40)
    assert evened(hazy.white, hazy) - evened(hazy.black, hazy) > hazy.white - hazy.black


def test_a_good_picture_is_left_alone_by_the_plain_style():
    assert evening(day()) == UNTOUCHED
    assert grade("documentary", day()) == grade("documentary", None) == ()


# the curves


@unhurried
@given(st.sampled_from(STYLES), st.one_of(st.none(), tones()))
def test_what_was_lighter_is_lighter_still_and_all_of_it_can_be_shown(style: Style, tone: Tone | None):
    found = [curve(grade(style, tone), luma) for luma in range(BLACK, WHITE + 1)]
    assert all(one <= other for one, other in pairwise(found))
    assert found[0] >= BLACK
    assert found[-1] <= WHITE
    # A picture remains a picture.
    assert found[-1] - found[0] > 150


@unhurried
@given(st.sampled_from(STYLES), tones())
def test_no_more_than_two_filters_are_paid_for(style: Style, tone: Tone):
    assert [name for name, _ in grade(style, tone)] in ([], ["lutyuv"], ["colorcorrect"], ["lutyuv", "colorcorrect"])


def test_the_finish_is_that_of_the_style():
    canvas = TextFrame(style="mono", width=1280, height=720)
    assert [style for style in STYLES if finish(style, canvas, 30).vignette] == ["cinematic", "mono", "vintage"]
    assert [style for style in STYLES if finish(style, canvas, 30).grain] == ["mono", "vintage"]
