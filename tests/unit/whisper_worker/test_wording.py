"""Which written word a phoneme belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.tts.wording import NOBODY, owners


def owned(spoken: str, *words: str) -> list[str]:
    """What each word got of the phonemes."""
    found = owners(list(spoken), [list(word) for word in words])
    return [
        "".join(sign for sign, owner in zip(spoken, found, strict=True) if owner == word) for word in range(len(words))
    ]


def test_words_that_are_spoken_as_alone_get_their_own():
    assert owned("ðə sˈʌn.", "ðə", "sˈʌn.") == ["ðə", "sˈʌn"]


def test_words_that_are_joined_are_told_apart():
    assert owned("ʌvðə wˈɜːld", "ʌv", "ðə", "wˈɜːld") == ["ʌv", "ðə", "wˈɜːld"]


def test_a_number_of_several_words_is_one_word_as_written():
    assert owned("ɪn nˈaɪntiːn ˈeɪɾi, ðˈɛn", "ˈɪn", "nˈaɪntiːn ˈeɪɾi,", "ðˈɛn") == ["ɪn", "nˈaɪntiːnˈeɪɾi", "ðˈɛn"]


def test_a_word_that_is_said_otherwise_alone_keeps_its_place():
    assert owned("ɪts ɐ tˈɛst", "ɪts", "ˈeɪ", "tˈɛst") == ["ɪts", "ɐ", "tˈɛst"]


def test_a_word_that_is_not_pronounced_gets_nothing():
    assert owned("wˈʌn tˈuː", "wˈʌn", "", "tˈuː") == ["wˈʌn", "", "tˈuː"]


def test_equal_words_are_shared_out_in_order():
    assert owned("nˈoʊ nˈoʊ", "nˈoʊ", "nˈoʊ") == ["nˈoʊ", "nˈoʊ"]


@pytest.mark.parametrize(("spoken", "words"), [("", ["wˈʌn"]), ("wˈʌn", []), (" .", ["a"]), ("", [])])
def test_where_one_side_has_nothing_nothing_is_owned(spoken, words):
    assert set(owners(list(spoken), [list(word) for word in words])) <= {NOBODY}


@given(st.lists(st.text("abəˈː ", max_size=6), max_size=6), st.text("abəˈː .,", max_size=30))
def test_owners_never_fall_and_gaps_have_none(words, spoken):
    found = owners(list(spoken), [list(word) for word in words])
    assert len(found) == len(spoken)
    assert all(owner == NOBODY for sign, owner in zip(spoken, found, strict=True) if sign in " .,")
    known = [owner for owner in found if owner != NOBODY]
    assert known == sorted(known)
    assert set(known) <= set(range(len(words)))
