"""The sound of users' files as samples, whatever they are."""

from pathlib import Path

import numpy as np
import pytest

from common.contracts.base import ObjectRef
from common.errors import BadMedia
from common.worker.steprun import StepRun
from tests.support.clips import clip, cut, picture, tone
from tests.support.steprun import step_run
from whisper_worker.recordings.sound import decoded

RATE = 16_000
TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "m4a": "audio/mp4"}


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def kept(run: StepRun, path: Path, media_type: str) -> ObjectRef:
    return run.keep("asset", path, media_type)


@pytest.mark.parametrize("suffix", TYPES)
def test_sound_of_every_type_is_mono_at_the_rate_and_length(run: StepRun, suffix: str) -> None:
    samples = decoded(kept(run, tone(suffix, seconds=2.0), TYPES[suffix]), RATE, run)
    assert samples.dtype == np.int16
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.1)
    power = np.abs(np.fft.rfft(samples[RATE // 2 : RATE])) ** 2
    assert power.max() > 0.3 * power.sum(), "it is one tone"


@pytest.mark.parametrize("path", [picture(), clip(sound=False)], ids=["a picture", "a silent film"])
@pytest.mark.parametrize("claim", ["audio/wav", "video/mp4", "image/jpeg"])
def test_a_file_without_sound_is_refused_in_a_sentence(run: StepRun, path: Path, claim: str) -> None:
    with pytest.raises(BadMedia, match="cannot be read as sound; use WAV, MP3"):
        decoded(kept(run, path, claim), RATE, run)


def test_what_is_cut_off_is_heard_up_to_there(run: StepRun, tmp_path: Path) -> None:
    samples = decoded(kept(run, cut(tone("flac", 4.0), 0.5, tmp_path), "audio/flac"), RATE, run)
    assert 1.0 < len(samples) / RATE < 3.0


def test_what_is_too_long_is_refused_before_it_fills_the_disk(run: StepRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whisper_worker.recordings.sound.LONGEST", -1)  # the limit of the file stops the program
    with pytest.raises((BadMedia, RuntimeError)):
        decoded(kept(run, tone("wav", 60.0), "audio/wav"), RATE, run)
