"""Kokoro and its files; the network here is a small one that says how long each sign is to be."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from common.errors import NotConfigured, Permanent
from common.settings import Settings
from whisper_worker.tts import make_engines
from whisper_worker.tts.kokoro import FRAME, MOST, Kokoro, KokoroModel
from whisper_worker.tts.port import Manner

FRAMES = 4
"That each token lasts."


@pytest.fixture
def files(tmp_path: Path) -> Settings:
    voices = tmp_path / "voices"
    voices.mkdir()
    for name in ("am_adam", "af_heart", "bf_emma", "jf_alpha", "pm_alex"):
        np.full((510, 1, 256), 0.1, "<f4").tofile(voices / f"{name}.bin")
    onnx.save(network(), str(tmp_path / "model.onnx"))
    return Settings(kokoro_model=str(tmp_path / "model.onnx"), kokoro_voices=str(voices))


def network(tells: bool = True) -> onnx.ModelProto:
    """Loud everywhere, `FRAMES` frames for each token at a speed of 1; lengths are inside, as in the real one."""
    constants = {"frames": np.full(1, FRAMES, np.float32), "one": np.ones(1, np.float32), "frame": np.array([FRAME])}
    constants |= {"loud": np.full(1, 0.3, np.float32), "minus": np.array([-1])}
    nodes = [
        helper.make_node("Cast", ["tokens"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "zero"], ["nothing"]),
        helper.make_node("Div", ["frames", "speed"], ["each"]),
        helper.make_node("Add", ["nothing", "each"], ["exact"]),
        helper.make_node("Round" if tells else "Ceil", ["exact"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "least"], ["lengths"]),
        helper.make_node("ReduceSum", ["lengths"], ["total"], keepdims=0),
        helper.make_node("Cast", ["total"], ["count"], to=TensorProto.INT64),
        helper.make_node("Mul", ["count", "frame"], ["size"]),
        helper.make_node("Expand", ["loud", "size"], ["sound"]),
        helper.make_node("ReduceMean", ["style"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["none"]),
        helper.make_node("Add", ["sound", "none"], ["audio"]),
    ]
    constants |= {"zero": np.array(0, np.float32), "least": np.array(1, np.float32)}
    graph = helper.make_graph(
        nodes,
        "kokoro",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "length"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name != "minus"],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_voices_say_language_and_gender_and_the_best_come_first(files):
    assert [(voice.id, voice.language, voice.gender) for voice in Kokoro(files).voices()] == [
        ("af_heart", "en-us", "female"),
        ("bf_emma", "en-gb", "female"),
        ("am_adam", "en-us", "male"),
        ("pm_alex", "pt-br", "male"),
    ]


def test_a_language_has_its_usual_voice(files):
    engine = Kokoro(files)
    said = [engine.speak("Hello", language, None).voice for language in ("en", "en-US", "en-gb", "pt", "pt-BR")]
    assert said == ["af_heart", "af_heart", "bf_emma", "pm_alex", "pm_alex"]
    with pytest.raises(Permanent, match='language "ja" has no voice of Kokoro here; try'):
        engine.speak("Hello", "ja", None)


def test_a_file_of_voices_does_as_well_as_a_folder(files, tmp_path):
    with (tmp_path / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, af_heart=np.full((510, 1, 256), 0.1, np.float32))
    engine = Kokoro(Settings(kokoro_model=files.kokoro_model, kokoro_voices=str(tmp_path / "voices-v1.0.bin")))
    assert [voice.id for voice in engine.voices()] == ["af_heart"]
    assert np.array_equal(engine.speak("Hello", "en", None).samples, Kokoro(files).speak("Hello", "en", None).samples)


def test_words_have_the_lengths_of_their_phonemes(files):
    engine = Kokoro(files)
    words = engine.speak("a bee", "en", None).words or ()
    model = KokoroModel(engine._model, engine._styles["af_heart"], "en-us")
    (phonemes,) = model.phonemes("a bee")
    gap = phonemes.index(" ")
    assert words[1].start == pytest.approx((gap + 1) * FRAMES * FRAME / model.rate), "it begins in the gap"


def test_phonemes_are_those_that_the_model_learned(files):
    engine = Kokoro(files)
    american, british = (KokoroModel(engine._model, engine._styles["af_heart"], tag) for tag in ("en-us", "en-gb"))
    assert "".join(american.phonemes("go")[0]) == "ɡˈO"
    assert "".join(british.phonemes("go")[0]) == "ɡˈQ"


def test_more_phonemes_than_the_model_takes_are_said_in_parts(files):
    engine = Kokoro(files)
    model = KokoroModel(engine._model, engine._styles["af_heart"], "en-us")
    phonemes = list("abcd " * MOST)
    sound = model.sound(phonemes, 1.0)
    assert sound.edges is not None
    assert len(sound.edges) == len(phonemes)
    assert (np.diff(sound.edges) > 0).all()


def test_a_pace_is_one_of_the_model(files):
    engine = Kokoro(files)
    slow, slowest = (engine.speak("One two.", "en", None, Manner(pace)) for pace in (0.5, 0.01))
    assert len(slow.samples) == len(slowest.samples) > len(engine.speak("One two.", "en", None).samples)


def test_a_network_that_does_not_tell_leaves_the_times_to_an_aligner(files):
    onnx.save(network(tells=False), files.kokoro_model)
    assert Kokoro(files).speak("Hello", "en", None).words is None


def test_the_version_changes_with_the_model_and_with_a_voice(files):
    versions = [Kokoro(files).version]
    np.zeros((510, 1, 256), "<f4").tofile(Path(files.kokoro_voices, "am_adam.bin"))
    versions.append(Kokoro(files).version)
    onnx.save(network(tells=False), files.kokoro_model)
    versions.append(Kokoro(files).version)
    assert len(set(versions)) == 3


@pytest.mark.parametrize("missing", ["kokoro_model", "kokoro_voices"])
@pytest.mark.parametrize("value", ["", "nowhere/at/all"])
def test_without_its_files_it_says_where_they_are(files, missing, value):
    settings = Settings(**{"kokoro_model": files.kokoro_model, "kokoro_voices": files.kokoro_voices, missing: value})
    with pytest.raises(NotConfigured, match=r"set KOKORO_MODEL to .*docs/voices.md says where they are"):
        Kokoro(settings)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04"])
def test_files_that_are_something_else_are_said(files, tmp_path, content):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(NotConfigured, match="has no voices that can be read"):
        Kokoro(Settings(kokoro_model=files.kokoro_model, kokoro_voices=str(tmp_path / "bad")))
    with pytest.raises(NotConfigured, match="is no file of Kokoro that can be loaded"):
        Kokoro(Settings(kokoro_model=str(tmp_path / "bad"), kokoro_voices=files.kokoro_voices)).speak("a", "en", None)


def test_quality_says_who_speaks_first(files):
    def names(quality: str, engines: str = "") -> list[str]:
        found = Settings(
            kokoro_model=files.kokoro_model,
            kokoro_voices=files.kokoro_voices,
            voice_quality=quality,
            speech_engines=engines,
        )
        return [engine.name for engine in make_engines(found)]

    assert names("fast")[:3] == ["piper", "kokoro", "espeak-ng"]
    assert names("best")[:3] == ["kokoro", "piper", "espeak-ng"]
    assert names("best", "espeak-ng,kokoro") == ["espeak-ng", "kokoro"]
