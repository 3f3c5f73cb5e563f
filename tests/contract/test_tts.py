"""What every text-to-speech engine must do; and the aligner, for one that does not know when its words are heard.

An engine is asked for what it says that it has: its voices, and a language of theirs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts.request import VideoRequest
from common.contracts.storyboard import words_of
from common.contracts.voice import NO_VOICE, Speaker, Voice
from common.errors import Permanent
from common.settings import Settings
from tests.support.kokoro import weights
from tests.support.redis_server import RedisServer
from tests.support.speech import Hummer
from tests.support.speech_server import SERVERS, running
from whisper_worker.align import BySound
from whisper_worker.tts import ENGINES, SERVICES, described
from whisper_worker.tts.port import Engine, Manner, Speech, SpokenWord
from whisper_worker.tts.received import in_process

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


HUMMERS = {
    "hum": Hummer("hum"),
    "drone": Hummer("drone", languages=(), pitches={"low": 110.0}),
    "brumm": Hummer("brumm", languages=("de-at",), pitches={"tief": 110.0, "hoch": 220.0}),
}
"The usual one; one with one voice, to which all languages are the same; one without English."


def kokoro(settings: Settings) -> Engine:
    """With its real weights, which are fetched; a test is skipped where they cannot be had."""
    model, voices = weights()
    return ENGINES["kokoro"](replace(settings, kokoro_model=str(model), kokoro_voices=str(voices)))


LIMITED = ("kokoro_server", "openai_speech", "elevenlabs", "minimax")
EVERY: Mapping[str, Callable[[Settings], Engine]] = {
    **ENGINES,
    "kokoro": kokoro,
    # What loopback servers send we have made ourselves; test_speech_services.py decodes it within walls.
    **{name: partial(make, decode=in_process) for name, make in SERVICES.items()},
    **{name: lambda _, hummer=hummer: hummer for name, hummer in HUMMERS.items()},
}


SLOW = {"kokoro": 8}
"Engines that take about a second for a second of speech, and how many texts of any kind they are tried with."
USUAL_TRIES = 60


def params(names: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in sorted(names)]


@pytest.fixture(scope="module")
def usable(redis_session: RedisServer) -> Iterator[Settings]:
    """Settings in which every engine can run: services are loopback servers."""
    with ExitStack() as stack:
        servers = [stack.enter_context(running(kind)) for kind in SERVERS.values()]
        own = {name: value for server in servers for name, value in server.settings().items()}
        limits = {f"{name}_per_minute": 100_000 for name in LIMITED}
        yield Settings(state_url=redis_session.url, speech_failover_paid=True, **own, **limits)


@pytest.fixture(scope="module", params=params(EVERY))
def engine(request: pytest.FixtureRequest, usable: Settings) -> Engine:
    return EVERY[request.param](usable)


@pytest.fixture(scope="module", params=params(EVERY.keys() - {NO_VOICE}))
def heard(request: pytest.FixtureRequest, usable: Settings) -> Engine:
    """An engine of which something is to be heard."""
    return EVERY[request.param](usable)


def languages(engine: Engine) -> list[str]:
    """English first, if it has it: the sentences here are English. That of an engine which takes all for one, too."""
    tags = sorted({voice.language for voice in engine.voices() if voice.language})
    return ["en", *tags] if described(engine).has_language("en") else tags


def say(engine: Engine, text: str, voice: Voice | None = None, pace: float = 1.0, pitch: float = 0.0) -> Speech:
    """In a language that the engine, or the voice, has."""
    if voice is None:
        return engine.speak(text, languages(engine)[0], None, Manner(pace, pitch))
    return engine.speak(text, voice.language or languages(engine)[0], voice.id, Manner(pace, pitch))


def is_heard(speech: Speech) -> bool:
    return bool(np.abs(speech.samples).max() > 0.01)


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


def test_speech_is_mono_float_sound_at_a_level_that_does_not_clip(heard):
    speech = say(heard, SENTENCE)
    assert speech.samples.ndim == 1
    assert speech.samples.dtype == np.float32
    assert 0.1 < np.abs(speech.samples).max() < 0.99
    assert speech.rate >= 16_000


def test_words_follow_each_other_within_the_sound(engine):
    assert_sound_and_words_agree(say(engine, SENTENCE), SENTENCE)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_are_spoken_and_timed(engine, text):
    assert_sound_and_words_agree(say(engine, text), text)


def test_any_text_is_spoken_and_timed(engine):
    @settings(deadline=None, max_examples=SLOW.get(engine.name, USUAL_TRIES))
    @given(text=st.text(max_size=40) | st.text("aé1 .,'—!?$%-\n日م😀\u200d", max_size=80))
    def holds(text: str) -> None:
        assert_sound_and_words_agree(say(engine, text), text)

    holds()


def test_sound_begins_with_the_first_word_and_ends_with_the_last(heard):
    speech = say(heard, SENTENCE)
    loud = np.flatnonzero(np.abs(speech.samples) > 0.01) / speech.rate
    assert loud[0] < 0.1
    assert seconds(speech) - loud[-1] < 0.2


def test_each_word_is_heard_during_its_time(heard):
    said = "One, two, three, four."
    speech = say(heard, said)
    for word in words_in(speech, said):
        part = speech.samples[int(word.start * speech.rate) : int(word.end * speech.rate)]
        assert np.abs(part).max() > 0.05, word.text


def test_a_pause_between_sentences_belongs_to_no_word(heard):
    stop, go = words_in(say(heard, "Stop. Go."), "Stop. Go.")
    assert go.start - stop.end > 0.1


@pytest.mark.parametrize("text", ["", " ", "—", "...", "\x00"])
def test_a_text_with_nothing_to_pronounce_is_a_short_silence(engine, text):
    speech = say(engine, text)
    assert 0.1 < seconds(speech) < 2.0
    assert_sound_and_words_agree(speech, text)


def test_markup_is_not_obeyed(engine):
    speech = say(engine, 'one <break time="30s"/> two')
    assert seconds(speech) < 15


def test_equal_requests_for_the_default_voice_give_equal_sound_whatever_was_spoken_between(engine):
    first = say(engine, SENTENCE)
    *_, other = engine.voices()[:2]
    engine.speak("Something else.", other.language or languages(engine)[-1], other.id, Manner(1.2, 3.0))
    second = say(engine, SENTENCE)
    assert np.array_equal(first.samples, second.samples)
    assert first.words == second.words


def test_pace_changes_how_long_it_takes(engine):
    slow, usual, fast = (seconds(say(engine, SENTENCE, pace=pace)) for pace in (0.8, 1.0, 1.3))
    assert slow > 1.1 * usual
    assert fast < 0.9 * usual


@pytest.mark.parametrize("pace", [0.01, 100.0])
def test_an_extreme_pace_stays_intelligible(engine, pace):
    words = len(words_of(SENTENCE))
    minutes = seconds(say(engine, SENTENCE, pace=pace)) / 60
    assert 40 < words / minutes < 400


@pytest.mark.parametrize("pitch", [-12.0, 5.0, 12.0])
def test_an_engine_that_bends_speaks_higher_or_lower_in_about_the_same_time(heard, pitch):
    usual, bent = say(heard, SENTENCE), say(heard, SENTENCE, pitch=pitch)
    if not heard.bends:
        assert np.array_equal(usual.samples, bent.samples)
        return
    assert seconds(bent) == pytest.approx(seconds(usual), rel=0.1)
    assert (brightness(bent) > brightness(usual)) == (pitch > 0)


def brightness(speech: Speech) -> float:
    """The frequency in hertz below which half of the energy up to 1 kHz lies."""
    power = np.abs(np.fft.rfft(speech.samples)) ** 2
    power = power[: int(1000 * len(speech.samples) / speech.rate)]
    return float(np.searchsorted(np.cumsum(power), power.sum() / 2) * speech.rate / len(speech.samples))


def test_every_offered_voice_speaks(heard):
    assert [voice.id for voice in heard.voices() if not is_heard(say(heard, "mi 2", voice))] == []


def test_the_list_of_voices_is_short_enough_to_register(engine):
    ids = [voice.id.lower() for voice in engine.voices()]
    assert len(set(ids)) == len(ids) > 0
    assert len(described(engine).model_dump_json()) < 20_000


def test_every_voice_has_a_name_for_a_reader_and_an_id_that_a_request_takes(engine):
    for voice in engine.voices():
        assert voice.name.strip() == voice.name != ""
        assert VideoRequest(prompt="x", voice=voice.id)


def test_an_engine_names_itself_and_its_version(engine, usable):
    assert EVERY[engine.name](usable).version == engine.version != ""


def test_the_case_of_a_voice_does_not_matter(engine):
    voice = engine.voices()[0]
    names = (voice.id.lower(), voice.id.upper())
    lower, upper = (say(engine, "Hello", voice.model_copy(update={"id": name})) for name in names)
    assert np.array_equal(lower.samples, upper.samples)


@pytest.mark.parametrize("language", ["en", "en-US", "EN-au", "de-AT", "no", "xx", "e", "tlh-x"])
def test_its_description_says_which_languages_it_speaks(engine, language):
    of_any_language = [voice.id for voice in engine.voices() if not voice.language]
    for voice in (None, *of_any_language[:1]):
        said = described(engine).speaks(Speaker(voice, language))
        try:
            engine.speak("2", language, voice)
        except Permanent:
            assert not said
        else:
            assert said


@pytest.mark.parametrize("form", ["{tag}", "{tag}-ZZ", "{first}"])
def test_a_language_is_found_by_its_tag_or_a_longer_or_shorter_form_of_it(heard, form):
    tags = sorted({voice.language for voice in heard.voices() if voice.language}) or ["en"]
    forms = [form.format(tag=tag, first=tag.partition("-")[0]) for tag in tags]
    assert [tag for tag in forms if not is_heard(heard.speak("mi 2", tag, None))] == []


def test_voices_differ(engine):
    said = [say(engine, SENTENCE, voice) for voice in engine.voices()[:2]]
    assert len({speech.voice for speech in said}) == len(said)
    assert len({speech.samples[:20_000].tobytes() for speech in said}) == len(said)


@pytest.mark.parametrize("voice", ["nobody", "en-us+nobody", "../../etc/passwd", "+", "xx+f3"])
def test_an_unknown_voice_is_refused_by_name_with_examples(engine, voice):
    with pytest.raises(Permanent, match=r"^voice .*try for example"):
        engine.speak("Hello", languages(engine)[0], voice)


def test_an_unknown_language_is_refused_by_name_with_examples_where_voices_have_languages(engine):
    if not any(voice.language for voice in engine.voices()):
        assert is_heard(engine.speak("Hello", "xx", None))
        return
    with pytest.raises(Permanent, match=r'^language "xx".*try for example'):
        engine.speak("Hello", "xx", None)


def test_a_refused_voice_leaves_the_engine_as_it_was(engine):
    before = say(engine, "Hello")
    with pytest.raises(Permanent):
        engine.speak("Hello", languages(engine)[0], "nobody")
    assert np.array_equal(say(engine, "Hello").samples, before.samples)
