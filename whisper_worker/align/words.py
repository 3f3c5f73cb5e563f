"""From frames that match to a time for every word. Pure."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from whisper_worker.align.features import HOP
from whisper_worker.align.matching import Match
from whisper_worker.align.pauses import Pause
from whisper_worker.tts.port import SpokenWord
from whisper_worker.tts.timing import BRIEFEST, LEAD, keep_apart

CLOSE = 0.05
"Seconds from the end of a pause within which the start of a word is that end: there the word is heard."
EARLY, LATE = 0.06, 0.10
"Seconds before a pause and after it from which a start is moved to its end if there is none so close."


def times_of(
    words: Sequence[str], begins: np.ndarray, match: Match, silences: Sequence[Pause], total: float
) -> list[SpokenWord]:
    """The times of words that begin at these frames of the reference, within `total` seconds of the recording."""
    places = np.minimum(np.searchsorted(match.reference, begins - 0.5), len(match.recording) - 1)
    heard = match.recording[places] * HOP
    spans = np.array([(pause.begin * HOP, pause.end * HOP) for pause in silences]).reshape(-1, 2)
    within = spans[spans[:, 1] < total - HOP]  # no word begins after the silence at the end
    starts = keep_apart(_after_pauses(heard, within), total)
    bounds = pairwise([*starts, total])
    return [
        SpokenWord(word, start, _end(start, limit, spans)) for word, (start, limit) in zip(words, bounds, strict=True)
    ]


def _after_pauses(starts: np.ndarray, pauses: np.ndarray) -> list[float]:
    """A word near a pause begins when the pause is over, to which energy is a better witness than likeness."""
    moved = starts.copy()
    for begin, end in pauses.tolist():
        word = _first_after(starts, begin, end)
        if word is not None:
            before, within = np.arange(len(starts)) < word, (starts > begin) & (starts < end)
            moved[before & within] = begin
            moved[word] = end
            moved[~before & (starts < end)] = end
    return np.asarray(moved, float).tolist()


def _first_after(starts: np.ndarray, begin: float, end: float) -> int | None:
    """The word that begins when this pause is over, if one seems to begin near it."""
    edges = np.searchsorted(starts, [begin - EARLY, end - CLOSE, end + CLOSE, end + LATE])
    early, close, after, late = (int(edge) for edge in edges)
    if close < after:
        return close + int(np.argmin(np.abs(starts[close:after] - end)))
    if early < close:
        return close - 1
    return after if after < late else None


def _end(start: float, limit: float, pauses: np.ndarray) -> float:
    """When the word that begins at `start` is over: where the pause before `limit` begins, or there.

    A pause that ends earlier is within the word, such as a long stop before a p.
    """
    last = int(np.searchsorted(pauses[:, 0], limit)) - 1
    if last < 0 or pauses[last, 0] <= start or pauses[last, 1] < limit - CLOSE:
        return limit
    return min(limit, max(float(pauses[last, 0]) + LEAD, start + BRIEFEST))
