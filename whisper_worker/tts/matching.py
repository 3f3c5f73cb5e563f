"""Finds the words of a text among what a service says that it spoke. Pure.

Services split a text otherwise, spell out numbers and leave out signs. So letters are compared, not words.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

ENOUGH = 0.75
"Share of the words with letters that must be found; with fewer the times belong to another text."


class Token(NamedTuple):
    """A piece of speech as a service tells of it; seconds from the start of the sound."""

    text: str
    start: float
    end: float


def starts(words: Sequence[str], tokens: Sequence[Token]) -> dict[int, float] | None:
    """When words begin, by their number, as far as tokens tell; None if the tokens do not fit the words.

    A token tells the start of the first word that it has letters of.
    """
    written = [(sign, number) for number, word in enumerate(words) for sign in _letters(word)]
    spoken = [(sign, number) for number, token in enumerate(tokens) for sign in _letters(token.text)]
    found: dict[int, float] = {}
    told: set[int] = set()
    for place, match in _facing([sign for sign, _ in written], [sign for sign, _ in spoken]):
        word, token = written[place][1], spoken[match][1]
        if token not in told:
            told.add(token)
            found.setdefault(word, tokens[token].start)
    wanted = {number for number, word in enumerate(words) if any(sign.isalpha() for sign in word)}
    if len(wanted & found.keys()) < ENOUGH * len(wanted) or not (found or not words):
        return None
    return found


def _letters(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalnum())


def _facing(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Places of equal letters, rising in both."""
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]
