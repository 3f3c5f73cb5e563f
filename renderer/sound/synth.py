"""Instruments: each turns a pitch and a length into mono sound at 48 kHz. Pure.

Everything is a sum of few partials well below the upper limit of hearing, so that nothing aliases and
nothing is sharp to the ear. Pitches are MIDI numbers and may have fractions.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from common.contracts.grid import SAMPLE_RATE

Sound = np.ndarray
Instrument = Callable[[float, float], Sound]
"(pitch, seconds held) -> mono float32; the sound may ring longer than it is held."

LONGEST_RING = 7.0
"Seconds after being let go at which the last instrument is silent."
DYING = 7.0
"Time constants after which a partial is not heard any more (-61 dB)."
BRIGHTEST = 5_000.0
"Hertz above which no sustained instrument has partials."
CYCLE = 2048
"Points that a waveform is kept in."
ROW = 512
"Samples that are worked out together."


def pad(pitch: float, seconds: float) -> Sound:
    """A soft choir of harmonics that opens and closes slowly."""
    return _swell(pitch, seconds, attack=0.9, release=1.6, rolloff=1.7)


def strings(pitch: float, seconds: float) -> Sound:
    """Like the pad, but nearer and with more bow."""
    return _swell(pitch, seconds, attack=0.45, release=1.1, rolloff=1.25)


def spiccato(pitch: float, seconds: float) -> Sound:
    """A short bow stroke."""
    return _struck(pitch, [h**-1.3 for h in range(1, 11)], ring=0.30, damping=0.35, attack=0.012)


def keys(pitch: float, seconds: float) -> Sound:
    """A felt piano; the damper falls when the key is let go."""
    ring = 1.5 * 2 ** ((60 - pitch) / 24)
    partials = [1.0, 0.42, 0.20, 0.10, 0.05, 0.025]
    return _struck(pitch, partials, ring, damping=0.8, attack=0.006, held=seconds, release=0.35)


def pluck(pitch: float, seconds: float) -> Sound:
    """A muted string."""
    return _struck(pitch, [h**-1.25 for h in range(1, 9)], ring=0.38, damping=0.75, attack=0.003)


def marimba(pitch: float, seconds: float) -> Sound:
    """A wooden bar: its overtones are two and more octaves up and gone at once."""
    return _struck(pitch, [1.0, 0, 0, 0.22, 0, 0, 0, 0, 0, 0.05], ring=0.32, damping=0.9, attack=0.002)


def bass(pitch: float, seconds: float) -> Sound:
    """A round bass that stops when let go."""
    partials = [1.0, 0.40, 0.14, 0.05]
    return _struck(pitch, partials, ring=1.8, damping=0.5, attack=0.012, held=seconds, release=0.12)


def kick(pitch: float, seconds: float) -> Sound:
    return _drum(low=48, drop=70, glide=0.03, ring=0.16)


def boom(pitch: float, seconds: float) -> Sound:
    """A big drum, far away."""
    return _drum(low=42, drop=45, glide=0.06, ring=0.55)


def shaker(pitch: float, seconds: float) -> Sound:
    return _shaped(_noise(0.10, centre=7_000, octaves=0.7, ring=0.035), attack=0.012, release=0.02)


def snap(pitch: float, seconds: float) -> Sound:
    return _shaped(_noise(0.16, centre=1_900, octaves=0.6, ring=0.030), attack=0.001, release=0.02)


INSTRUMENTS: dict[str, Instrument] = {
    play.__name__: play for play in (pad, strings, spiccato, keys, pluck, marimba, bass, kick, boom, shaker, snap)
}


def room(seconds: float, seed: int) -> Sound:
    """The impulse response (2, n) of a room whose echo dies down within `seconds`; highs die first."""
    generator = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    dark = np.stack([_band(generator.standard_normal(count), 500, 1.3) for _ in range(2)])
    bright = np.stack([_band(generator.standard_normal(count), 2_200, 0.9) for _ in range(2)])
    response = dark * np.exp(-6.9 * time / seconds) + 0.5 * bright * np.exp(-11 * time / seconds)
    response *= np.minimum(1.0, time / 0.02)  # the first echo comes a little after the sound
    return np.asarray(response / np.sqrt((response**2).sum(axis=1, keepdims=True)), np.float32)


def _hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def _time(seconds: float) -> Sound:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _swell(pitch: float, seconds: float, attack: float, release: float, rolloff: float) -> Sound:
    """One cycle of a waveform read again and again, from dark to bright and back."""
    frequency = _hertz(pitch)
    count = int((seconds + release) * SAMPLE_RATE)
    place = frequency / SAMPLE_RATE * np.arange(count) + pitch * 0.37
    place -= np.floor(place)
    bright = _one_cycle(frequency, rolloff, BRIGHTEST)
    dark = _one_cycle(frequency, rolloff + 0.8, BRIGHTEST / 3)
    openness = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi, count, dtype=np.float32))
    soft, sharp = _read((dark, bright), place)
    return _shaped(soft + openness * (sharp - soft), min(attack, seconds / 2), release)


def _read(cycles: Sequence[Sound], place: np.ndarray) -> Iterator[Sound]:
    """Each of the cycles at the same places, 0 to 1, between two of its points if need be."""
    points = place * CYCLE
    whole = points.astype(np.int32)
    rest = (points - whole).astype(np.float32)
    for cycle in cycles:
        rise = np.diff(cycle)
        yield cycle[whole] + rest * rise[whole]


def _one_cycle(frequency: float, rolloff: float, limit: float) -> Sound:
    """A period of harmonics falling off as h ** -rolloff, its end joined to its start."""
    phase = 2 * np.pi * np.linspace(0, 1, CYCLE + 1)
    partials = range(1, max(2, int(limit / frequency) + 1))
    # Quadratic phases spread the peaks of the partials, which would otherwise buzz together.
    cycle: Sound = np.sum([h**-rolloff * np.sin(h * phase + 0.9 * h * h) for h in partials], axis=0)
    return cycle.astype(np.float32)


def _struck(
    pitch: float,
    partials: Sequence[float],
    ring: float,
    damping: float,
    attack: float,
    held: float = LONGEST_RING,
    release: float = 0.05,
) -> Sound:
    """Partials that each die away, the higher the sooner; `ring` is the time constant of the lowest.

    A damper ends what still sounds `release` seconds after the note was `held`.
    """
    frequency = _hertz(pitch)
    count = int(min(LONGEST_RING, DYING * ring, held + release) * SAMPLE_RATE)
    heard = [(h, level) for h, level in enumerate(partials, start=1) if level and h * frequency < 2 * BRIGHTEST]
    h, levels = np.array(heard).reshape(-1, 2).T
    # Stiff strings and bars sound their overtones a little sharp.
    turns = 2 * np.pi * h * frequency * (1 + 0.0002 * h * h) / SAMPLE_RATE
    return _shaped(_ringing(turns, levels, h**damping / (ring * SAMPLE_RATE), count), attack, release)


def _ringing(turns: np.ndarray, levels: np.ndarray, fades: np.ndarray, count: int) -> Sound:
    """Sines that die away, added up: `turns` radians a sample, `fades` a share of e a sample.

    A sine a while later is a mixture of sine and cosine now: samples that lie in rows come from one product of two
    small matrices, which is much less work than a sine each.
    """
    column, row = np.arange(-(-count // ROW))[:, None] * ROW, np.arange(ROW)[:, None]
    late = levels * np.exp(-fades * column)
    left = np.hstack([late * np.sin(turns * column), late * np.cos(turns * column)])
    early = np.exp(-fades * row)
    right = np.hstack([early * np.cos(turns * row), early * np.sin(turns * row)])
    # Not `@`: the threads of a BLAS would take longer to wake than this takes.
    sound: Sound = np.einsum("ik,jk->ij", left.astype(np.float32), right.astype(np.float32)).ravel()[:count]
    return sound


def _drum(low: float, drop: float, glide: float, ring: float) -> Sound:
    """A skin: a tone that falls to `low` hertz as it dies away."""
    time = _time(7 * ring)
    phase = 2 * np.pi * (low * time + drop * glide * (1 - np.exp(-time / glide)))
    return _shaped(np.sin(phase) * np.exp(-time / ring), attack=0.003, release=0.05)


def _noise(seconds: float, centre: float, octaves: float, ring: float) -> Sound:
    time = _time(seconds)
    noise = _band(np.random.default_rng(1).standard_normal(len(time)), centre, octaves)
    return np.asarray(noise / np.abs(noise).max() * np.exp(-time / ring), np.float32)


def _band(noise: Sound, centre: float, octaves: float) -> Sound:
    """Noise around `centre` hertz, as a bell that many octaves wide to either side."""
    spectrum = np.fft.rfft(noise)
    frequency = np.maximum(1.0, np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE))
    bell = np.exp(-0.5 * (np.log2(frequency / centre) / octaves) ** 2)
    return np.asarray(np.fft.irfft(spectrum * bell, len(noise)))


def _shaped(sound: Sound, attack: float, release: float) -> Sound:
    """Rounds both ends off, so that no note clicks."""
    shaped = sound.astype(np.float32)
    rise = min(len(shaped), int(attack * SAMPLE_RATE))
    fall = min(len(shaped), int(release * SAMPLE_RATE))
    shaped[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32)) ** 2
    shaped[len(shaped) - fall :] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32)) ** 2
    return shaped
