"""Finds which written word each phoneme of a text belongs to. Pure.

A phonemiser joins words (`of the` is one), reads a number as several, and says a word otherwise among others than
alone. So the phonemes of the whole text are aligned with those of each word alone, by the least total difference.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

GAP = " "
"Stands between words in phonemes."
NOBODY = -1
"The owner of what belongs to no word: gaps and punctuation."

VOWELS = frozenset("aeiouyæøœɐɑɒɔəɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏᵻᵊAIOQWY")
LEADING = frozenset("ˈˌ")
"Marks of stress, which belong to the sound that follows."
ALIKE, UNLIKE, NEVER = 0.7, 1.5, 9.0
"Costs of a vowel in place of a vowel, or of a consonant; of any sound in place of a gap."
SKIPPED, SKIPPED_GAP = 1.0, 0.3
"Costs of a sound, and of a gap, that only one side has."


class _Sounds(NamedTuple):
    """A sequence that is aligned: only gaps and sounds, without marks and punctuation."""

    signs: np.ndarray
    "Code points."
    gaps: np.ndarray
    vowels: np.ndarray

    @classmethod
    def of(cls, signs: Sequence[str]) -> "_Sounds":
        codes = np.array([ord(sign[0]) for sign in signs], np.int32)
        gaps = np.array([sign == GAP for sign in signs], bool)
        return cls(codes, gaps, np.array([sign[0] in VOWELS for sign in signs], bool))

    def costs(self) -> np.ndarray:
        """Of skipping each one."""
        return np.where(self.gaps, SKIPPED_GAP, SKIPPED)


def owners(spoken: Sequence[str], words: Sequence[Sequence[str]]) -> list[int]:
    """The number of the word that each phoneme of `spoken` belongs to, or `NOBODY`; they never fall.

    `words` are the phonemes of each word alone, none for one that is not pronounced. Takes the product of both
    lengths in time and memory (4 bytes each).
    """
    heard = [place for place, sign in enumerate(spoken) if sign == GAP or _is_sound(sign)]
    wanted, belongs = _joined(words)
    found = [NOBODY] * len(spoken)
    for place, match in _aligned([spoken[place] for place in heard], wanted):
        if spoken[heard[place]] != GAP:
            found[heard[place]] = belongs[match]
    return _filled(spoken, found)


def _is_sound(sign: str) -> bool:
    """True for a letter or digit; marks of stress, length and tone, and punctuation, are none."""
    return sign not in LEADING and unicodedata.category(sign[0]) in ("Ll", "Lu", "Lo", "Nd")


def _joined(words: Sequence[Sequence[str]]) -> tuple[list[str], list[int]]:
    """The sounds of all words with gaps between them, and the word of each."""
    signs: list[str] = []
    belongs: list[int] = []
    for number, word in enumerate(words):
        sounds = [sign for sign in word if sign == GAP or _is_sound(sign)]
        if sounds:
            signs += [GAP, *sounds] if signs else sounds
            belongs += [number] * (len(signs) - len(belongs))
    return signs, belongs


def _aligned(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of places that face each other in the cheapest alignment, rising in both."""
    if not one or not other:
        return []
    left, right = _Sounds.of(one), _Sounds.of(other)
    skipped = left.costs()
    total = _totals(left, right)
    pairs: list[tuple[int, int]] = []
    row, column = len(one), len(other)
    while row and column:
        here = total[row, column]
        if np.isclose(here, total[row - 1, column - 1] + _facing(left, right, row - 1)[column - 1], atol=1e-3):
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif np.isclose(here, total[row - 1, column] + skipped[row - 1], atol=1e-3):
            row -= 1
        else:
            column -= 1
    return pairs[::-1]


def _totals(left: _Sounds, right: _Sounds) -> np.ndarray:
    """The least cost of aligning the first so many of each."""
    skipped = np.concatenate([[0.0], np.cumsum(right.costs())])
    total = np.empty((len(left.signs) + 1, len(skipped)), np.float32)
    total[0] = skipped
    for row, cost in enumerate(left.costs()):
        best = total[row] + cost
        best[1:] = np.minimum(best[1:], total[row, :-1] + _facing(left, right, row))
        # What is skipped on the right adds up along the row, so the best place to come from is a running minimum.
        total[row + 1] = np.minimum.accumulate(best - skipped) + skipped
    return total


def _facing(left: _Sounds, right: _Sounds, row: int) -> np.ndarray:
    """The costs of one sound of the left facing each of the right."""
    costs = np.where(right.vowels == left.vowels[row], ALIKE, UNLIKE)
    costs = np.where(right.gaps == left.gaps[row], costs, NEVER)
    return np.where(right.signs == left.signs[row], 0.0, costs)


def _filled(spoken: Sequence[str], found: list[int]) -> list[int]:
    """Marks of stress go with the sound after them; other marks, and sounds that face nothing, with the one before."""
    for start, end in _runs(spoken):
        last = next((owner for owner in found[start:end] if owner != NOBODY), NOBODY)
        for place in range(start, end):
            follower = found[place + 1] if place + 1 < end else NOBODY
            if found[place] == NOBODY:
                found[place] = follower if spoken[place] in LEADING and follower != NOBODY else last
            last = found[place]
    return found


def _runs(spoken: Sequence[str]) -> list[tuple[int, int]]:
    """The stretches between gaps and punctuation."""
    borders = [place for place, sign in enumerate(spoken) if sign == GAP or unicodedata.category(sign[0])[0] == "P"]
    return [(one + 1, other) for one, other in pairwise([-1, *borders, len(spoken)]) if other > one + 1]
