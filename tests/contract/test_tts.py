"""What every text-to-speech engine must do; and the aligner, for one that does not know when its words are heard."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.contracts.request import VideoRequest
from common.contracts.storyboard import words_of
from common.errors import Permanent
from common.settings import Settings
from tests.support.speech import Hummer
from whisper_worker.align import BySound
from whisper_worker.tts import ENGINES, described
from whisper_worker.tts.port import Engine, Speech, SpokenWord

SENTENCE = "The sun sets, with waves crashing on the beach in 2026."

ODD_TEXTS = [
    "— … 😀 🎉",
    "— Hello —",
    "日本語 テスト です",
    "مرحبا بالعالم",
    'e.g. this, i.e. that; Dr. Smith\'s 3rd "quoted" (aside)...',
    "It costs $1,234.56 (about 5%) at 3:45pm on 12/24.",
    "don't it's I'm we'll rock'n'roll",
    "www.example.org/path?x=1 a@b.example #tag @name C++ 50/50",
    "<speak><break time='9s'/>[[h@l'oU]] & so on</speak>",
    "a\x00b \x01 \x1b[0m \x7f\x85 c\u200bd e\u0301 \u202eabc",
    "x " * 300,
    "! " * 300,
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3,
    "one\n\ntwo\tthree\r\nfour",
]


EVERY: Mapping[str, Callable[[Settings], Engine]] = {**ENGINES, "hum": lambda _: Hummer()}


@pytest.fixture(scope="module", params=sorted(EVERY))
def engine(request: pytest.FixtureRequest) -> Engine:
    return EVERY[request.param](Settings())


def words_in(speech: Speech, text: str) -> list[SpokenWord]:
    return BySound().align(speech, text, "en") if speech.words is None else speech.words


def assert_sound_and_words_agree(speech: Speech, text: str) -> None:
    words = words_in(speech, text)
    assert [word.text for word in words] == words_of(text)
    length, edge = len(speech.samples) / speech.rate, 0.0
    for word in words:
        assert edge <= word.start < word.end <= length
        edge = word.end


def seconds(speech: Speech) -> float:
    return len(speech.samples) / speech.rate


def test_speech_is_mono_float_sound_at_a_level_that_does_not_clip(engine):
    speech = engine.speak(SENTENCE, "en", None, 1.0)
    assert speech.samples.ndim == 1
    assert speech.samples.dtype == np.float32
    assert 0.1 < np.abs(speech.samples).max() < 0.99
    assert speech.rate >= 16_000


def test_words_follow_each_other_within_the_sound(engine):
    assert_sound_and_words_agree(engine.speak(SENTENCE, "en", None, 1.0), SENTENCE)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_are_spoken_and_timed(engine, text):
    assert_sound_and_words_agree(engine.speak(text, "en", None, 1.0), text)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40) | st.text("aé1 .,'—!?$%-\n日م😀\u200d", max_size=80))
def test_any_text_is_spoken_and_timed(engine, text):
    assert_sound_and_words_agree(engine.speak(text, "en", None, 1.0), text)


def test_sound_begins_with_the_first_word_and_ends_with_the_last(engine):
    speech = engine.speak(SENTENCE, "en", None, 1.0)
    loud = np.flatnonzero(np.abs(speech.samples) > 0.01) / speech.rate
    assert loud[0] < 0.1
    assert seconds(speech) - loud[-1] < 0.2


def test_each_word_is_heard_during_its_time(engine):
    said = "One, two, three, four."
    speech = engine.speak(said, "en", None, 1.0)
    for word in words_in(speech, said):
        part = speech.samples[int(word.start * speech.rate) : int(word.end * speech.rate)]
        assert np.abs(part).max() > 0.05, word.text


def test_a_pause_between_sentences_belongs_to_no_word(engine):
    stop, go = words_in(engine.speak("Stop. Go.", "en", None, 1.0), "Stop. Go.")
    assert go.start - stop.end > 0.1


@pytest.mark.parametrize("text", ["", " ", "—", "...", "\x00"])
def test_a_text_with_nothing_to_pronounce_is_a_short_silence(engine, text):
    speech = engine.speak(text, "en", None, 1.0)
    assert 0.1 < seconds(speech) < 2.0
    assert_sound_and_words_agree(speech, text)


def test_markup_is_not_obeyed(engine):
    speech = engine.speak('one <break time="30s"/> two', "en", None, 1.0)
    assert seconds(speech) < 15


def test_equal_requests_for_the_default_voice_give_equal_sound_whatever_was_spoken_between(engine):
    first = engine.speak(SENTENCE, "en", None, 1.0)
    engine.speak("Something else.", "de", engine.voices()[1].id, 1.2)
    second = engine.speak(SENTENCE, "en", None, 1.0)
    assert np.array_equal(first.samples, second.samples)
    assert first.words == second.words


def test_pace_changes_how_long_it_takes(engine):
    slow, usual, fast = (seconds(engine.speak(SENTENCE, "en", None, pace)) for pace in (0.8, 1.0, 1.3))
    assert slow > 1.1 * usual
    assert fast < 0.9 * usual


@pytest.mark.parametrize("pace", [0.01, 100.0])
def test_an_extreme_pace_stays_intelligible(engine, pace):
    words = len(words_of(SENTENCE))
    minutes = seconds(engine.speak(SENTENCE, "en", None, pace)) / 60
    assert 40 < words / minutes < 400


def test_every_offered_voice_speaks(engine):
    silent = [
        voice.id
        for voice in engine.voices()
        if not np.abs(engine.speak("mi 2", voice.language or "en", voice.id, 1.0).samples).max() > 0.01
    ]
    assert silent == []


def test_the_list_of_voices_is_short_enough_to_register(engine):
    ids = [voice.id.lower() for voice in engine.voices()]
    assert len(set(ids)) == len(ids) > 0
    assert len(described(engine).model_dump_json()) < 20_000


def test_every_voice_has_a_name_for_a_reader_and_an_id_that_a_request_takes(engine):
    for voice in engine.voices():
        assert voice.name.strip() == voice.name != ""
        assert VideoRequest(prompt="x", voice=voice.id)


def test_an_engine_names_itself_and_its_version(engine):
    assert EVERY[engine.name](Settings()).version == engine.version != ""


def test_the_case_of_a_voice_does_not_matter(engine):
    voice = engine.voices()[0].id
    lower, upper = (engine.speak("Hello", "en", name, 1.0) for name in (voice.lower(), voice.upper()))
    assert np.array_equal(lower.samples, upper.samples)


@pytest.mark.parametrize("language", ["en", "en-US", "EN-au", "de-AT", "no", "xx", "e", "tlh-x"])
def test_its_description_says_which_languages_it_speaks(engine, language):
    any_language = next(voice.id for voice in engine.voices() if not voice.language)
    for voice in (None, any_language):
        said = described(engine).speaks(voice, language)
        try:
            engine.speak("2", language, voice, 1.0)
        except Permanent:
            assert not said
        else:
            assert said


@pytest.mark.parametrize("language", ["en", "en-US", "en-AU", "de", "pt-BR", "zh-Hant-TW", "no"])
def test_a_language_is_found_by_its_tag_or_the_shorter_form_of_it(engine, language):
    assert np.abs(engine.speak("2", language, None, 1.0).samples).max() > 0.01


def test_voices_differ(engine):
    low, high = (engine.speak(SENTENCE, "en", voice.id, 1.0) for voice in engine.voices()[:2])
    assert low.voice != high.voice
    assert not np.array_equal(low.samples[:20_000], high.samples[:20_000])


@pytest.mark.parametrize("voice", ["nobody", "en-us+nobody", "../../etc/passwd", "+", "xx+f3"])
def test_an_unknown_voice_is_refused_by_name_with_examples(engine, voice):
    with pytest.raises(Permanent, match=r"^voice .*try for example"):
        engine.speak("Hello", "en", voice, 1.0)


def test_an_unknown_language_is_refused_by_name_with_examples(engine):
    with pytest.raises(Permanent, match=r'^language "xx".*try for example'):
        engine.speak("Hello", "xx", None, 1.0)


def test_a_refused_voice_leaves_the_engine_as_it_was(engine):
    before = engine.speak("Hello", "en", None, 1.0)
    with pytest.raises(Permanent):
        engine.speak("Hello", "en", "nobody", 1.0)
    assert np.array_equal(engine.speak("Hello", "en", None, 1.0).samples, before.samples)
