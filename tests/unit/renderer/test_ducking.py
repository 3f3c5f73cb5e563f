import pytest

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import PlacedNarration, Span
from common.rhythm import PARAGRAPH
from renderer.sound.ducking import DIP, DUCK_HOLD, DUCK_LEAD, dip, ducked, ducking

DUCK = -12.0


def placed(*spans: tuple[float, float]) -> list[PlacedNarration]:
    ref = ObjectRef(key="k", sha256="0", size=1, media_type="audio/wav")
    return [
        PlacedNarration(audio=ref, start=int(a * SAMPLE_RATE), samples=int((b - a) * SAMPLE_RATE)) for a, b in spans
    ]


def test_the_bed_is_down_before_the_voice_begins_until_it_ends():
    assert ducked(placed((2, 4))) == [(2 * SAMPLE_RATE - DUCK_LEAD, 4 * SAMPLE_RATE)]


def test_it_is_down_from_the_first_sample_if_the_voice_begins_there():
    assert ducking(placed((0, 1)), DUCK).over(0, 2).tolist() == [DUCK, DUCK]


def test_it_goes_down_and_up_again_in_straight_lines_of_decibels():
    curve = ducking(placed((2, 4)), DUCK).over(0, 6 * SAMPLE_RATE)
    at = {second: curve[int(second * SAMPLE_RATE)] for second in (1.5, 1.8, 2, 3, 3.99, 4.3, 4.7)}
    assert at == pytest.approx({1.5: 0, 1.8: DUCK / 2, 2: DUCK, 3: DUCK, 3.99: DUCK, 4.3: DUCK / 2, 4.7: 0}, abs=0.01)


def test_it_dips_deepest_in_the_middle_of_a_transition():
    curve = dip(Span(start=30, end=45), SAMPLE_RATE // 30).over(0, 3 * SAMPLE_RATE)
    assert abs(curve.argmin() / SAMPLE_RATE - 37.5 / 30) < 0.001
    assert curve.min() == pytest.approx(DIP)
    assert not curve[: int(0.74 * SAMPLE_RATE)].any()
    assert not curve[int(1.76 * SAMPLE_RATE) :].any()


def test_it_stays_down_during_a_short_gap_and_comes_up_in_a_long_one():
    short = (DUCK_LEAD + DUCK_HOLD) / SAMPLE_RATE - 0.1
    assert len(ducked(placed((0, 1), (1 + short, 3)))) == 1
    assert len(ducked(placed((0, 1), (1 + short + 0.2, 4)))) == 2


def test_it_stays_down_during_every_rest_of_the_voice():
    longest = PARAGRAPH[1] + 0.1
    assert len(ducked(placed((0, 1), (1 + longest, 3)))) == 1


def test_order_and_overlap_do_not_matter():
    assert ducked(placed((3, 4), (0, 3.5), (1, 2))) == [(-DUCK_LEAD, 4 * SAMPLE_RATE)]


def test_no_narration_no_ducking():
    assert ducked([]) == []
