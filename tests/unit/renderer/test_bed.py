import numpy as np
import pytest

from renderer.sound.bed import _repeated


def body(length: int) -> np.ndarray:
    """A slow wave that is not zero anywhere near its ends."""
    wave = 8_000 + 2_000 * np.sin(np.arange(length) / 5_000)
    return np.stack([wave, -wave], axis=1).astype(np.int16)


@pytest.mark.parametrize("length", [1, 3, 100, 48_000, 500_000])
@pytest.mark.parametrize("total", [1, 99, 100, 48_001, 700_000])
def test_the_bed_is_as_long_as_asked_to_the_sample(length, total):
    assert sum(map(len, _repeated(body(length), total))) == total


def test_a_file_that_is_long_enough_is_played_as_it_is():
    sound = body(500_000)
    assert np.array_equal(np.concatenate(list(_repeated(sound, 500_000))), sound)


def test_a_file_that_is_played_again_has_no_click_at_the_seam():
    sound = np.concatenate(list(_repeated(body(300_000), 2_000_000))).astype(float)
    assert np.abs(np.diff(sound, axis=0)).max() < 20


def test_a_file_that_is_played_again_has_no_hole_at_the_seam():
    sound = np.concatenate(list(_repeated(body(300_000), 2_000_000)))
    assert np.abs(sound).min() > 5_000
