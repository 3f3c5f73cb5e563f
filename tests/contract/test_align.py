"""What every aligner must do: each word gets its time, whatever is heard."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.contracts.storyboard import words_of
from common.settings import Settings
from tests.support.speech import hummed
from whisper_worker.align import BySound, ByWarping
from whisper_worker.align.port import Aligner
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Speech

SAID = "The sun sets, with waves crashing on the beach."
TEXTS = [
    SAID,
    "— … 😀 🎉",
    "日本語 テスト です",
    "It costs $1,234.56 (about 5%) at 3:45pm on 12/24.",
    "www.example.org/path?x=1 a@b.example #tag @name C++ 50/50",
    "a\x00b \x01 \x1b[0m \x7f\x85 c\u200bd e\u0301 \u202eabc",
    "x " * 30,
    "! " * 15,
    "one\n\ntwo\tthree\r\nfour",
    "",
]
RATE = 22_050


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak(Settings())


@pytest.fixture(scope="module", params=["dtw", "sound"])
def aligner(request: pytest.FixtureRequest, espeak: Espeak) -> Aligner:
    made: list[Aligner] = [ByWarping(espeak, BySound()), BySound()]
    return next(one for one in made if one.name == request.param)


def noise(seconds: float) -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(int(seconds * RATE))).astype(np.float32)


def sounds(espeak: Espeak) -> list[np.ndarray]:
    return [
        espeak.speak(SAID, "en", "f3").samples,
        np.concatenate([np.zeros(RATE, np.float32), espeak.speak(SAID, "de", None).samples, noise(2.0)]),
        noise(3.0),
        noise(0.05),
        np.zeros(RATE // 2, np.float32),
        hummed(SAID, 110, 1.0),
    ]


def assert_each_word_has_its_time(aligner: Aligner, samples: np.ndarray, text: str, language: str = "en") -> None:
    speech = Speech(samples, RATE, None, "")
    timed = aligner.timed(speech, text, language)
    assert timed.by in ("dtw", "sound")
    assert [word.text for word in timed.words] == words_of(text)
    edge = 0.0
    for word in timed.words:
        assert edge <= word.start < word.end <= len(samples) / RATE
        edge = word.end


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_words_of_any_text_follow_each_other_within_any_sound(aligner, espeak, text) -> None:
    for samples in sounds(espeak):
        assert_each_word_has_its_time(aligner, samples, text)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40) | st.text("aé1 .,'—!?$%-\n日م😀\u200d", max_size=80), seconds=st.floats(0.01, 2.0))
def test_parts_of_speech_of_any_length_are_timed(aligner, espeak, text, seconds) -> None:
    spoken = espeak.speak(SAID, "en", "f3").samples
    assert_each_word_has_its_time(aligner, spoken[: max(1, int(seconds * RATE))], text)
    assert_each_word_has_its_time(aligner, espeak.speak(text, "en", "f3").samples, text)


@pytest.mark.parametrize("language", ["en", "en-GB", "de", "ja", "zxx", "qq-nowhere"])
def test_languages_are_taken_in_any_form(aligner, espeak, language) -> None:
    assert_each_word_has_its_time(aligner, sounds(espeak)[0], SAID, language)


def test_the_same_is_found_each_time(aligner, espeak) -> None:
    speech = Speech(espeak.speak(SAID, "en", "f3").samples, RATE, None, "")
    first = aligner.align(speech, SAID, "en")
    espeak.speak("Something else.", "de", "f2")
    assert aligner.align(speech, SAID, "en") == first == aligner.timed(speech, SAID, "en").words


def test_each_word_is_heard_during_its_time(aligner, espeak) -> None:
    samples = espeak.speak("One, two, three, four.", "en", "f3").samples
    for word in aligner.align(Speech(samples, RATE, None, ""), "One, two, three, four.", "en"):
        assert np.abs(samples[int(word.start * RATE) : int(word.end * RATE)]).max() > 0.05, word.text


def test_a_pause_between_sentences_belongs_to_no_word(aligner, espeak) -> None:
    speech = Speech(espeak.speak("Stop. Go.", "en", "f3").samples, RATE, None, "")
    stop, go = aligner.align(speech, "Stop. Go.", "en")
    assert go.start - stop.end > 0.1
