"""Dynamic time warping: which frame of a reference is heard in each frame of a recording. Pure.

Every frame of the recording steps on by none to three frames of the reference. So every way through has one step per
frame of the recording, and the costs of all ways can be compared at any moment: the band that is searched may follow
the best of them, and memory grows with the length of the recording, not with its square.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

STEPS = (0.2, 0.0, 0.2, 0.4)
"Cost of a step by so many frames. 1 is what two frames cost that have nothing to do with each other."
EVEN_STEPS = (0.3, 0.0, 0.3, 0.6)
"The same for the search, in which any speech could be bent to be like any other if that were cheap."
REACH = len(STEPS) - 1
LEAP, LEAPT = 2.0, 0.25
"Costs of a leap over a part of the reference that is not heard, and of each frame of it."
FOREIGN = 0.8
"Cost of a frame of the recording that is no part of the reference."
LEAPS, STRANGE, BEGINS, CHAINED = 4, 5, 6, 8
"Codes of what a way does besides steps. The last one is a flag: a leap to the right of here began further left."
FAR = np.float32(1e9)


class Path(NamedTuple):
    places: np.ndarray
    "For each frame of the recording the number of the frame of the reference, rising; -1 if it is no part of it."
    cost: float
    "Of a frame of the recording, on average: 0 for equal sounds, 1 for unrelated ones."
    cells: int
    "Size of the largest matrix, in bytes."


class _Band:
    """The costs of the best ways to `width` frames of the reference, row by row."""

    def __init__(self, recording: np.ndarray, reference: np.ndarray, scale: float, width: int) -> None:
        self.count, self.size, self.width = len(recording), len(reference), min(width, len(reference))
        self.low = 0
        "The first frame of the reference that is in the band."
        self.lows = np.zeros(self.count, np.int64)
        self.codes = np.zeros((self.count, self.width), np.uint8)
        self._recording, self._reference = recording / scale, reference / scale
        self._squares = np.einsum("ij,ij->i", self._reference, self._reference)
        # Room on the left for steps from outside, on the right for the band to move on.
        self._costs = np.full(REACH + 2 * self.width, FAR, np.float32)
        self.costs = self._costs[REACH : REACH + self.width]

    def moved(self, centre: int) -> np.ndarray:
        """Moves the band; the costs of the row before at its new place, and of `REACH` frames more on the left."""
        shift = min(self.width, max(0, min(self.size - self.width, centre - self.width // 2) - self.low))
        self.low += shift
        return self._costs[shift : shift + REACH + self.width]

    def distances(self, row: int) -> np.ndarray:
        frame, part = self._recording[row], slice(self.low, self.low + self.width)
        squared = self._squares[part] + float(frame @ frame) - 2 * (self._reference[part] @ frame)
        return np.asarray(np.sqrt(np.maximum(squared, 0)))

    def keep(self, row: int, costs: np.ndarray, codes: np.ndarray) -> None:
        self.costs[:] = costs
        self.lows[row], self.codes[row] = self.low, codes


def follow(recording: np.ndarray, reference: np.ndarray, scale: float, centres: np.ndarray, width: int) -> Path:
    """The best way within a band around the rising `centres`, one per frame; both sounds begin and end together.

    Frames are rows; `scale` is the distance of unrelated ones.
    """
    band = _Band(recording, reference, scale, width)
    start = np.full(band.width, FAR)
    start[0] = 0
    band.keep(0, start + band.distances(0), np.full(band.width, BEGINS, np.uint8))
    for row in range(1, band.count):
        best, codes = _stepped(band.moved(int(centres[row])), STEPS)
        band.keep(row, best + band.distances(row), codes)
    column = min(band.size - 1 - band.low, band.width - 1)
    cost = float(band.costs[column])
    return Path(_traced(band, band.count - 1, column), cost / band.count, band.codes.nbytes)


def search(recording: np.ndarray, reference: np.ndarray, scale: float, width: int) -> Path:
    """The best way within a band that follows it. Parts of both may be left out, most of all at the ends."""
    band = _Band(recording, reference, scale, width)
    slope = (np.arange(REACH + band.width) * LEAPT).astype(np.float32)
    band.keep(0, slope[: band.width] + band.distances(0), np.full(band.width, BEGINS, np.uint8))
    ends = [_ending(band, 0, slope)]
    for row in range(1, band.count):
        before = band.moved(int(np.argmin(band.costs)) + band.low)
        best, codes = _stepped(before, EVEN_STEPS)
        chained = _leap(before, slope, best, codes)
        _take(np.float32(FOREIGN * row + LEAPT * band.low) + slope[: band.width], BEGINS, best, codes)
        best += band.distances(row)
        _take(before[REACH:] + np.float32(FOREIGN), STRANGE, best, codes)
        band.keep(row, best, codes | (chained * np.uint8(CHAINED)))
        ends.append(_ending(band, row, slope))
    cost, row, column = min(ends)
    return Path(_traced(band, row, column), cost / band.count, band.codes.nbytes)


def _stepped(before: np.ndarray, steps: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest step to each frame of the band."""
    best = before[REACH:] + np.float32(steps[0])
    codes = np.zeros(len(best), np.uint8)
    for code in range(1, REACH + 1):
        _take(before[REACH - code : -code] + np.float32(steps[code]), code, best, codes)
    return best, codes


def _take(costs: np.ndarray, code: int, best: np.ndarray, codes: np.ndarray) -> None:
    """Puts in what is cheaper."""
    better = costs < best
    np.copyto(best, costs, where=better)
    np.copyto(codes, np.uint8(code), where=better)


def _leap(before: np.ndarray, slope: np.ndarray, best: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Leaps from the cheapest place on the left; the frames at which one to the right would have begun further left."""
    level = before - slope
    lowest = np.minimum.accumulate(level)
    _take(lowest[REACH - 1 : -1] + slope[REACH - 1 : -1] + np.float32(LEAP), LEAPS, best, codes)
    return np.asarray(lowest[REACH:] < level[REACH:])


def _ending(band: _Band, row: int, slope: np.ndarray) -> tuple[float, int, int]:
    """The cheapest way that ends in this row: its cost, the row, and the place in the band."""
    costs = band.costs - slope[: band.width]
    column = int(np.argmin(costs))
    rest = LEAPT * (band.size - 1 - band.low) + FOREIGN * (band.count - 1 - row)
    return float(costs[column]) + rest, row, column


def _traced(band: _Band, row: int, column: int) -> np.ndarray:
    """The way back from a place in the band."""
    places = np.full(band.count, -1)
    place = int(band.lows[row]) + column
    while row >= 0:
        low = int(band.lows[row])
        place = min(max(place, low), low + band.width - 1)  # a band too steep to follow has no way through
        code = int(band.codes[row, place - low]) & ~CHAINED
        places[row] = -1 if code == STRANGE else place
        if code == BEGINS:
            break
        row -= 1
        if code == LEAPS:
            place = _leapt_from(band, row + 1, place - 1)
        elif code != STRANGE:
            place -= code
    return places


def _leapt_from(band: _Band, row: int, place: int) -> int:
    """Where the leap to the right of `place` began, which arrived in `row`."""
    low = int(band.lows[row])
    while place > low and band.codes[row, place - low] & CHAINED:
        place -= 1
    return place
