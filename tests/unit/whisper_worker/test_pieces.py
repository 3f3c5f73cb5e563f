"""Long sound is heard in pieces that are cut where it is quiet."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.recognition import pieces as module
from whisper_worker.recognition.pieces import RATE, in_order, joined, pieces
from whisper_worker.tts.port import SpokenWord


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 3.0)
    monkeypatch.setattr(module, "SEARCHED", 1.0)


def noise(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, int(seconds * rate)).astype(np.float32)


def test_all_of_the_sound_is_in_the_pieces_once_and_they_are_cut_where_it_is_quiet() -> None:
    sound = noise(8.0)
    sound[int(2.4 * RATE) : int(2.7 * RATE)] = 0
    found = list(pieces(sound, RATE))
    assert np.array_equal(np.concatenate([piece.samples for piece in found]), sound)
    assert 2.4 < found[0].seconds < 2.7
    assert all(piece.seconds <= 3.0 for piece in found)
    assert all(one.start + one.seconds == pytest.approx(other.start) for one, other in pairwise(found))


def test_whole_numbers_on_disk_of_any_rate_are_heard_as_numbers_up_to_one() -> None:
    sound = (noise(4.0, 48_000) * 32767).astype(np.int16)
    found = list(pieces(sound, 48_000))
    assert sum(piece.seconds for piece in found) == pytest.approx(4.0, abs=0.01)
    assert all(piece.samples.dtype == np.float32 for piece in found)
    assert 0.01 < float(np.abs(np.concatenate([piece.samples for piece in found])).max()) < 1


def test_a_piece_in_which_nothing_is_said_is_known() -> None:
    assert [piece.silent for piece in pieces(np.zeros(RATE, np.float32), RATE)] == [True]
    assert [piece.silent for piece in pieces(noise(1.0), RATE)] == [False]
    assert list(pieces(np.zeros(0, np.float32), RATE)) == []


def test_parts_of_words_are_joined_as_they_are_written() -> None:
    parts = [SpokenWord(" well", 0, 1), SpokenWord("-known ", 1, 2), SpokenWord(" ", 2, 2), SpokenWord(" sea.", 2, 3)]
    assert joined(parts, spaced=True) == [SpokenWord("well-known", 0, 2), SpokenWord("sea.", 2, 3)]
    assert [word.text for word in joined([SpokenWord("海", 0, 1), SpokenWord("は", 1, 2)], spaced=False)] == [
        "海",
        "は",
    ]


@given(st.lists(st.tuples(st.floats(-5, 20), st.floats(-5, 20)), max_size=10), st.floats(0.5, 10))
def test_times_of_any_sort_come_into_order(times: list[tuple[float, float]], seconds: float) -> None:
    found = in_order([SpokenWord("x", *time) for time in times], seconds)
    assert len(found) == len(times)
    assert all(0 <= word.start < word.end <= seconds + 1e-9 for word in found)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(found))
