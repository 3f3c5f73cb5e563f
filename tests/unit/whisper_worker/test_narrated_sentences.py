"""A narration that is spoken sentence by sentence."""

import numpy as np
import pytest

from common.contracts.storyboard import words_of
from common.contracts.voice import NO_VOICE
from common.rhythm import rest_after
from common.settings import Settings
from tests.support.speech import Hummer
from whisper_worker.sentences import Passage, joined, spoken
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech, SpokenWord
from whisper_worker.tts.silent import Silent
from whisper_worker.tts.timing import LOUD

TEXT = "The sea is calm today. Who would have thought so? Nobody did!\n\nThen the wind came back. We went home."


def passage(text: str = TEXT, pace: float = 1.0, last: bool = False) -> Passage:
    return Passage(text, "en", None, Manner(pace), last)


def silences(speech: Speech, least: float = 0.2) -> list[tuple[float, float]]:
    """From and to, in seconds, of what is silent for so long."""
    loud = np.flatnonzero(np.abs(speech.samples) > LOUD) / speech.rate
    gaps = np.flatnonzero(np.diff(loud) > least)
    return [(float(loud[gap]), float(loud[gap + 1])) for gap in gaps]


def test_the_voice_of_espeak_rests_by_the_rule() -> None:
    speech = spoken(Espeak(Settings()), passage(last=True))
    expected = [
        rest_after("The sea is calm today."),
        rest_after("Who would have thought so?"),
        rest_after("Nobody did!", paragraph=True),
        rest_after("Then the wind came back.", last=True),
    ]
    rests = [end - begin for begin, end in silences(speech)]
    assert rests == pytest.approx(expected, abs=0.02)
    assert expected[1] == 0.6
    assert expected[3] == 1.03


def test_words_are_timed_with_the_rests_between_them() -> None:
    speech = spoken(Espeak(Settings()), passage())
    assert speech.words is not None
    assert [word.text for word in speech.words] == words_of(TEXT)
    edge = 0.0
    for word in speech.words:
        assert edge <= word.start < word.end <= len(speech.samples) / speech.rate
        edge = word.end
    starts = {word.text: word.start for word in speech.words}
    ends = {word.text: word.end for word in speech.words}
    for (begin, end), before, after in zip(
        silences(speech), ["today.", "so?", "did!", "back."], ["Who", "Nobody", "Then", "We"], strict=True
    ):
        assert ends[before] == pytest.approx(begin, abs=0.02)
        assert starts[after] == pytest.approx(end, abs=0.02)


def test_nothing_clicks_where_sentences_meet() -> None:
    """Every joint lies in silence: no step from one sample to the next is larger than silence is loud."""
    speech = spoken(Espeak(Settings()), passage())
    steps = np.abs(np.diff(speech.samples))
    for begin, end in silences(speech):
        quiet = steps[int((begin + 0.03) * speech.rate) : int((end - 0.012) * speech.rate)]
        assert quiet.max() < LOUD
        assert not speech.samples[int((begin + 0.07) * speech.rate) : int((end - 0.015) * speech.rate)].any()


def test_an_engine_that_is_loud_to_its_ends_does_not_click() -> None:
    rate = 16_000
    tone = (0.3 * np.cos(2 * np.pi * 100 * np.arange(rate) / rate)).astype(np.float32)
    one = Speech(tone, rate, None, "v")
    sound = joined("One. Two.", [one, one], [0.4]).samples
    steady = np.abs(np.diff(tone)).max()
    assert np.abs(np.diff(sound)).max() < 1.3 * steady
    assert sound[0] == 0.0
    assert sound[-1] == 0.0


def test_silence_that_an_engine_adds_is_no_part_of_the_rest() -> None:
    rate = 16_000
    tone = (0.3 * np.sin(2 * np.pi * 100 * np.arange(rate) / rate)).astype(np.float32)
    silence = np.zeros(rate, np.float32)
    padded = Speech(np.concatenate([silence, tone, silence]), rate, [SpokenWord("One.", 1.0, 2.0)], "v")
    speech = joined("One. One.", [padded, padded], [0.5])
    ((begin, end),) = silences(speech)
    assert end - begin == pytest.approx(0.5, abs=0.01)
    assert speech.words is not None
    assert [word.start for word in speech.words] == pytest.approx([0.01, end], abs=0.01)


def test_without_times_of_one_sentence_there_are_none_of_the_whole() -> None:
    assert spoken(Hummer(), passage()).words is None


def test_a_word_may_reach_over_sentences_in_a_text_without_spaces() -> None:
    text = "一。二。 三。"
    parts = [
        Speech(np.ones(8_000, np.float32), 16_000, [SpokenWord(word, 0.0, 0.5)], "v")
        for word in ("一。", "二。", "三。")
    ]
    words = joined(text, parts, [0.4, 0.4]).words
    assert words is not None
    assert [word.text for word in words] == words_of(text)
    assert words[0].end - words[0].start == pytest.approx(1.4, abs=0.05)


def test_one_sentence_is_what_the_engine_makes_of_it() -> None:
    engine = Espeak(Settings())
    alone = spoken(engine, passage("It is late."))
    assert np.array_equal(alone.samples, engine.speak("It is late.", "en", None, AS_IT_IS).samples)


def test_words_that_are_only_read_have_no_rests() -> None:
    engine = Silent(Settings())
    speech = spoken(engine, Passage(TEXT, "zxx", NO_VOICE, AS_IT_IS))
    assert len(speech.samples) == len(engine.speak(TEXT, "zxx", NO_VOICE, AS_IT_IS).samples)
