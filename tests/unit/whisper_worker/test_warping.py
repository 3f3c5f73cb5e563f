import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.align.likeness import usual_distance
from whisper_worker.align.warping import Path, follow, search

SIZE = 8


def noise(count: int, seed: int = 1) -> np.ndarray:
    """Frames that change slowly, as speech does."""
    steps = np.random.default_rng(seed).standard_normal((count + 4, SIZE)).astype(np.float32)
    return steps[:-4] + steps[1:-3] + steps[2:-2] + steps[3:-1] + steps[4:]


def found(recording: np.ndarray, reference: np.ndarray, width: int = 400) -> Path:
    return search(recording, reference, usual_distance(recording, reference), width)


def test_equal_sounds_go_step_by_step_and_cost_nothing() -> None:
    sound = noise(200)
    path = found(sound, sound)
    assert path.places.tolist() == list(range(200))
    assert path.cost < 0.02


def test_a_recording_at_another_speed_is_followed_evenly() -> None:
    reference = noise(300)
    for places in (np.arange(0, 300, 2), np.repeat(np.arange(300), 2)):
        path = found(reference[places], reference)
        assert np.abs(path.places - places).max() <= 2


def test_what_is_missing_in_the_recording_is_leapt_over() -> None:
    reference = noise(300)
    path = found(np.delete(reference, np.s_[100:160], axis=0), reference)
    assert np.abs(path.places - np.r_[0:100, 160:300]).max() <= 3


def test_what_is_missing_in_the_reference_belongs_to_no_frame_of_it() -> None:
    reference = noise(300)
    foreign = noise(80, seed=2)
    path = found(np.concatenate([foreign, reference[:150], foreign, reference[150:], foreign]), reference)
    for part in (path.places[:75], path.places[-75:], path.places[235:300]):
        assert (part == -1).mean() > 0.5
    assert np.abs(path.places[85:225] - np.arange(5, 145)).max() <= 3


def test_words_missing_at_both_ends_of_the_recording_are_passed() -> None:
    reference = noise(400)
    path = found(reference[120:300], reference)
    assert np.abs(path.places - np.arange(120, 300)).max() <= 3


def test_the_band_goes_with_the_best_way_however_far_it_is_from_the_diagonal() -> None:
    reference = noise(2000)
    recording = np.concatenate([np.repeat(reference[:1000], 2, axis=0), reference[1000::2]])
    path = found(recording, reference, width=300)
    assert path.places[2100] == pytest.approx(1200, abs=3)
    assert path.places[-1] == pytest.approx(1999, abs=3)
    assert path.cells == len(recording) * 300


def test_what_lies_between_the_ends_follows_the_band() -> None:
    reference = noise(400)
    places = np.repeat(np.arange(400), 2)
    path = follow(reference[places], reference, usual_distance(reference, reference), places, 40)
    assert (path.places == places).mean() > 0.95
    assert path.cells == 800 * 40


@given(
    sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    width=st.integers(1, 80),
    seed=st.integers(0, 5),
    steep=st.floats(0.1, 4),
)
def test_whatever_is_compared_the_way_rises_within_the_reference(sizes, width, seed, steep) -> None:
    recording, reference = noise(sizes[0], seed), noise(sizes[1], seed + 1)
    centres = np.minimum((np.arange(sizes[0]) * steep).astype(int), sizes[1] - 1)
    for path in (
        search(recording, reference, 4.0, width),
        follow(recording, reference, 4.0, centres, width),
    ):
        places = path.places[path.places >= 0]
        assert len(path.places) == sizes[0]
        assert len(places) > 0
        assert (np.diff(places) >= 0).all()
        assert places.max() < sizes[1]
