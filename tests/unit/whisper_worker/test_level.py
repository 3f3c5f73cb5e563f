import numpy as np
import pytest

from common.contracts.grid import SAMPLE_RATE
from whisper_worker.level import CEILING, TARGET, measure, polish


def syllables(seconds: float, rate: int, level: float) -> np.ndarray:
    """Something like a voice: a buzz at 110 Hz that comes and goes four times a second."""
    time = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 110 * h * time) / h for h in range(1, 20))
    return (level * buzz * np.clip(np.sin(2 * np.pi * 4 * time), 0, 1)).astype(np.float32)


@pytest.mark.parametrize("level", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_a_voice_comes_out_at_the_target_whatever_its_level_and_rate(level, rate):
    voice, loudness = polish(syllables(3, rate, level), rate)
    assert loudness == pytest.approx(TARGET, abs=0.5)
    assert 20 * np.log10(np.abs(voice).max()) <= CEILING + 0.1


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0])
def test_a_single_short_word_is_levelled_too(seconds):
    voice, _ = polish(syllables(seconds, 22_050, 0.05), 22_050)
    assert np.abs(voice).max() > 0.05
    assert measure(voice) == pytest.approx(TARGET, abs=1.5)


@pytest.mark.parametrize("count", [0, 1, 100, 22_050, 12_345])
def test_the_length_is_kept_to_the_sample(count):
    voice, _ = polish(np.zeros(count, np.float32) + 0.1, 22_050)
    assert len(voice) == round(count * SAMPLE_RATE / 22_050)


def test_what_was_heard_at_a_time_is_still_heard_at_that_time():
    rate = 22_050
    samples = np.zeros(2 * rate, np.float32)
    samples[rate : rate + rate // 2] = syllables(0.5, rate, 0.3)
    voice, _ = polish(samples, rate)
    begins = np.flatnonzero(np.abs(voice) > 0.02)[0] / SAMPLE_RATE
    assert begins == pytest.approx(1.0, abs=0.010)


def test_both_ends_are_faded_so_that_nothing_clicks():
    voice, _ = polish(np.full(22_050, 0.5, np.float32) * np.sign(syllables(1, 22_050, 1) + 0.01), 22_050)
    assert abs(voice[0]) < 0.001
    assert abs(voice[-1]) < 0.01


def test_silence_stays_silence():
    voice, loudness = polish(np.zeros(22_050, np.float32), 22_050)
    assert not voice.any()
    assert loudness == -70.0
