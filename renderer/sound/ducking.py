"""Gain of the bed over time: down under the voice and while the picture dips, faded at both ends of the film. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import PlacedNarration, Span

DUCK_LEAD = int(0.4 * SAMPLE_RATE)
"Samples before the voice at which the bed begins to go down; it is down when the voice comes."
DUCK_HOLD = int(2.1 * SAMPLE_RATE)
"Samples. The bed stays down during gaps shorter than this and the lead: longer than any rest of the voice."
DUCK_END = int(0.6 * SAMPLE_RATE)
"Samples that the bed takes to come up again; less than the shortest gap it comes up in."
DIP = -9.0
"Decibels by which the bed dips, besides, when the picture dips to black or white."
DIP_REACH = int(0.25 * SAMPLE_RATE)
"Samples by which a dip begins before that of the picture and ends after it: what the ear follows is slower."
FADE_IN, FADE_OUT = 0.8, 2.5
"Seconds."


class Curve(NamedTuple):
    """Decibels over time: straight from point to point, level before the first and after the last."""

    at: tuple[int, ...] = (0,)
    "Samples."
    level: tuple[float, ...] = (0.0,)

    def over(self, begin: int, end: int) -> np.ndarray:
        """The level of each of the samples from `begin` up to, not including, `end`."""
        return np.interp(np.arange(begin, end), self.at, self.level)

    def bends(self, begin: int, end: int) -> bool:
        """True if it is anything but 0 dB somewhere between."""
        return self.at[0] < end and begin < self.at[-1]


def ducking(narrations: Sequence[PlacedNarration], depth: float) -> Curve:
    """The level of the bed under all narrations of a film; under them it is `depth` decibels, which is negative."""
    corners = [
        corner
        for begin, end in ducked(narrations)
        for corner in ((begin, 0.0), (begin + DUCK_LEAD, depth), (end, depth), (end + DUCK_END, 0.0))
    ]
    return Curve(*zip(*corners, strict=True)) if corners else Curve()


def ducked(narrations: Sequence[PlacedNarration]) -> list[tuple[int, int]]:
    """The stretches, in samples, in which the bed goes down and is down; the first may begin before the film does."""
    stretches: list[tuple[int, int]] = []
    for narration in sorted(narrations, key=lambda placed: placed.start):
        begin, end = narration.start - DUCK_LEAD, narration.start + narration.samples
        if stretches and begin - stretches[-1][1] < DUCK_HOLD:
            begin, end = stretches[-1][0], max(end, stretches.pop()[1])
        stretches.append((begin, end))
    return stretches


def dip(span: Span, step: int) -> Curve:
    """The level of the bed while the picture dips in these frames, each of them `step` samples long."""
    begin, end = span.start * step, span.end * step
    return Curve((begin - DIP_REACH, (begin + end) // 2, end + DIP_REACH), (0.0, DIP, 0.0))


def fades(begin: int, end: int, total: int) -> np.ndarray:
    """Factors for the samples from `begin` up to `end` of a film of `total`: in and out at equal power."""
    number = np.arange(begin, end)
    rise, fall = (min(int(seconds * SAMPLE_RATE), total // 3) for seconds in (FADE_IN, FADE_OUT))
    inside = np.clip(np.minimum(number / rise, (total - number) / fall), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * inside))
