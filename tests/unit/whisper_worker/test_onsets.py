"""The start of a word as a model gives it, and as it is heard."""

import numpy as np
import pytest

from whisper_worker.tts.onsets import heard_start

RATE = 1000


def sound(*stretches: tuple[float, float]) -> np.ndarray:
    """A second that is loud in these stretches (seconds)."""
    samples = np.zeros(RATE, np.float32)
    for start, end in stretches:
        samples[round(start * RATE) : round(end * RATE)] = 0.5
    return samples


@pytest.mark.parametrize("paused", [True, False])
def test_a_start_in_silence_moves_to_what_is_heard_next(paused):
    assert heard_start(sound((0.1, 0.3), (0.5, 0.9)), RATE, 0.45, paused) == pytest.approx(0.5)


def test_a_late_start_after_a_pause_moves_back_to_the_end_of_the_silence():
    assert heard_start(sound((0.1, 0.3), (0.5, 0.9)), RATE, 0.54, True) == pytest.approx(0.5)


def test_a_late_start_without_a_pause_stays():
    assert heard_start(sound((0.1, 0.3), (0.5, 0.9)), RATE, 0.54, False) == 0.54


@pytest.mark.parametrize("start", [0.0, 0.05, 0.14])
def test_the_first_word_begins_where_anything_is_heard(start):
    assert heard_start(sound((0.1, 0.9)), RATE, start, True) == pytest.approx(0.1)


@pytest.mark.parametrize("start", [0.0, 0.5, 0.999, 1.5])
def test_where_nothing_is_heard_it_stays(start):
    assert heard_start(sound(), RATE, start, True) == start


def test_it_stays_in_the_middle_of_sound():
    assert heard_start(sound((0.0, 1.0)), RATE, 0.5, True) == 0.5
