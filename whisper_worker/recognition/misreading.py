"""How much of a text a recogniser hears as something else. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from whisper_worker.recognition.port import UNSPACED

_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES = _TO_NINETEEN.split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fifth": 5,
    "eighth": 8,
    "ninth": 9,
    "twelfth": 12,
    **{f"{word}th": value for value, word in enumerate(_ONES) if value in (4, 6, 7, *range(10, 20)) and value != 12},
    **{f"{word[:-1]}ieth": 20 + 10 * place for place, word in enumerate(_TENS)},
}
_NUMBERS = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 20 + 10 * place for place, word in enumerate(_TENS)},
    **_ORDINALS,
}
_SCALES = {"thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_WRITTEN = {
    "dr": "doctor",
    "mr": "mister",
    "mrs": "missus",
    "st": "saint",
    "vs": "versus",
    "etc": "et cetera",
    "km": "kilometres",
    "kilometers": "kilometres",
    "okay": "ok",
}
_SIGNS = {"%": " percent ", "&": " and ", "°": " degrees "}
_MONEY = {"€": "euros", "$": "dollars", "£": "pounds"}
_PRICE = re.compile(r"([€$£])\s?(\d[\d.,]*)")
_INSIDE_NUMBERS = re.compile(r"(?<=\d)[,\u202f\u00a0](?=\d{3})")
_NTH = re.compile(r"(\d+)(?:st|nd|rd|th)")
_WORD = re.compile(r"\d+(?:\.\d+)?(?!\w)|\w+")


def misread(text: str, heard: str, language: str) -> float:
    """The word error rate of what was heard against the text, both without case, punctuation and ways to write numbers.

    0: all was heard as it stands there. More words than there are make more than 1. Of languages without spaces it is
    the error rate of letters.
    """
    wanted, found = words_for_comparing(text, language), words_for_comparing(heard, language)
    return distance(wanted, found) / len(wanted) if wanted else float(bool(found))


def words_for_comparing(text: str, language: str) -> list[str]:
    """The words as both sides would write them."""
    base = language.lower().partition("-")[0]
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "").replace("'", "")
    if base in UNSPACED:
        return [sign for sign in text if sign.isalnum()]
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    text = _PRICE.sub(lambda found: f"{found[2]} {_MONEY[found[1]]}", text)
    words = _WORD.findall(_INSIDE_NUMBERS.sub("", text))
    return list(_in_digits(_english(word) for word in words)) if base == "en" else words


def _english(word: str) -> str:
    nth = _NTH.fullmatch(word)
    return nth[1] if nth is not None else _WRITTEN.get(word, word)


def _in_digits(words: Iterator[str]) -> Iterator[str]:
    """Runs of English number words as one number: `twenty five` is `25`, `nineteen ninety` stays two numbers."""
    number: _Number | None = None
    for word in words:
        longer = number.followed_by(word) if number is not None else None
        if longer is None and number is not None:
            yield str(number.value)
        number = longer or _Number.of(word)
        if number is None:
            yield word
    if number is not None:
        yield str(number.value)


class _Number(NamedTuple):
    """A number in words, as far as it was read."""

    whole: int
    "Thousands and above."
    part: int
    "What is below, or will be multiplied."
    closed: bool = False
    "True after a scale: any part may follow."

    @property
    def value(self) -> int:
        return self.whole + self.part

    @classmethod
    def of(cls, word: str) -> "_Number | None":
        return cls(0, _NUMBERS[word]) if word in _NUMBERS else None

    def followed_by(self, word: str) -> "_Number | None":
        """The longer number; None if the word begins another one."""
        if word == "hundred":
            return self._replace(part=self.part * 100, closed=False) if 0 < self.part < 100 else None
        if word in _SCALES:
            return _Number(self.whole + self.part * _SCALES[word], 0, closed=True) if self.part else None
        value = _NUMBERS.get(word, 0)
        fits = self.closed or 0 < value < _room_in(self.part)
        return self._replace(part=self.part + value, closed=False) if value and fits else None


def _room_in(part: int) -> int:
    """What is less than this fits into the zeros of a number: 7 into `twenty`, 77 into `hundred`."""
    if part == 0 or part % 10 or part % 100 == 10:
        return 0
    return 10 if part % 100 else 100


def distance(wanted: Sequence[str], found: Sequence[str]) -> int:
    """The least number of words to be put in, left out and replaced to make one of the other."""
    numbers = {word: number for number, word in enumerate({*wanted, *found})}
    others = np.array([numbers[word] for word in found], np.int64)
    places = np.arange(len(found) + 1)
    row = places
    for word in wanted:
        cheapest = row + 1
        cheapest[1:] = np.minimum(cheapest[1:], row[:-1] + (others != numbers[word]))
        # Words may be put in behind any of these, one for each place.
        row = np.minimum.accumulate(cheapest - places) + places
    return int(row[-1])
