"""Two speakers made comparable: cepstra without what a voice, a room and a microphone make of them. Pure."""

import numpy as np

from whisper_worker.align.features import CEPSTRA, Frames, cepstral
from whisper_worker.align.pauses import threshold

WEIGHTS = (1 / (1 + 0.15 * np.arange(CEPSTRA))).astype(np.float32)
"Of the cepstra once all vary alike: higher ones tell more of the speaker and less of what is said."
AROUND = 4
"Frames on either side between which a change is measured."
CHANGE = 2.0
"Weight of a change against a value."
PAIRS = 2000
NOISE, VOICE = 5, 90
"Percentiles of the power in a band that are taken for the noise, and for the voice."
DEEPEST = 10.0
"How far the noise lies under the voice at the most, as a logarithm of power."


def equally_noisy(one: Frames, other: Frames) -> tuple[Frames, Frames]:
    """Both with as much noise in every band, relative to the voice, as the one that has more of it."""
    (voice, noise), (voice_too, noise_too) = _levels(one), _levels(other)
    depth = np.minimum(voice - noise, voice_too - noise_too)
    return (
        one._replace(bands=np.logaddexp(one.bands, voice - depth)),
        other._replace(bands=np.logaddexp(other.bands, voice_too - depth)),
    )


def _levels(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """What each band has of the voice, and without it."""
    noise, voice = np.percentile(frames.bands, (NOISE, VOICE), axis=0).astype(np.float32)
    return voice, np.maximum(noise, voice - DEEPEST)


def cepstra(frames: Frames, stretch: float = 1.0) -> np.ndarray:
    """Frames x `CEPSTRA`: where there is sound each has the mean 0 and varies as much as its weight."""
    values = frames.bands @ cepstral(stretch)
    sound = values[frames.loudness > threshold(frames.loudness)]
    if not len(sound):
        return np.zeros_like(values)
    return np.asarray((values - sound.mean(axis=0)) / np.maximum(sound.std(axis=0), 1e-3) * WEIGHTS, np.float32)


def with_changes(values: np.ndarray) -> np.ndarray:
    """Each frame with how it changes: twice as many columns."""
    wide = np.pad(values, ((AROUND, AROUND), (0, 0)), mode="edge")
    return np.hstack([values, np.float32(CHANGE) * (wide[2 * AROUND :] - wide[: -2 * AROUND])])


def pooled(values: np.ndarray, size: int) -> np.ndarray:
    """Means of so many frames at a time; the last one is repeated to fill up."""
    count = -(-len(values) // size)
    full = np.pad(values, ((0, count * size - len(values)), (0, 0)), mode="edge")
    return np.asarray(full.reshape(count, size, -1).mean(axis=1))


def usual_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Between frames that have nothing to do with each other; from a sample, the same every time."""
    chance = np.random.default_rng(1)
    pairs = one[chance.integers(0, len(one), PAIRS)] - other[chance.integers(0, len(other), PAIRS)]
    return max(1e-3, float(np.sqrt((pairs**2).sum(axis=1)).mean()))
