"""From an engine's marks to a time for every word. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from whisper_worker.tts.port import SpokenWord

LOUD = 0.004
"Amplitude (-48 dB) above which something is heard."
LEAD, TAIL = 0.010, 0.060
"Seconds kept before the first and after the last thing heard, so that neither is clipped."
NOTHING_SAID = 0.4
"Seconds of silence for a text with nothing to pronounce."
BRIEFEST = 0.001
"Seconds a word lasts at the least, where there is room for it."


class Mark(NamedTuple):
    """The engine begins to speak what stands at `position` (characters from the start) at `seconds`."""

    position: int
    seconds: float


def trim(samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    """Cuts the silence off both ends; also returns how many seconds went from the start."""
    loud = np.flatnonzero(np.abs(samples) > LOUD)
    if not loud.size:
        return np.zeros(int(NOTHING_SAID * rate), np.float32), 0.0
    first = max(0, int(loud[0]) - int(LEAD * rate))
    last = int(loud[-1]) + 1 + int(TAIL * rate)
    padding = np.zeros(max(0, last - len(samples)), np.float32)
    return np.concatenate([samples[first:last], padding]), first / rate


def time_words(text: str, marks: Iterable[Mark], samples: np.ndarray, rate: int) -> list[SpokenWord]:
    """Gives every word of `text` its time within `samples`.

    A word begins at its first mark. Words without one share the time up to the next mark by their
    length. A word ends where the next begins, or earlier if it falls silent before that.
    """
    spans = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    total = len(samples) / rate
    starts = _spread(_first_marks(spans, marks, total), [weight(text[a:b]) for a, b in spans], total)
    loud = np.flatnonzero(np.abs(samples) > LOUD) / rate
    bounds = [*starts, total]
    return [
        SpokenWord(text[a:b], start, _falls_silent(loud, start, limit))
        for (a, b), start, limit in zip(spans, starts, bounds[1:], strict=True)
    ]


def _first_marks(spans: Sequence[tuple[int, int]], marks: Iterable[Mark], total: float) -> dict[int, float]:
    """Word number -> when it begins, for words that have a mark, rising in both."""
    found: dict[int, float] = {}
    opens = [begin for begin, _ in spans]
    last, now = -1, 0.0
    for position, seconds in marks:
        word = bisect_right(opens, position) - 1
        # Numbers and symbols give marks between words and beyond the end; they begin no word.
        if word > last and position < spans[word][1] and seconds < total:
            found[word] = now = max(now, seconds)
            last = word
    return found


def _spread(known: dict[int, float], weights: Sequence[float], total: float) -> list[float]:
    """Starts of all words: the known ones, and between two of them shares in proportion to the weights."""
    count = len(weights)
    anchors = sorted(({0: 0.0} | known | {count: total}).items())
    starts: list[float] = []
    for (word, begin), (next_word, end) in pairwise(anchors):
        group = np.asarray(weights[word:next_word])
        before = np.cumsum(group) - group
        starts += (begin + (end - begin) * before / group.sum()).tolist()
    return keep_apart(starts, total)


def keep_apart(starts: list[float], total: float) -> list[float]:
    """Moves starts that (nearly) coincide apart, without leaving the sound."""
    step = min(BRIEFEST, total / (len(starts) + 1))
    for index in range(1, len(starts)):
        starts[index] = max(starts[index], starts[index - 1] + step)
    limit = total
    for index in reversed(range(len(starts))):
        limit = starts[index] = max(0.0, min(starts[index], limit - step))
    return starts


def _falls_silent(loud: np.ndarray, start: float, limit: float) -> float:
    """When the sound that begins at `start` is over; `limit` if nothing is heard before it."""
    low, high = np.searchsorted(loud, [start, limit])
    return min(limit, max(float(loud[high - 1]) + LEAD, start + BRIEFEST)) if high > low else limit


def weight(word: str) -> float:
    """About how long a word takes. A digit is a word of its own when spoken."""
    return sum(3.0 if sign.isdigit() else 1.0 for sign in word if sign.isalnum()) or 1.0
