"""Recordings of a user's own: timed, cut, and levelled. Another synthesiser has spoken them here."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from common.contracts.asset import Asset
from common.contracts.narration import Word
from common.contracts.recordings import CHUNK, Take, Transcript
from common.contracts.request import VideoRequest
from common.contracts.steps import FitSpec, TakeSpec
from common.contracts.storyboard import words_of
from common.documents import document_json, read_document
from common.errors import BadMedia, Permanent
from common.settings import Settings
from common.uploads import about_key, media_key
from common.worker.steprun import StepRun
from orchestrator.planners import takes
from tests.support.steprun import step_run
from whisper_worker.align import BySound
from whisper_worker.ears import Ears
from whisper_worker.level import TARGET, measure
from whisper_worker.recordings.fit import fit
from whisper_worker.recordings.take import take
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Manner, Speech
from whisper_worker.wav import read_wav

ASSET = "ast_" + "0" * 32
SCRIPT = "Long ago, the ocean shaped these cliffs. Nothing here is in a hurry. The tide comes and the tide goes."


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are stored in parts of a second."""
    monkeypatch.setattr("whisper_worker.recordings.fit.CHUNK", 48_000)


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


@pytest.fixture(scope="module")
def speech() -> Speech:
    """A voice that the aligner has never heard, in another accent and slower."""
    return Espeak(Settings()).speak(SCRIPT, "en-gb-scotland", "f2", Manner(0.85))


def upload(run: StepRun, path: Path) -> None:
    data = path.read_bytes()
    ref = run.keep_bytes("x", data, "audio/wav")
    about = Asset(sha256=ref.sha256, size=ref.size, media_type="audio/wav", name="me.wav")
    run.storage.put_bytes(run.assets, media_key(run.owner, ASSET), data, "audio/wav")
    run.storage.put_bytes(run.assets, about_key(run.owner, ASSET), document_json(about).encode(), "application/json")


def recorded(run: StepRun, samples: Sequence[float] | np.ndarray, rate: int, gain: float = 0.3) -> None:
    """Uploads a recording: quiet, and with room noise."""
    noise = np.random.default_rng(1).normal(0, 0.0005, len(samples))
    path = run.workdir / "me.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(((np.asarray(samples) * gain + noise) * 32767).astype("<i2").tobytes())
    upload(run, path)


def fitted(run: StepRun, text: str = SCRIPT) -> Transcript:
    facts = fit(FitSpec(asset=ASSET, text=text, language="en"), run, Ears(BySound()))
    transcript = read_document(Transcript, run.read(facts.transcript))
    assert transcript.chunks == facts.chunks
    return transcript


def test_every_word_of_the_text_is_found_in_the_recording(run: StepRun, speech: Speech) -> None:
    recorded(run, speech.samples, speech.rate)
    found = fitted(run)
    assert [word.text for word in found.words] == words_of(SCRIPT)
    assert speech.words is not None
    away = [abs(word.start / 48_000 - said.start) for word, said in zip(found.words, speech.words, strict=True)]
    assert np.median(away) < 0.2
    assert found.samples == pytest.approx(len(speech.samples) * 48_000 / speech.rate, abs=100)
    assert found.timed_by == BySound().name


def test_what_a_recogniser_heard_is_taken_as_it_is(run: StepRun, speech: Speech) -> None:
    recorded(run, speech.samples, speech.rate)
    said = (Word(text="Long", start=10, end=900), Word(text="ago.", start=900, end=2_000))
    before = Transcript(language="en", words=said, samples=9, chunks=(), timed_by="ears")
    heard = run.keep_bytes("transcript", document_json(before).encode(), "application/json")
    facts = fit(FitSpec(asset=ASSET, text="", language="en", heard=heard), run, BySound())
    found = read_document(Transcript, run.read(facts.transcript))
    assert (found.words, found.timed_by) == (said, "ears")
    assert found.samples > 48_000
    assert found.chunks


@pytest.mark.usefixtures("small_parts")
def test_the_parts_of_a_long_recording_are_all_of_it(run: StepRun, speech: Speech) -> None:
    recorded(run, speech.samples, speech.rate, gain=1.0)
    found = fitted(run)
    whole = np.concatenate([read_wav(run.fetch(ref, "part.wav")) for ref in found.chunks])
    assert len(found.chunks) == -(-found.samples // 48_000)
    assert len(whole) == found.samples
    assert np.sqrt(np.mean(whole**2)) == pytest.approx(float(np.sqrt(np.mean(speech.samples**2))), rel=0.1)


def test_each_scene_has_its_words_at_the_level_of_narrations_and_no_other(run: StepRun, speech: Speech) -> None:
    recorded(run, speech.samples, speech.rate)
    board = takes.plan(VideoRequest(script=SCRIPT, recording=ASSET), {"": fitted(run)})
    assert len(board.scenes) == 3
    for scene in board.scenes:
        assert scene.take is not None
        narration = take(TakeSpec(take=scene.take), run)
        sound = read_wav(run.fetch(narration.audio, "scene.wav"))
        assert [word.text for word in narration.words] == words_of(scene.narration)
        assert len(sound) == narration.samples == scene.take.samples
        assert measure(sound) == pytest.approx(TARGET, abs=1.0)
        assert max(abs(sound[0]), abs(sound[-1])) < 0.001
        first, last = narration.words[0], narration.words[-1]
        assert np.abs(sound[: max(1, first.start - 4_800)]).max() < 0.1 < np.abs(sound[first.start : last.end]).max()


@pytest.mark.usefixtures("small_parts")
def test_a_take_reaches_over_the_border_of_two_parts(run: StepRun, speech: Speech) -> None:
    recorded(run, speech.samples, speech.rate)
    chunks = fitted(run).chunks
    one = take(TakeSpec(take=Take(chunks=chunks[:2], start=24_000, samples=48_000, words=(), timed_by="x")), run)
    assert one.samples == 48_000 < CHUNK
    whole = np.concatenate([read_wav(run.fetch(ref, "part.wav")) for ref in chunks[:2]])[24_000:72_000]
    sound = read_wav(run.fetch(one.audio, "scene.wav"))
    assert np.corrcoef(np.abs(whole), np.abs(sound))[0, 1] > 0.6


def test_a_silent_recording_is_refused_in_a_sentence(run: StepRun) -> None:
    recorded(run, np.zeros(48_000), 48_000)
    with pytest.raises(BadMedia, match="nothing is heard in it"):
        fitted(run)


def test_a_recording_that_is_no_sound_is_refused_in_a_sentence(run: StepRun, tmp_path: Path) -> None:
    path = tmp_path / "me.wav"
    path.write_bytes(b"RIFF....WAVE and then nothing of the sort")
    upload(run, path)
    with pytest.raises(BadMedia, match="the recording cannot be used: it cannot be read as sound"):
        fitted(run)


def test_a_recording_that_is_gone_is_named(run: StepRun) -> None:
    with pytest.raises(Permanent, match=f"there is no uploaded asset {ASSET}"):
        fitted(run)
