"""The share of a text that was heard as something else goes by words, not by how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.recognition.misreading import distance, misread, words_for_comparing


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("On June 25th, twenty-five boats sailed.", "on june twenty fifth 25 boats sailed"),
        ("Dr. Smith paid $5, or 12.5% of it.", "Doctor Smith paid 5 dollars or 12.5 percent of it"),
        ("It has 1,250,000 words", "it has one million two hundred fifty thousand words"),
        ("In nineteen ninety it's over", "In nineteen ninety, its over."),
        ("one hundred and seven", "100 and 7"),
        ("three hundred seven", "307"),
        ("Don’t", "don't"),
    ],
)
def test_ways_to_write_the_same_are_no_mistakes(text: str, heard: str) -> None:
    assert misread(text, heard, "en") == 0.0


@pytest.mark.parametrize(
    ("text", "heard", "language", "rate"),
    [
        ("the sea is calm", "the see is calm", "en", 0.25),
        ("the sea is calm", "the sea calm", "en-GB", 0.25),
        ("the sea", "the deep blue sea", "en", 1.0),
        ("the sea", "", "en", 1.0),
        ("...", "thank you", "en", 1.0),
        ("...", "", "en", 0.0),
        ("Das Meer ist ruhig", "das mehr ist ruhig.", "de", 0.25),
        ("海は静かだ", "海は静かた。", "ja", 0.2),
    ],
)
def test_every_other_word_counts(text: str, heard: str, language: str, rate: float) -> None:
    assert misread(text, heard, language) == pytest.approx(rate)


def test_number_words_are_numbers_in_english_only() -> None:
    assert words_for_comparing("two thousand three hundred", "en") == ["2300"]
    assert words_for_comparing("zero five twenty twenty one", "en") == ["0", "5", "20", "21"]
    assert words_for_comparing("six hundred", "fr") == ["six", "hundred"]


WORDS = st.lists(st.sampled_from("abc"), max_size=8)


@given(WORDS, WORDS, WORDS)
def test_the_distance_is_one(one: list[str], two: list[str], three: list[str]) -> None:
    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, two) == distance(two, one) <= max(len(one), len(two))
    assert distance(one, three) <= distance(one, two) + distance(two, three)


@given(st.text(max_size=60))
def test_any_text_is_heard_as_itself(text: str) -> None:
    assert misread(text, text, "en") == 0.0
