"""How long the voice rests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.rhythm import LAST, PARAGRAPH, QUESTION, SENTENCE, at_speed, least_rest, rest_after

TEXTS = st.text(max_size=300)


@given(TEXTS, st.booleans(), st.booleans())
def test_every_rest_is_one_of_speech_and_always_the_same(text: str, paragraph: bool, last: bool) -> None:
    rest = rest_after(text, paragraph=paragraph, last=last)
    assert rest == rest_after(text, paragraph=paragraph, last=last)
    assert 0.25 <= rest <= 1.2
    assert rest >= rest_after(text)
    if paragraph:
        assert PARAGRAPH[0] <= rest <= PARAGRAPH[1]
    if last:
        assert rest >= LAST


@given(st.integers(1, 40))
def test_after_a_statement_it_is_within_the_limits_and_grows_with_the_sentence(words: int) -> None:
    shorter, longer = (rest_after("word " * count + "end.") for count in (words, words + 1))
    assert SENTENCE[0] <= shorter <= longer <= SENTENCE[1]


def test_sentences_of_different_length_have_different_rests() -> None:
    rests = {rest_after("w" * length + ".") for length in range(20, 140, 5)}
    assert len(rests) == 24


@pytest.mark.parametrize(
    ("sentence", "seconds"),
    [
        ("Why?", 0.6),
        ('"Why?"', 0.6),
        ("何ですか？", 0.6),
        ("Stop!", 0.55),
        ("止まれ！」", 0.55),
        ("and so,", 0.25),
        ("Yes.", SENTENCE[0]),
        ("", SENTENCE[0]),
    ],
)
def test_marks_have_their_rests(sentence: str, seconds: float) -> None:
    assert rest_after(sentence) == seconds


def test_a_question_at_the_end_of_a_paragraph_rests_as_a_paragraph_does() -> None:
    assert rest_after("Why?", paragraph=True) == PARAGRAPH[0] > QUESTION


@given(TEXTS, st.booleans(), st.booleans())
def test_a_rest_may_shrink_but_keeps_its_kind(text: str, paragraph: bool, last: bool) -> None:
    rest = rest_after(text, paragraph=paragraph, last=last)
    least = least_rest(rest)
    assert 0 < least <= rest
    assert least >= (PARAGRAPH[0] if paragraph or last else 0.25)


@pytest.mark.parametrize(("speed", "seconds"), [(0.5, 0.4), (1.0, 0.4), (1.25, 0.4), (2.0, 0.25)])
def test_only_speech_that_is_faster_than_easy_has_shorter_rests(speed: float, seconds: float) -> None:
    assert at_speed(0.4, speed) == pytest.approx(seconds)
