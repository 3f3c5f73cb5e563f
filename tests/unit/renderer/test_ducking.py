from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import PlacedNarration
from renderer.mix import DUCK_HOLD, DUCK_LEAD, _ducked


def placed(*spans: tuple[float, float]) -> list[PlacedNarration]:
    ref = ObjectRef(key="k", sha256="0", size=1, media_type="audio/wav")
    return [
        PlacedNarration(audio=ref, start=int(a * SAMPLE_RATE), samples=int((b - a) * SAMPLE_RATE)) for a, b in spans
    ]


def test_the_bed_is_down_before_the_voice_begins_until_it_ends():
    assert _ducked(placed((2, 4))) == [(2 * SAMPLE_RATE - DUCK_LEAD, 4 * SAMPLE_RATE)]


def test_it_cannot_go_down_before_the_film_begins():
    assert _ducked(placed((0, 1))) == [(0, SAMPLE_RATE)]


def test_it_stays_down_during_a_short_gap_and_comes_up_in_a_long_one():
    short = (DUCK_LEAD + DUCK_HOLD) / SAMPLE_RATE - 0.1
    assert len(_ducked(placed((0, 1), (1 + short, 3)))) == 1
    assert len(_ducked(placed((0, 1), (1 + short + 0.2, 4)))) == 2


def test_order_and_overlap_do_not_matter():
    assert _ducked(placed((3, 4), (0, 3.5), (1, 2))) == [(0, 4 * SAMPLE_RATE)]


def test_no_narration_no_ducking():
    assert _ducked([]) == []
