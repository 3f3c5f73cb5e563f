"""How loud a film, its voice and its music are to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.base import ObjectRef
from common.contracts.timeline import PlacedNarration
from renderer.sound.balance import (
    HIGHEST,
    LEAST_UNDER,
    LOWEST,
    MUSIC,
    UNDER_VOICE,
    VOICE,
    duck_depth,
    film_level,
    speech_share,
    spoken,
)
from renderer.sound.loudness import SILENCE

PLAN = -14.0
LEVELS, SHARES = st.floats(-40, -5), st.floats(0, 1)


def placed(*spans: tuple[int, int]) -> list[PlacedNarration]:
    ref = ObjectRef(key="k", sha256="0", size=1, media_type="audio/wav")
    return [PlacedNarration(audio=ref, start=start, samples=end - start) for start, end in spans]


@given(LEVELS, LEVELS, st.floats(0.01, 1))
def test_the_voice_stays_within_its_limits_unless_the_film_would_be_too_loud(before, voice, share):
    level = film_level(before, voice, share, PLAN)
    heard = voice + level - before
    assert level <= PLAN
    assert heard <= HIGHEST + 1e-9
    assert heard >= LOWEST - 1e-9 or level == PLAN


@pytest.mark.parametrize(
    ("before", "share", "level"),
    [
        (-15.3, 0.9, -14.4),
        (-15.3, 0.5, -14.4),
        (-16.4, 0.25, -15.7),
        (-16.9, 0.01, -16.948),
        (-15.0, 0.03, -15.5),  # without music: the voice is all there is, and keeps its level
        (-20.0, 0.1, -18.5),  # with little music: the voice does not shout
        (-17.0, 0.0, PLAN),
        (SILENCE, 0.5, PLAN),
    ],
)
def test_a_film_is_as_loud_as_it_speaks_much(before, share, level):
    assert film_level(before, VOICE, share, PLAN) == pytest.approx(level)


def test_a_film_whose_voice_cannot_be_heard_is_like_one_without():
    assert film_level(-17.0, SILENCE, 0.8, PLAN) == PLAN


@given(SHARES, SHARES)
def test_the_more_it_speaks_the_louder_it_may_be(one, other):
    low, high = sorted([max(one, 0.001), max(other, 0.001)])
    assert film_level(-16.0, VOICE, low, PLAN) <= film_level(-16.0, VOICE, high, PLAN)


def test_the_bed_goes_down_to_its_distance_under_the_voice():
    assert MUSIC + duck_depth(-20, -20, VOICE, 0) == VOICE - UNDER_VOICE
    assert MUSIC + duck_depth(-20, -20, -17.0, 0) == -17.0 - UNDER_VOICE
    assert MUSIC + duck_depth(SILENCE, SILENCE, SILENCE, 0) == VOICE - UNDER_VOICE


def test_a_bed_that_is_louder_under_the_voice_than_elsewhere_goes_down_further():
    assert duck_depth(-20, -17, VOICE, 0) == duck_depth(-20, -20, VOICE, 0) - 3


@given(LEVELS, st.floats(-30, 6))
def test_louder_music_is_heard_louder_but_never_near_the_voice(level, wish):
    under = VOICE - (MUSIC + wish + duck_depth(level, level, VOICE, wish))
    assert under >= LEAST_UNDER - 1e-9
    assert under <= UNDER_VOICE - wish + 1e-9 or under == pytest.approx(LEAST_UNDER)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 40)).map(lambda one: (one[0], one[0] + one[1]))))
def test_speech_is_counted_once_and_within_the_film(spans):
    said = {sample for begin, end in spans for sample in range(begin, min(end, 100))}
    found = spoken(placed(*spans), 100)
    assert {sample for begin, end in found for sample in range(begin, end)} == said
    assert speech_share(placed(*spans), 100) == len(said) / 100
    assert found == sorted(found)


def test_a_film_of_no_length_says_nothing():
    assert speech_share([], 0) == 0.0
