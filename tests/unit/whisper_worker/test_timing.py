import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.storyboard import words_of
from whisper_worker.tts.timing import Mark, time_words, trim

RATE = 1000


def sound(*stretches: tuple[float, float], seconds: float) -> np.ndarray:
    """Loud between the given times, silent elsewhere."""
    samples = np.zeros(int(seconds * RATE), np.float32)
    for begin, end in stretches:
        samples[int(begin * RATE) : int(end * RATE)] = 0.5
    return samples


def test_a_word_begins_at_its_mark_and_ends_where_the_next_begins():
    words = time_words("one two", [Mark(0, 0.0), Mark(4, 0.4)], sound((0, 1), seconds=1), RATE)
    assert [word.text for word in words] == ["one", "two"]
    assert [(word.start, word.end) for word in words] == [(0.0, 0.4), (0.4, 1.0)]


def test_a_word_ends_when_it_falls_silent_before_the_next():
    words = time_words("one, two", [Mark(0, 0.0), Mark(5, 0.8)], sound((0, 0.3), (0.8, 1), seconds=1), RATE)
    assert words[0].end == pytest.approx(0.31, abs=0.002)


def test_only_the_first_of_several_marks_of_a_word_counts():
    marks = [Mark(0, 0.0), Mark(3, 0.2), Mark(4, 0.5), Mark(4, 0.8), Mark(9, 1.0)]
    words = time_words("in 2026. on", marks, sound((0, 2), seconds=2), RATE)
    assert [word.start for word in words] == [0.0, 0.2, 1.0]


def test_words_without_a_mark_share_the_time_up_to_the_next_by_their_length():
    words = time_words("on the beach", [Mark(0, 0.0), Mark(7, 0.5)], sound((0, 1), seconds=1), RATE)
    assert words[1].start == pytest.approx(0.2)
    assert words[2].start == 0.5


def test_a_mark_that_goes_back_or_stands_between_words_begins_no_word():
    marks = [Mark(0, 0.0), Mark(4, 0.4), Mark(0, 0.6), Mark(7, 0.7), Mark(99, 0.8)]
    words = time_words("one two three", marks, sound((0, 1), seconds=1), RATE)
    assert [word.start for word in words[:2]] == [0.0, 0.4]
    assert words[2].start == pytest.approx(0.4 + 0.6 * 3 / 8)


def test_words_without_any_mark_share_the_whole_sound():
    words = time_words("— …", [], sound(seconds=1), RATE)
    assert [(word.start, word.end) for word in words] == [(0.0, 0.5), (0.5, 1.0)]


def test_trimming_keeps_a_little_around_what_is_heard_and_says_what_it_cut():
    samples, cut = trim(sound((0.5, 0.7), seconds=2), RATE)
    assert cut == pytest.approx(0.49)
    assert len(samples) / RATE == pytest.approx(0.01 + 0.2 + 0.06)


def test_trimming_silence_leaves_a_short_silence():
    samples, cut = trim(np.zeros(10, np.float32), RATE)
    assert 0.2 < len(samples) / RATE < 1.0
    assert not samples.any()
    assert cut == 0.0


@given(
    text=st.text(max_size=60),
    marks=st.lists(st.builds(Mark, st.integers(-2, 70), st.floats(-1, 3)), max_size=20),
    loud=st.booleans(),
)
def test_whatever_the_marks_every_word_gets_a_time_in_order_inside_the_sound(text, marks, loud):
    samples = sound((0, 1.5), seconds=2) if loud else sound(seconds=2)
    words = time_words(text, marks, samples, RATE)
    assert [word.text for word in words] == words_of(text)
    edge = 0.0
    for word in words:
        assert edge <= word.start < word.end <= 2.0
        edge = word.end
