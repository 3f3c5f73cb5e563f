"""Words of a text among what a service says that it spoke."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_worker.tts.matching import Token, starts


def tokens(*texts: str) -> list[Token]:
    """A second for each."""
    return [Token(text, float(place), place + 1.0) for place, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "spoken", "found"),
    [
        ("The sea is calm.", ("The", "sea", "is", "calm", "."), {0: 0, 1: 1, 2: 2, 3: 3}),
        ("In 2026 we sail", ("In", "twenty", "twenty-six", "we", "sail"), {0: 0, 2: 3, 3: 4}),
        ("We don't know", ("We", "do", "n't", "know"), {0: 0, 1: 1, 2: 3}),
        ("Out of the blue", ("Out", "of the", "blue"), {0: 0, 1: 1, 3: 2}),
        ("café au lait", ("CAF", "É", " ", "AU", "LAIT"), {0: 0, 1: 3, 2: 4}),
        ("— Hello —", ("Hello",), {1: 0}),
    ],
)
def test_a_word_begins_with_the_first_piece_that_has_letters_of_it(
    text: str, spoken: Sequence[str], found: dict[int, float]
) -> None:
    assert starts(text.split(), tokens(*spoken)) == found


@pytest.mark.parametrize("spoken", [(), ("Quite", "other", "words", "were", "spoken"), ("The",)])
def test_pieces_of_another_text_are_none_of_it(spoken: Sequence[str]) -> None:
    assert starts(["The", "sea", "is", "calm", "and", "blue"], tokens(*spoken)) is None


@given(
    st.lists(st.text("abc1.", min_size=1, max_size=5), max_size=12),
    st.lists(st.text("abc1. ", max_size=5), max_size=12),
)
def test_starts_never_fall(words: list[str], spoken: list[str]) -> None:
    found = starts(words, tokens(*spoken)) or {}
    times = [found[number] for number in sorted(found)]
    assert times == sorted(times)
