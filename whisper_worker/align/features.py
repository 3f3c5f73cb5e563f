"""What speech sounds like: its spectrum every few milliseconds, as cepstra of a mel scale. Pure."""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

HOP = 0.005
"Seconds from one frame to the next."
WINDOW = 0.025
"Seconds of sound that a frame looks at."
BANDS, CEPSTRA = 26, 13
LOWEST, HIGHEST = 80.0, 7000.0
"Hertz, between which speech lies."
EMPHASIS = 0.97
"How much of the sample before is taken off each: speech gets weaker with frequency, this makes up for it."
FAINT = 1e-10
"Power that counts as none."
BLOCK = 2000
"Frames that are computed at once, so that a long sound takes little more memory than its frames."


class Frames(NamedTuple):
    """A sound, looked at every `HOP` seconds: the middle of frame n is at n * HOP."""

    bands: np.ndarray
    "Logarithm of the power in each band: frames x `BANDS`, float32."
    loudness: np.ndarray
    "Decibels of each frame, float32."


def frames_of(samples: np.ndarray, rate: int) -> Frames:
    """Frames of mono sound, from its first sample to its last."""
    count = int(len(samples) / rate / HOP) + 1
    return joined(_block(samples, rate, first, min(count, first + BLOCK)) for first in range(0, count, BLOCK))


def joined(parts: Iterable[Frames]) -> Frames:
    bands, loudness = zip(*parts, strict=True)
    return Frames(np.concatenate(bands), np.concatenate(loudness))


def _block(samples: np.ndarray, rate: int, first: int, last: int) -> Frames:
    width = round(WINDOW * rate)
    begins = np.round(np.arange(first, last) * HOP * rate).astype(np.int64) - width // 2
    start, end = int(begins[0]) - 1, int(begins[-1]) + width
    part = np.asarray(samples[max(0, start) : end], np.float32)
    part = np.pad(part, (max(0, -start), max(0, end - len(samples))))
    sharp = part[1:] - np.float32(EMPHASIS) * part[:-1]
    pieces = np.lib.stride_tricks.sliding_window_view(sharp, width)[begins - start - 1]
    power = np.abs(np.fft.rfft(pieces * np.hanning(width).astype(np.float32), axis=1)) ** 2
    bands = np.log(power @ _filters(width, rate) + FAINT)
    loudness = 10 * np.log10(power.sum(axis=1) / width + FAINT)
    return Frames(bands.astype(np.float32), loudness.astype(np.float32))


@functools.lru_cache(maxsize=16)
def _filters(width: int, rate: int) -> np.ndarray:
    """Triangles that overlap by half and are equally wide in mel: frequencies x `BANDS`."""
    edges = _edges(rate)
    frequencies = np.fft.rfftfreq(width, 1 / rate)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None) / width, np.float32)


def _edges(rate: int = 48_000) -> np.ndarray:
    """Hertz where bands begin, culminate and end: band n at n, n + 1 and n + 2."""
    return _hertz(np.linspace(_mel(LOWEST), _mel(min(HIGHEST, 0.48 * rate)), BANDS + 2))


@functools.lru_cache(maxsize=16)
def cepstral(stretch: float = 1.0) -> np.ndarray:
    """What turns bands into cepstra: `BANDS` x `CEPSTRA`.

    Heard through it, a voice sounds as if all its frequencies were divided by `stretch`: a throat of another length.

    """
    turns = np.outer(np.arange(BANDS) + 0.5, np.arange(CEPSTRA)) * np.pi / BANDS
    middles = _edges()[1:-1]
    wanted = np.interp(middles * stretch, middles, np.arange(BANDS))
    nearness = np.clip(1 - np.abs(np.arange(BANDS)[:, None] - wanted), 0, None)
    return np.asarray(nearness @ np.cos(turns), np.float32)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))
