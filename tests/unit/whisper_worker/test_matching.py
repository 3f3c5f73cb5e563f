"""The words of a script get the times at which they are heard, however much of them is misheard."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.recognition.matching import timed
from whisper_worker.tts.port import SpokenWord

WORDS = st.lists(st.sampled_from(["the", "sea", "Sea,", "is", "25", "twenty", "five", "—", "ñandú", "a"]), max_size=12)


@st.composite
def heard_words(draw: st.DrawFn) -> list[SpokenWord]:
    texts = draw(WORDS)
    steps = draw(st.lists(st.floats(0.01, 2.0), min_size=2 * len(texts), max_size=2 * len(texts)))
    found, now = [], 0.0
    for place, text in enumerate(texts):
        start = now + steps[2 * place]
        now = start + steps[2 * place + 1]
        found.append(SpokenWord(text, start, now))
    return found


@given(WORDS, heard_words(), st.floats(0.0, 5.0))
def test_every_word_has_a_time_and_none_overlaps(script: list[str], heard: list[SpokenWord], more: float) -> None:
    seconds = (heard[-1].end if heard else 1.0) + more
    found = timed(script, heard, seconds)
    assert [word.text for word in found] == script
    assert all(0 <= word.start < word.end <= seconds + 1e-9 for word in found)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(found))


@given(heard_words())
def test_words_that_are_heard_as_they_are_written_keep_their_times(heard: list[SpokenWord]) -> None:
    found = timed([word.text for word in heard], heard)
    assert [word.start for word in found] == pytest.approx([word.start for word in heard])
    assert [word.end for word in found] == pytest.approx([word.end for word in heard])


HEARD = [
    SpokenWord("the", 1.0, 1.2),
    SpokenWord("see", 1.3, 1.8),
    SpokenWord("is", 2.0, 2.1),
    SpokenWord("calm.", 3, 4),
]


def times(script: str, seconds: float = 5.0) -> list[tuple[float, float]]:
    return [(round(word.start, 2), round(word.end, 2)) for word in timed(script.split(), HEARD, seconds)]


def test_case_and_punctuation_do_not_matter_and_a_misheard_word_has_its_time() -> None:
    assert times("The Sea is... calm") == [(1.0, 1.2), (1.3, 1.8), (2.0, 2.1), (3.0, 4.0)]


def test_words_that_were_not_heard_share_what_lies_between_their_neighbours() -> None:
    assert times("the see is so very calm")[3:] == [(2.1, 2.4), (2.4, 3.0), (3.0, 4.0)]
    assert times("Oh the see is calm")[0] == (0.0, 1.0)
    assert times("the see is calm today")[-1] == (4.0, 5.0)


def test_words_that_were_heard_as_one_share_its_time_by_their_length() -> None:
    assert times("the blue ocean is calm")[1:3] == [(1.3, 1.52), (1.52, 1.8)]


def test_words_that_nobody_wrote_are_left_out() -> None:
    assert times("the calm") == [(1.0, 1.2), (3.0, 4.0)]


def test_without_a_heard_word_the_script_shares_the_sound() -> None:
    assert [word.end for word in timed(["one", "two", "three"], [], 11.0)] == pytest.approx([3.0, 6.0, 11.0])
