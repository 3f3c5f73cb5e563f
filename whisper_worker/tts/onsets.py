"""Puts the start of a word, as a model gives it, where its sound begins. Pure."""

import numpy as np

from whisper_worker.tts.timing import LOUD

QUIET = 0.04
"Seconds without sound that are a pause."
EARLY, LATE = 0.15, 0.10
"Seconds by which a model may be early, or late, at most."


def first_heard(samples: np.ndarray) -> int:
    """The first sample at which anything is heard; the first of all if nothing is."""
    loud = np.abs(samples) > LOUD
    return int(loud.argmax()) if loud.any() else 0


def heard_start(samples: np.ndarray, rate: int, start: float, paused: bool) -> float:
    """The seconds at which a word is heard first that begins about at `start`.

    Where nothing is heard at `start`, it is moved to what is heard next. After a pause (`paused`) it may also be moved
    back to where the silence ends. It stays if the sound says neither.
    """
    first = max(0, round((start - LATE - QUIET) * rate))
    place = round(start * rate) - first
    loud = np.flatnonzero(np.abs(samples[first : first + place + round(EARLY * rate)]) > LOUD)
    before, after = loud[loud < place], loud[loud >= place]
    quiet = round(QUIET * rate)
    if not before.size or place - before[-1] > quiet:
        return float(first + after[0]) / rate if after.size else start
    if not paused:
        return start
    known = -quiet - 1 if first == 0 else 0
    ends = before[np.diff(before, prepend=known) > quiet]
    return float(first + ends[-1]) / rate if ends.size else start
