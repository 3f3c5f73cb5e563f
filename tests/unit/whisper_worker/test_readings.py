"""How written words are read aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.tts.readings import readings


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("at 10:00", "at ten o'clock"),
        ("at 10:00 a.m. sharp", "at ten A M sharp"),
        ("at 3:05pm.", "at three oh five P M."),
        ("at 14:30, or", "at fourteen thirty, or"),
        ("a 99:99 score", "a 99:99 score"),
        ("at 5 p.m. today", "at 5 P M today"),
        ("I am here", "I am here"),
        ("in 1984.", "in nineteen eighty four."),
        ("in 2026,", "in twenty twenty six,"),
        ("1905", "nineteen oh five"),
        ("2005 km", "2005 kilometers"),
        ("the 1980s", "the nineteen eighties"),
        ("1914-1918", "nineteen fourteen to nineteen eighteen"),
        ("pages 3-5", "pages three to five"),
        ("$1,234.56", "one thousand two hundred and thirty four dollars and fifty six cents"),
        ("$1", "one dollar"),
        ("£0.01", "zero pounds and one penny"),
        ("$5m", "five million dollars"),
        ("$3.5 billion in", "three point five billion dollars in"),
        ("3 million people", "3 million people"),
        ("May 1, 2026", "May first, twenty twenty six"),
        ("on 12 March", "on the twelfth of March"),
        ("the 12 Mar.", "the twelfth of Mar."),
        ("in May 45", "in May 45"),
        ("12 km away", "12 kilometers away"),
        ("100km/h", "one hundred kilometers per hour"),
        ("3 m", "3 m"),
        ("20°C", "twenty degrees Celsius"),
        ("a 1/2 mile", "a one half mile"),
        ("Dr. Smith", "Doctor Smith"),
        ("St. Paul", "Saint Paul"),
        ("the dr.", "the dr."),
        ("(e.g. this)", "(for example this)"),
        ("No. 5", "number 5"),
        ("Say no.", "Say no."),
        ("Jan. 5", "january fifth"),
        ("cats vs dogs", "cats versus dogs"),
        ("an [[h@l'oU]]", "an [ [h@l'oU]]"),
        ("a\x00b", "ab"),
        ("wait !", "wait "),
    ],
)
def test_words_are_read_as_people_say_them(written, read):
    assert " ".join(readings(written.split(), "en-us")) == read


def test_other_languages_are_read_as_they_are():
    assert readings(["am", "12.5.", "um", "10:00", "1984", "\x1b"], "de") == ["am", "12.5.", "um", "10:00", "1984", ""]


@given(
    st.lists(st.text("0123456789$€£.,:/-–'apmskbntd°CF vs", min_size=1, max_size=12) | st.text(min_size=1), max_size=5)
)
def test_every_word_has_a_reading_whatever_it_is(words):
    assert len(readings(words, "en-GB")) == len(words)
