"""Where speech is silent, also in a recording with noise. Pure."""

from typing import NamedTuple

import numpy as np

from whisper_worker.align.features import HOP

PAUSE = 0.12
"Seconds of silence that are a pause; less may be part of a word, such as the stop before a p."
KEPT = 0.05
"Seconds of a pause that are kept at either of its ends where pauses are shortened."
BELOW, ABOVE_NOISE = 42.0, 0.1
"Decibels under the voice at which nothing is heard; and the part of the way from the noise to the voice."


class Pause(NamedTuple):
    """Frames of a silence, the first one and the one after the last."""

    begin: int
    end: int


def threshold(loudness: np.ndarray) -> float:
    """Decibels of a frame above which it is sound."""
    noise, voice = np.percentile(loudness, (3, 95))
    return float(max(voice - BELOW, noise + ABOVE_NOISE * (voice - noise)))


def pauses(loudness: np.ndarray) -> list[Pause]:
    """The pauses, and the silences at the ends, in order."""
    silent = np.concatenate([[0], (loudness <= threshold(loudness)).astype(np.int8), [0]])
    turns = np.diff(silent)
    begins, ends = np.flatnonzero(turns == 1), np.flatnonzero(turns == -1)
    least = round(PAUSE / HOP)
    return [Pause(int(a), int(b)) for a, b in zip(begins, ends, strict=True) if b - a >= least]


def shortened(count: int, silences: list[Pause]) -> np.ndarray:
    """The frames that are left, of so many, when only the ends of pauses are kept."""
    left = np.ones(count, bool)
    kept = round(KEPT / HOP)
    for begin, end in silences:
        left[begin + kept : end - kept] = False
    return np.flatnonzero(left)
