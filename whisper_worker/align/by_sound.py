"""Times of words from nothing but the pauses of the sound and the length of the words. Pure."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from common.contracts.storyboard import words_of
from whisper_worker.align.pauses import PAUSE
from whisper_worker.align.port import Timed
from whisper_worker.tts.port import Speech, SpokenWord
from whisper_worker.tts.timing import LEAD, LOUD, weight

CLAUSE_ENDS = ".,;:!?…)—"
AT_A_CLAUSE = 0.4
"Distance at which a pause falls after a word that ends a clause, relative to any other."


class Stretch(NamedTuple):
    """A part of the sound without a pause; seconds."""

    start: float
    end: float


class BySound:
    """Lays pauses between words, and shares the sound between two pauses among its words by their length."""

    name = "sound"

    def timed(self, speech: Speech, text: str, language: str) -> Timed:
        return Timed(self.align(speech, text, language), self.name, compared=False)

    def align(self, speech: Speech, text: str, language: str) -> list[SpokenWord]:
        words = words_of(text)
        if not words:
            return []
        stretches = _stretches(speech, most=len(words))
        cuts = _cuts(words, stretches)
        return [
            spoken
            for stretch, (first, last) in zip(stretches, pairwise(cuts), strict=True)
            for spoken in _shared(words[first:last], stretch)
        ]


def _stretches(speech: Speech, most: int) -> list[Stretch]:
    """The parts of the sound between its pauses, at most so many: the shortest pauses do not count then.

    One for all of the sound if nothing is heard.
    """
    total = len(speech.samples) / speech.rate
    loud = np.flatnonzero(np.abs(speech.samples) > LOUD) / speech.rate
    if not loud.size:
        return [Stretch(0.0, total)]
    silent = np.diff(loud)
    pauses = np.flatnonzero(silent > PAUSE)
    longest = np.sort(pauses[np.argsort(-silent[pauses], kind="stable")][: most - 1])
    starts = [loud[0], *loud[longest + 1]]
    ends = [*(loud[longest] + LEAD), min(total, loud[-1] + LEAD)]
    return [Stretch(float(start), float(end)) for start, end in zip(starts, ends, strict=True)]


def _cuts(words: Sequence[str], stretches: Sequence[Stretch]) -> list[int]:
    """The number of the first word of each stretch, and that of all words; every stretch has a word at least.

    A pause comes after the word whose share of all words is nearest to the share of the sound before it.
    """
    said = _shares(weight(word) for word in words)
    heard = _shares(stretch.end - stretch.start for stretch in stretches)
    cuts = [0]
    for number, share in enumerate(heard[1:-1], 1):
        possible = range(cuts[-1] + 1, len(words) - (len(stretches) - number) + 1)
        cuts.append(min(possible, key=lambda cut: _distance(words[cut - 1], said[cut] - share)))
    return [*cuts, len(words)]


def _distance(word: str, away: float) -> float:
    return abs(away) * (AT_A_CLAUSE if word[-1] in CLAUSE_ENDS else 1.0)


def _shared(words: Sequence[str], stretch: Stretch) -> list[SpokenWord]:
    shares = _shares(weight(word) for word in words)
    times = [stretch.start + (stretch.end - stretch.start) * share for share in shares]
    return [SpokenWord(word, start, end) for word, (start, end) in zip(words, pairwise(times), strict=True)]


def _shares(parts: Iterable[float]) -> list[float]:
    """The share of all parts that come before each one, and 1 in the end."""
    sizes = list(parts)
    before = np.cumsum([0.0, *sizes])
    return [*(before[:-1] / before[-1]).tolist(), 1.0]
