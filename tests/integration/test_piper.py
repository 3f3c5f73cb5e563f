"""Piper and its voices as they are on disk."""

import hashlib
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from common.errors import NotConfigured, Permanent
from common.settings import Settings
from whisper_worker.tts import piper, piper_voices
from whisper_worker.tts.graphs import BANK, fix_noise
from whisper_worker.tts.piper import Piper, PiperModel
from whisper_worker.tts.port import Manner

JOE = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
"SHA-256 of the model as its makers published it."
TEXT = "In 1984, at 10:00 a.m., Dr. Smith of the U.S. paid $1,234.56 for it."


@pytest.fixture(scope="module")
def engine() -> Piper:
    return Piper(Settings())


def packaged() -> Path:
    return next(iter(piper_voices.found_voices(""))).model


def copied(folder: Path, name: str, **changes: object) -> Path:
    """The packaged voice under another name, with changes to its configuration."""
    config = json.loads(Path(f"{packaged()}.json").read_text())
    (folder / f"{name}.onnx.json").write_text(json.dumps({**config, **changes}))
    return Path(shutil.copy(packaged(), folder / f"{name}.onnx"))


def test_the_packaged_model_is_that_of_its_makers_to_the_bit():
    assert hashlib.sha256(packaged().read_bytes()).hexdigest() == JOE


def test_the_lengths_of_all_phonemes_are_the_length_of_the_sound(engine):
    model = PiperModel(engine._files[0], None)
    (phonemes,) = model.phonemes("The sun sets over the sea")
    sound = model.sound(phonemes, 1.0)
    ids = model._voice.phonemes_to_ids(phonemes)
    _, lengths = model._voice.phoneme_ids_to_audio(ids, include_alignments=True)
    assert lengths.sum() == len(sound.samples)
    assert sound.edges is not None
    assert len(sound.edges) == len(phonemes)
    assert (np.diff(sound.edges) >= 0).all()


def test_every_word_as_written_begins_where_it_is_heard(engine):
    speech = engine.speak(TEXT, "en", None)
    loud = np.abs(speech.samples) > 0.004
    assert [word.text for word in speech.words or ()] == TEXT.split()
    for word in speech.words or ():
        first = int(word.start * speech.rate)
        assert loud[first : first + speech.rate // 20].any(), word


def test_numbers_last_as_long_as_they_are_spoken(engine):
    words = engine.speak("It was $1,234.56 in all.", "en", None).words or ()
    lengths = {word.text: word.end - word.start for word in words}
    assert lengths["$1,234.56"] > 4 * max(lengths["was"], lengths["in"])


def test_threads_that_speak_at_once_are_not_mixed_up(engine):
    texts = ["One two three.", "Four five six seven.", "Eight."]
    alone = [engine.speak(text, "en", None).samples for text in texts]
    found: dict[int, np.ndarray] = {}

    def say(number: int) -> None:
        found[number] = engine.speak(texts[number], "en", None).samples

    threads = [threading.Thread(target=say, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[number], samples) for number, samples in enumerate(alone))


def test_voices_of_a_folder_are_there_beside_the_packaged_one(tmp_path, engine):
    copied(tmp_path, "en_GB-alba-medium", language={"code": "en_GB"})
    more = Piper(Settings(piper_voices=str(tmp_path)))
    assert [(voice.id, voice.language, voice.gender) for voice in more.voices()] == [
        ("en_US-joe-medium", "en-us", "male"),
        ("en_GB-alba-medium", "en-gb", "female"),
    ]
    assert more.speak("Hello", "en-GB", None).voice == "en_GB-alba-medium"
    assert more.speak("Hello", "en", None).voice == "en_US-joe-medium"
    assert more.version != engine.version


def test_the_version_changes_with_a_model_and_with_its_configuration(tmp_path):
    model = copied(tmp_path, "en_GB-x-low")
    versions = [Piper(Settings(piper_voices=str(tmp_path))).version]
    with model.open("ab") as file:
        file.write(b"\0")
    versions.append(Piper(Settings(piper_voices=str(tmp_path))).version)
    copied(tmp_path, "en_GB-x-low", inference={"noise_scale": 0.1})
    versions.append(Piper(Settings(piper_voices=str(tmp_path))).version)
    assert len(set(versions)) == 3
    assert Piper(Settings(piper_voices=str(tmp_path))).version == versions[-1]


def test_each_speaker_of_a_model_is_a_voice(tmp_path):
    copied(tmp_path, "en_US-many-low", num_speakers=3, speaker_id_map={"p1": 0, "p 2": 1, "Ü3": 2})
    ids = [voice.id for voice in Piper(Settings(piper_voices=str(tmp_path))).voices()]
    assert ids == ["en_US-joe-medium", "en_US-many-low+p1", "en_US-many-low+p_2", "en_US-many-low+_3"]


def test_a_model_of_a_thousand_speakers_keeps_the_list_short(tmp_path):
    for name in ("en_US-a-low", "en_US-b-low"):
        copied(tmp_path, name, num_speakers=1000, speaker_id_map={f"p{number}": number for number in range(1000)})
    assert len(Piper(Settings(piper_voices=str(tmp_path))).voices()) == piper.MOST_VOICES


@pytest.mark.parametrize("config", ["", "{", "[]", "{}", '{"audio": 1}'])
def test_a_voice_whose_configuration_is_unusable_is_left_out(tmp_path, config, caplog):
    copied(tmp_path, "en_US-bad-low")
    (tmp_path / "en_US-bad-low.onnx.json").write_text(config)
    assert len(Piper(Settings(piper_voices=str(tmp_path))).voices()) == 1
    assert "en_US-bad-low.onnx is left out" in caplog.text


def test_a_voice_with_phonemes_of_another_kind_is_left_out(tmp_path, caplog):
    copied(tmp_path, "zh_CN-x-low", phoneme_type="pinyin")
    assert len(Piper(Settings(piper_voices=str(tmp_path))).voices()) == 1
    assert "pinyin" in caplog.text


def test_a_broken_model_is_a_sentence_that_says_what_to_do(tmp_path):
    copied(tmp_path, "en_US-half-low").write_bytes(packaged().read_bytes()[:1_000_000])
    with pytest.raises(NotConfigured, match="en_US-half-low cannot be loaded; get its"):
        Piper(Settings(piper_voices=str(tmp_path))).speak("Hello", "en", "en_US-half-low")


def test_a_text_without_a_voice_for_its_language_is_refused(engine):
    for language in ("de", "en-GB"):
        with pytest.raises(Permanent, match=f'language "{language}" has no voice of Piper here; try'):
            engine.speak("Hallo", language, None)


@pytest.mark.parametrize("missing", ["piper-tts", "onnx"])
def test_without_its_packages_it_says_what_to_install(monkeypatch, missing):
    def version(name: str) -> str:
        if name == missing:
            raise piper.PackageNotFoundError
        return "1"

    monkeypatch.setattr(piper, "version", version)
    with pytest.raises(NotConfigured, match=r"install the packages piper-tts and onnx \(requirements.txt\)"):
        Piper(Settings())


def test_without_a_voice_it_says_where_one_comes_from(monkeypatch):
    monkeypatch.setattr(piper_voices, "PACKAGE", "no_such_package")
    with pytest.raises(NotConfigured, match=r"Piper has no voice; install .* or set PIPER_VOICES"):
        Piper(Settings())


def test_the_pace_is_kept_within_what_can_be_followed(engine):
    slow, slowest = (engine.speak("One two.", "en", None, Manner(pace)) for pace in (0.5, 0.01))
    assert np.array_equal(slow.samples, slowest.samples)


@pytest.mark.parametrize(("kind", "mean", "deviation"), [("Normal", 0.0, 1.0), ("Uniform", 0.5, 12**-0.5)])
def test_noise_of_a_graph_is_the_same_at_every_run_and_still_noise(kind, mean, deviation):
    onnxruntime = pytest.importorskip("onnxruntime")
    shape = [1, "channels", "frames"]
    graph = helper.make_graph(
        [helper.make_node(f"Random{kind}Like", ["x"], ["y"])],
        "noise",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    fix_noise(model)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    long = np.zeros((1, 2, BANK // 2 + 10), np.float32)
    (one,), (other,) = session.run(None, {"x": long}), session.run(None, {"x": long})
    assert np.array_equal(one, other)
    assert one.shape == long.shape
    assert np.array_equal(one.ravel()[:20], one.ravel()[BANK:])
    assert one.mean() == pytest.approx(mean, abs=0.01)
    assert one.std() == pytest.approx(deviation, abs=0.01)
