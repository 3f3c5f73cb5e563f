import io
import threading
import wave

import numpy as np
import pytest

from common.contracts.grid import SAMPLE_RATE
from common.contracts.kinds import toolchain
from common.contracts.steps import SpeakSpec
from common.contracts.storyboard import words_of
from common.errors import NotConfigured, Permanent, Stopped
from common.settings import BadSetting, Settings
from common.worker.service import toolchains
from tests.support.speech import Hummer, narrated
from tests.support.steprun import step_run
from whisper_worker import tts
from whisper_worker.align import BySound
from whisper_worker.ears import Ears
from whisper_worker.level import measure
from whisper_worker.speak import speak as speak_with
from whisper_worker.tasks import engines, handlers
from whisper_worker.tts import espeak, make_engines
from whisper_worker.tts.espeak import Espeak

TEXT = "Long ago, the ocean shaped these quiet cliffs. Nothing here is in a hurry."


def spec(text: str = TEXT, voice: str | None = None, language: str = "en", pace: float = 1.0) -> SpeakSpec:
    return SpeakSpec(text=text, language=language, voice=voice, pace=pace)


@pytest.fixture
def speak():
    return narrated


def heard(run, narration) -> np.ndarray:
    with wave.open(io.BytesIO(run.read(narration.audio))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def test_a_narration_is_stored_as_levelled_wav_with_a_time_for_every_word(speak, tmp_path):
    run = step_run(tmp_path)
    narration = speak(spec(), run)
    sound = heard(run, narration)
    assert len(sound) == narration.samples
    assert narration.loudness == pytest.approx(-18, abs=0.5)
    assert measure(sound.astype(np.float32)) == pytest.approx(narration.loudness, abs=0.1)
    assert [word.text for word in narration.words] == words_of(TEXT)
    assert narration.words[-1].end <= narration.samples
    assert narration.audio.media_type == "audio/wav"


@pytest.mark.parametrize("text", ["Yes.", "—", "😀 …", "! " * 500, "a " * 500])
def test_short_silent_and_crowded_texts_have_words_of_at_least_one_sample_in_order(speak, tmp_path, text):
    narration = speak(spec(text), step_run(tmp_path))
    assert [word.text for word in narration.words] == words_of(text)
    edge = 0
    for word in narration.words:
        assert edge <= word.start < word.end <= narration.samples
        edge = word.end


def test_the_times_fit_what_is_stored(speak, tmp_path):
    run = step_run(tmp_path)
    narration = speak(spec("Stop. Go."), run)
    sound = np.abs(heard(run, narration))
    stop, go = narration.words
    assert sound[stop.start : stop.end].max() > 0.1
    assert sound[stop.end + 1000 : go.start - 500].max() < 0.02
    assert sound[go.start : go.end].max() > 0.1


def test_nothing_clicks_at_the_ends(speak, tmp_path):
    run = step_run(tmp_path)
    sound = heard(run, speak(spec(), run))
    assert abs(sound[0]) < 0.001
    assert abs(sound[-1]) < 0.001


def test_equal_specs_give_the_same_object(speak, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = speak(spec(), step_run(tmp_path / "a")), speak(spec(), step_run(tmp_path / "b"))
    assert first == second


def test_the_narration_names_the_voice_and_engine_that_spoke(speak, tmp_path):
    narration = speak(spec(voice="f3", language="de"), step_run(tmp_path))
    assert (narration.voice, narration.engine) == ("de+f3", "espeak-ng")


def test_an_unknown_voice_fails_for_good_and_says_which(speak, tmp_path):
    with pytest.raises(Permanent, match="nobody"):
        speak(spec(voice="nobody"), step_run(tmp_path))


def test_a_step_that_was_called_off_stores_nothing(speak, tmp_path):
    run = step_run(tmp_path)
    run.call_off()
    with pytest.raises(Stopped):
        speak(spec(), run)
    assert list(run.storage.list("assets")) == []


def test_two_threads_do_not_disturb_each_other(speak, tmp_path):
    texts = ["One two three.", "A much longer sentence about the sea."]
    alone, together = [], {}
    for index, text in enumerate(texts):
        (tmp_path / f"alone{index}").mkdir()
        (tmp_path / f"together{index}").mkdir()
        alone.append(speak(spec(text), step_run(tmp_path / f"alone{index}")))

    def work(index: int) -> None:
        together[index] = speak(spec(texts[index]), step_run(tmp_path / f"together{index}"))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[0], together[1]] == alone


def test_a_combined_name_in_a_request_of_before_is_spoken_but_not_offered(speak, tmp_path):
    assert speak(spec(voice="en-us+f3"), step_run(tmp_path)).voice == "en-us+f3"
    assert not any("+" in voice.id for voice in Espeak(Settings()).voices())


def test_an_engine_that_does_not_know_its_words_is_aligned(tmp_path):
    run = step_run(tmp_path)
    narration = speak_with(spec("Stop. Go."), run, Hummer(), Ears(BySound()))
    stop, go = narration.words
    sound = np.abs(heard(run, narration))
    assert sound[stop.end + 1000 : go.start - 1000].max() < 0.02
    assert min(sound[word.start : word.end].max() for word in (stop, go)) > 0.1
    assert (narration.engine, narration.voice) == ("hum", "low")


@pytest.mark.parametrize("language", ["en", "en-US", "en-AU", "de", "pt-BR", "zh-Hant-TW", "no"])
def test_usual_languages_are_spoken_by_every_form_of_their_tag(speak, tmp_path, language):
    run = step_run(tmp_path)
    assert np.abs(heard(run, speak(spec("2", language=language), run))).max() > 0.1


def test_the_worker_registers_its_engines_with_their_voices():
    (engine,) = engines(Settings(speech_engines="espeak-ng"))["speech"]
    (chain,) = toolchains("speech", {"speech": [engine]})["speak"]
    assert chain.endswith(f"/{engine['name']}-{engine['version']}")
    voices = {voice["id"]: voice for voice in engine["voices"]}
    assert voices["en-us"] == {"id": "en-us", "name": "English (America)", "language": "en-us", "gender": "male"}
    assert voices["f3"] == {"id": "f3", "name": "F3", "language": "", "gender": "female"}
    assert {"de", "en-gb", "adam"} <= voices.keys()


# engines by settings


@pytest.fixture
def table(monkeypatch):
    """Engines of which one cannot be made."""
    made = []

    def make(name):
        return lambda settings: made.append(name) or Hummer(name)

    def missing(settings):
        raise NotConfigured("FAR_KEY is not set")

    monkeypatch.setattr(tts, "ENGINES", {"far": missing, "hum": make("hum"), "croak": make("croak")})
    return made


def test_all_engines_are_made_in_the_order_of_the_table_and_one_that_cannot_run_is_left_out(table, caplog):
    assert [engine.name for engine in make_engines(Settings())] == ["hum", "croak"]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "the speech engine far is left out: FAR_KEY is not set"


def test_the_settings_say_which_engines_are_made_and_which_comes_first(table):
    names = [engine["name"] for engine in engines(Settings(speech_engines="croak, hum,croak"))["speech"]]
    assert names == ["croak", "hum"]


def test_an_engine_that_does_not_exist_is_an_error_of_the_setting(table):
    with pytest.raises(BadSetting, match=r"SPEECH_ENGINES may name far, hum, croak .* not 'loud'"):
        make_engines(Settings(speech_engines="hum,loud"))


def test_without_any_engine_the_service_cannot_run_and_says_why(table):
    with pytest.raises(NotConfigured, match="no speech engine can run: FAR_KEY is not set"):
        engines(Settings(speech_engines="far"))


def test_engines_are_made_once_for_all_steps_and_the_step_says_which_one_speaks(table, tmp_path):
    speak = handlers(Settings(speech_engines="hum,croak"))["speak"]
    made = list(table)
    for name in ("croak", "hum", "croak"):
        run = step_run(tmp_path, toolchain=toolchain("speak", f"{name}-1"))
        assert speak(spec(), run).engine == name
    assert table == made == ["hum", "croak"]


def test_without_the_library_there_is_one_clear_sentence(monkeypatch):
    espeak._library.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "espeakng_loader", None)
    try:
        with pytest.raises(NotConfigured, match="espeak-ng could not be loaded"):
            engines(Settings(speech_engines="espeak-ng"))
    finally:
        espeak._library.cache_clear()


@pytest.mark.parametrize("language", ["ja", "ja-JP"])
def test_japanese_is_refused_in_a_sentence_since_its_kanji_would_be_spelt_out(language):
    with pytest.raises(Permanent, match=f'^language "{language.lower()}" is unknown to espeak-ng; try for example'):
        Espeak(Settings()).speak("波が浜辺に打ち寄せる。", language, None)
    assert "ja" not in {voice.language for voice in Espeak(Settings()).voices()}
