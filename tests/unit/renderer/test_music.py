from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from common.contracts.grid import SAMPLE_RATE
from common.contracts.request import Mood
from renderer.sound.music import compose, compose_blocks
from renderer.sound.synth import INSTRUMENTS

MOODS = get_args(Mood)
LENGTH = 20.0


def decibels(sound: np.ndarray) -> float:
    return float(10 * np.log10((sound.astype(np.float64) ** 2).mean() + 1e-12))


def seconds(sound: np.ndarray, begin: float, end: float) -> np.ndarray:
    return sound[int(begin * SAMPLE_RATE) : int(end * SAMPLE_RATE)]


@pytest.fixture(scope="module", params=MOODS)
def piece(request: pytest.FixtureRequest) -> np.ndarray:
    return compose(request.param, 1, LENGTH)


@pytest.mark.parametrize("length", [0.5, 3.3, 12.02])
@pytest.mark.parametrize("mood", MOODS)
def test_a_piece_is_stereo_and_as_long_as_asked_to_the_sample(mood, length):
    sound = compose(mood, 0, length)
    assert sound.shape == (round(length * SAMPLE_RATE), 2)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert decibels(sound) > -45


@pytest.mark.parametrize("seed", range(16))
def test_any_seed_and_any_length_give_a_piece(seed):
    length = 2.0 + seed * 0.71
    sound = compose(MOODS[seed % len(MOODS)], seed, length)
    assert len(sound) == round(length * SAMPLE_RATE)
    assert decibels(sound) > -45


def test_equal_arguments_give_equal_sound():
    assert np.array_equal(compose("uplifting", 5, 6), compose("uplifting", 5, 6))


@pytest.mark.parametrize("mood", MOODS)
def test_another_seed_is_another_piece(mood):
    first, second = compose(mood, 1, 5), compose(mood, 2, 5)
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.5


def test_moods_differ():
    pieces = [compose(mood, 1, 12)[:, 0] for mood in MOODS]
    assert all(abs(np.corrcoef(one, other)[0, 1]) < 0.5 for one, other in pairwise(pieces))


def test_nothing_clips(piece):
    assert np.abs(piece).max() < 0.95


def test_nothing_clicks(piece):
    """A click is a jump far larger than the sound around it."""
    jump = np.abs(np.diff(piece, axis=0)).max(axis=1)
    around = np.sqrt(np.convolve((piece**2).mean(axis=1), np.ones(480) / 480, "same"))[1:]
    assert (jump / (around + 0.003)).max() < 1.0


def test_it_never_falls_silent_before_its_end(piece):
    loudness = [decibels(seconds(piece, second, second + 1)) for second in range(int(LENGTH) - 4)]
    assert min(loudness) > -36
    assert max(loudness) - min(loudness) < 12


def test_it_opens_sparser_than_it_goes_on(piece):
    assert decibels(seconds(piece, 0, 4)) < decibels(seconds(piece, 10, 15)) + 0.5


def test_it_begins_softly_and_dies_away(piece):
    assert np.abs(piece[:48]).max() < 0.01
    assert np.abs(piece[-48:]).max() < 0.001
    assert decibels(seconds(piece, LENGTH - 0.5, LENGTH)) < decibels(seconds(piece, LENGTH - 3, LENGTH - 2.5)) - 10


def test_left_and_right_differ_but_weigh_the_same(piece):
    assert np.corrcoef(piece[:, 0], piece[:, 1])[0, 1] < 0.95
    assert decibels(piece[:, 0]) == pytest.approx(decibels(piece[:, 1]), abs=2.5)


def test_it_survives_a_single_loudspeaker(piece):
    assert decibels(piece.mean(axis=1)) > decibels(piece) - 4.5


def test_it_is_warm_rather_than_sharp(piece):
    power = np.abs(np.fft.rfft(piece.mean(axis=1))) ** 2
    frequency = np.fft.rfftfreq(len(piece), 1 / SAMPLE_RATE)
    assert power[frequency > 4_000].sum() < 0.02 * power.sum()
    assert power[frequency < 30].sum() < 0.02 * power.sum()


def test_moods_are_about_equally_loud(piece):
    assert decibels(piece) == pytest.approx(-21.5, abs=2)


def test_a_long_piece_comes_in_blocks_that_need_little_memory():
    blocks = compose_blocks("calm", 0, 3_600.0)
    for _ in range(5):
        assert next(blocks).nbytes < 4_000_000


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_every_instrument_starts_and_ends_at_zero(name):
    for pitch in (36, 60, 84):
        sound = INSTRUMENTS[name](pitch, 1.0)
        assert 0.2 < np.abs(sound).max() < 4
        assert abs(sound[0]) < 0.01
        assert abs(sound[-1]) < 0.01
