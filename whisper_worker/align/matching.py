"""Which moment of a recording is which moment of a reference: first roughly, for all of both, then closely. Pure."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from whisper_worker.align.features import HOP, Frames
from whisper_worker.align.likeness import cepstra, equally_noisy, pooled, usual_distance, with_changes
from whisper_worker.align.pauses import pauses, shortened
from whisper_worker.align.warping import Path, follow, search

POOL = 8
"Frames that are one for the rough search."
ROUGH_BAND = round(80 / (POOL * HOP))
"Width of the band of the rough search: 80 s of the reference, so the best way so far may be wrong by half of that."
CLOSE_BAND = round(0.6 / HOP)
"Width of the band of the close one: the rough one may be wrong by 0.3 s."
QUIET = 10
"Frames that are quiet together, where a slice ends."
SLICE, NEAR = round(30 / HOP), round(5 / HOP)
"Frames of the recording that are followed at once, and how many sooner or later a slice may end, for a quiet place."
STRETCHES = (0.88, 1.0, 1.12)
"Throats that the speaker of the reference is tried with: that of a child or woman, its own, a longer one."
PACES = (0.55, 0.7, 0.85, 1.0, 1.2, 1.45, 1.8)
"At which the reference is tried."
TRIED = round(30 / HOP)
"Frames of both that throats and paces are tried on."
STEADY = 11
"Pooled frames: what is heard in both is heard in most of so many, else it is chance."
MISSED = 4
"A leap over so many pooled frames leaves them out."


class Match(NamedTuple):
    """Frames of the recording that are part of the reference, and which; both rise."""

    recording: np.ndarray
    reference: np.ndarray
    doubt: float
    "What the match costs, of what one with the reference played backwards does: about 1 if it is another text."
    cells: int
    "Size of the largest matrix, in bytes."


def match(recording: Frames, reference: Frames) -> Match:
    """Memory grows with the length, by about 200 kB for each second, frames included."""
    heard_at, spoken_at = _without_pauses(recording), _without_pauses(reference)
    recording, reference = equally_noisy(recording, reference)
    heard = cepstra(recording)[heard_at]
    spoken = _most_alike(heard, (cepstra(reference, stretch)[spoken_at] for stretch in STRETCHES))
    rough, backwards = _searched(heard, spoken), _searched(heard, spoken[::-1])
    common = _in_common(_steady(rough.places), len(heard), len(spoken))
    loudness = recording.loudness[heard_at[common.recording]]
    places, cells = _followed(heard[common.recording], spoken[common.reference], common.centres, loudness)
    doubt = rough.cost / max(backwards.cost, 1e-6)
    pairs = heard_at[common.recording], spoken_at[common.reference[places]]
    return Match(*pairs, doubt, max(cells, rough.cells))


def pace_of(recording: Frames, reference: Frames) -> float:
    """How much faster the recording is said: the pace at which the reference is cheapest to find in it.

    The lengths alone would mislead if either has more than the other.
    """
    heard_at, spoken_at = _without_pauses(recording), _without_pauses(reference)
    recording, reference = equally_noisy(recording, reference)
    heard, spoken = cepstra(recording)[heard_at], cepstra(reference)[spoken_at]
    together = min(PACES[-1], max(PACES[0], len(spoken) / len(heard)))
    return min((together, *PACES), key=lambda pace: _searched(heard[:TRIED], _at(spoken, pace)[: 2 * TRIED]).cost)


def _at(values: np.ndarray, pace: float) -> np.ndarray:
    """Frames as if they were passed at another speed."""
    count = max(1, round(len(values) / pace))
    return np.asarray(values[np.minimum((np.arange(count) * pace).astype(np.int64), len(values) - 1)])


def _without_pauses(frames: Frames) -> np.ndarray:
    """The frames of a sound that has short pauses only: how long one is says nothing about what is said."""
    return shortened(len(frames.loudness), pauses(frames.loudness))


def _most_alike(heard: np.ndarray, candidates: Iterable[np.ndarray]) -> np.ndarray:
    """The candidate that is cheapest to find at the start of the recording."""
    return min(candidates, key=lambda spoken: _searched(heard[:TRIED], spoken[: 2 * TRIED]).cost)


def _searched(heard: np.ndarray, spoken: np.ndarray) -> Path:
    one, other = pooled(heard, POOL), pooled(spoken, POOL)
    return search(one, other, usual_distance(one, other), ROUGH_BAND)


class _Common(NamedTuple):
    """What is heard in both."""

    recording: np.ndarray
    "Numbers of frames."
    reference: np.ndarray
    "Numbers of frames."
    centres: np.ndarray
    "For each of the former about which of the latter it is: a place in the list, not a number of a frame."


def _steady(places: np.ndarray) -> np.ndarray:
    """Without places that are found among many that are not."""
    found = (places >= 0).astype(float)
    wide = np.pad(found, STEADY // 2, mode="edge")
    steady = np.where(np.convolve(wide, np.ones(STEADY) / STEADY, mode="valid") > 0.5, places, -1)
    return steady if steady.max() >= 0 else places


def _in_common(places: np.ndarray, heard: int, spoken: int) -> _Common:
    """Leaves out what the rough search did not find in the other one. `places` are pooled, the numbers frames."""
    found = np.flatnonzero(places >= 0)
    seen = np.zeros(-(-spoken // POOL), bool)
    first = places[found]
    for begin, end in pairwise([*first, first[-1] + 1]):
        seen[begin : end if end - begin <= MISSED else begin + 1] = True
    recording = np.flatnonzero(np.repeat(places >= 0, POOL)[:heard])
    left = np.repeat(seen, POOL)[:spoken]
    rank = np.cumsum(left) - 1
    middles = np.minimum(first * POOL + POOL // 2, spoken - 1)
    centres = np.interp(recording, found * POOL + POOL / 2, rank[middles])
    return _Common(recording, np.flatnonzero(left), np.round(centres).astype(np.int64))


def _followed(
    heard: np.ndarray, spoken: np.ndarray, centres: np.ndarray, loudness: np.ndarray
) -> tuple[np.ndarray, int]:
    """The frame of the reference in each one of the recording, slice by slice, and the size of the largest matrix."""
    scale = usual_distance(with_changes(heard[:TRIED]), with_changes(spoken[:TRIED]))
    places: list[np.ndarray] = []
    cells = 0
    for (begin, first), (end, last) in pairwise(_slices(centres, len(spoken), loudness)):
        path = follow(
            with_changes(heard[begin:end]),
            with_changes(spoken[first:last]),
            scale,
            centres[begin:end] - first,
            CLOSE_BAND,
        )
        places.append(path.places + first)
        cells = max(cells, path.cells)
    return np.concatenate(places), cells


def _slices(centres: np.ndarray, spoken: int, loudness: np.ndarray) -> Iterator[tuple[int, int]]:
    """The first frame of each slice in both, and the ends of both; slices end where the recording is quiet."""
    count = len(centres)
    yield 0, 0
    begin, first = 0, 0
    while count - begin > SLICE + NEAR:
        near = begin + SLICE - NEAR
        quiet = np.convolve(loudness[near : begin + SLICE + NEAR], np.ones(QUIET), mode="same")
        begin = near + int(np.argmin(quiet[QUIET:-QUIET])) + QUIET
        first = min(max(first + 1, int(centres[begin])), spoken - 1)
        yield begin, first
    yield count, spoken
