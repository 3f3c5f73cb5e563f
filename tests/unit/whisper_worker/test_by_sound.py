import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.storyboard import words_of
from tests.support.speech import RATE, hummed
from whisper_worker.align.by_sound import BySound
from whisper_worker.align.pauses import PAUSE
from whisper_worker.tts.port import Speech


def sound(*stretches: tuple[float, float], seconds: float) -> Speech:
    """Loud between the given times, silent elsewhere."""
    samples = np.zeros(int(seconds * RATE), np.float32)
    for begin, end in stretches:
        samples[int(begin * RATE) : int(end * RATE)] = 0.5
    return Speech(samples, RATE, None, "v")


def times(speech: Speech, text: str) -> list[tuple[float, float]]:
    return [(round(word.start, 2), round(word.end, 2)) for word in BySound().align(speech, text, "en")]


def test_words_share_a_sound_without_a_pause_by_their_length() -> None:
    assert times(sound((0.0, 1.0), seconds=1.2), "on the beach") == [(0.0, 0.2), (0.2, 0.5), (0.5, 1.01)]


def test_a_pause_belongs_to_no_word() -> None:
    assert times(sound((0.1, 0.4), (0.8, 1.1), seconds=1.2), "one two") == [(0.1, 0.41), (0.8, 1.11)]


def test_a_pause_comes_where_as_many_letters_are_said_as_there_is_sound_before_it() -> None:
    speech = sound((0.0, 0.3), (0.6, 1.5), seconds=1.5)
    (_, one), (two, *_), *_ = times(speech, "one two three four")
    assert (one, two) == (0.31, 0.6)


def test_a_pause_near_the_end_of_a_clause_is_taken_for_it() -> None:
    speech = sound((0.0, 0.9), (1.2, 2.0), seconds=2.0)
    words = BySound().align(speech, "There he stops, then goes on", "en")
    begins = {word.text: word.start for word in words}
    assert begins["then"] == pytest.approx(1.2)
    assert max(word.end for word in words if word.start < 1) <= 0.92


def test_a_short_silence_may_be_within_a_word() -> None:
    assert PAUSE > 0.1
    assert times(sound((0.0, 0.4), (0.5, 0.9), seconds=0.9), "stop go") == [(0.0, 0.6), (0.6, 0.9)]


def test_of_more_pauses_than_words_the_longest_count() -> None:
    speech = sound((0.0, 0.2), (0.4, 0.6), (1.2, 1.4), seconds=1.4)
    assert times(speech, "one two") == [(0.0, 0.61), (1.2, 1.4)]


def test_words_of_silence_share_it_and_no_words_need_no_time() -> None:
    assert times(sound(seconds=1.0), "— …") == [(0.0, 0.5), (0.5, 1.0)]
    assert times(sound((0, 1), seconds=1.0), " ") == []


def test_what_is_hummed_is_heard_within_a_tenth_of_a_second() -> None:
    text = "The harbour wakes before the sun, while the first boats leave in the dark. Nobody sees them go."
    words = BySound().align(Speech(hummed(text, 110, 1.0), RATE, None, "low"), text, "en")
    began = 0.0
    for word in words:
        assert word.start == pytest.approx(began, abs=0.1), word
        said = len(hummed(word.text, 110, 1.0)) / RATE
        began += said + (0.25 if word.text[-1] in ",." else 0.03)


@given(
    text=st.text(max_size=60) | st.text("ab .,", max_size=200),
    stretches=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), max_size=8),
)
def test_whatever_is_heard_every_word_gets_a_time_in_order_inside_the_sound(text, stretches) -> None:
    speech = sound(*stretches, seconds=2)
    words = BySound().align(speech, text, "en")
    assert [word.text for word in words] == words_of(text)
    edge = 0.0
    for word in words:
        assert edge <= word.start < word.end <= 2.0
        edge = word.end
