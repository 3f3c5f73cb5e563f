"""How words that were read back are counted."""

import pytest

from benchmarks.voices import Reading, per_cent
from benchmarks.voices.listen import distance, nearest, words
from benchmarks.voices.sentences import SENTENCES


def plain(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalnum() or sign in " .:")


@pytest.mark.parametrize(
    ("one", "other", "wrong"),
    [("a b c", "a b c", 0), ("a b c", "a x c", 1), ("a b c", "a c", 1), ("a c", "a b c", 1), ("", "a b", 2)],
)
def test_words_that_are_changed_added_or_left_out_are_wrong(one, other, wrong):
    assert distance(one.split(), other.split()) == wrong


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("at 10:00 am", "at 10 a.m."),
        ("at 3:45 pm", "at 3.45 P M"),
        ("at 7:30 and", "at 7 30 and"),
        ("80 km/h", "80 kilometers per hour"),
        ("120km away", "120 kilometers away"),
        ("100 °C and", "100 degrees Celsius and"),
    ],
)
def test_what_is_said_in_one_way_is_equal_however_it_is_written(one, other):
    assert words(one, plain) == words(other, plain)


def test_other_numbers_are_not_equal():
    assert words("at 10:00", plain) != words("at 10 30", plain)
    assert words("8.2", plain) != words("8.3", plain)


def test_the_way_that_fits_best_counts():
    assert nearest("many e g bees", ["many for example bees", "many e g bees"], plain) == (0, 4)
    assert nearest("many bees", ["many for example bees", "many e g bees"], plain) == (2, 4)


def test_the_share_is_of_all_words():
    assert per_cent([Reading("", 1, 4), Reading("", 0, 6)]) == pytest.approx(10.0)


def test_there_are_twenty_sentences_each_with_a_way_to_say_it():
    assert len(SENTENCES) == 20
    assert all(sentence.said for sentence in SENTENCES)
