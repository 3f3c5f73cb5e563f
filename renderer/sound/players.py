"""Players turn the chord of a bar into notes, and each mood has its players. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from common.contracts.request import Mood

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
BEATS = 4
"In a bar. Every bar has one chord."


class Note(NamedTuple):
    instrument: str
    beat: float
    pitch: float
    beats: float
    "Beats that it is held."
    gain: float
    pan: float = 0.0
    "-1 is left, 1 is right."


class Bar(NamedTuple):
    """Everything that players know of the bar they play."""

    number: int
    chord: Sequence[int]
    "MIDI pitches around middle C, rising."
    root: int
    "Two octaves or so below them."
    scale: Sequence[int]
    "Pitches of the key above the chord, for the melody."
    pattern: int
    "The piece's own choice among the figures a player knows."
    chance: np.random.Generator


Player = Callable[[Bar], Iterator[Note]]


def pads(bar: Bar) -> Iterator[Note]:
    yield from _sustain(bar, "pad", 0.080)


def bowed(bar: Bar) -> Iterator[Note]:
    yield from _sustain(bar, "strings", 0.075)
    yield Note("strings", 0, bar.root + 12, BEATS, 0.09)


def _sustain(bar: Bar, instrument: str, gain: float) -> Iterator[Note]:
    """Two slightly detuned copies of the chord, left and right."""
    for pitch in bar.chord:
        yield Note(instrument, 0, pitch - 0.03, BEATS, gain, -0.55)
        yield Note(instrument, 0, pitch + 0.03, BEATS, gain, 0.55)


def arpeggio(instrument: str, steps: int, gain: float, octave: int = 0) -> Player:
    """A player that breaks the chord into `steps` notes a bar."""
    figures = [(0, 1, 2, 3, 2, 1, 2, 1), (0, 2, 1, 3, 2, 3, 1, 2), (0, 1, 3, 2, 0, 2, 3, 1), (3, 2, 1, 0, 1, 2, 3, 2)]

    def play(bar: Bar) -> Iterator[Note]:
        figure = figures[bar.pattern % len(figures)]
        for step in range(steps):
            pitch = bar.chord[figure[step % 8] % len(bar.chord)] + octave
            accent = 1.0 if step % (steps // 2) == 0 else 0.78
            loud = gain * accent * bar.chance.uniform(0.85, 1.0)
            late = bar.chance.uniform(0, 0.02)  # hands are not clocks
            held = BEATS - step * BEATS / steps  # until the chord changes
            yield Note(instrument, step * BEATS / steps + late, pitch, held, loud, 0.5 * np.sin(step * 2.4))

    return play


def melody(instrument: str, gain: float) -> Player:
    """A player of a short tune that comes back every four bars."""
    rhythms = [(0, 1.5, 3), (0, 2), (0.5, 1.5, 2.5), (0, 1, 2, 3.5), (0, 2.5)]

    def play(bar: Bar) -> Iterator[Note]:
        if bar.number % 4 == 3:
            return  # it breathes
        tune = np.random.default_rng([bar.pattern, bar.number % 4])
        line = int(tune.integers(0, 3))
        beats = rhythms[(bar.pattern + bar.number % 2) % len(rhythms)]
        for beat in beats:
            tones = [pitch for pitch in bar.scale if pitch % 12 in {tone % 12 for tone in bar.chord}]
            pitch = tones[line % len(tones)] if beat == beats[0] else bar.scale[(2 * line + 1) % len(bar.scale)]
            yield Note(instrument, beat, pitch, 1.5, gain * bar.chance.uniform(0.85, 1.0), 0.15)
            line += int(tune.choice((-1, 1, 1)))

    return play


def long_bass(bar: Bar) -> Iterator[Note]:
    yield Note("bass", 0, bar.root, BEATS - 0.1, 0.42)


def walking_bass(bar: Bar) -> Iterator[Note]:
    for beat, step, gain in ((0, 0, 0.42), (1.5, 0, 0.30), (2, 7, 0.34), (3.5, 0, 0.26)):
        yield Note("bass", beat, bar.root + step, 0.9, gain)


def pulsing_bass(bar: Bar) -> Iterator[Note]:
    for step in range(8):
        yield Note("bass", step / 2, bar.root, 0.42, 0.38 if step % 4 == 0 else 0.26)


def beat(bar: Bar) -> Iterator[Note]:
    """A light kit: it carries, it does not march."""
    for place in (0, 2) if bar.pattern % 2 else (0, 1.75, 2):
        yield Note("kick", place, 36, 1, 0.55 if place in (0, 2) else 0.30)
    for step in range(8):
        yield Note("shaker", step / 2, 60, 1, (0.13 if step % 2 else 0.08) * bar.chance.uniform(0.8, 1.0), 0.3)
    for place in (1, 3):
        yield Note("snap", place, 60, 1, 0.20, -0.2)


def drums_afar(bar: Bar) -> Iterator[Note]:
    yield Note("boom", 0, 36, 1, 0.55)
    if bar.number % 2:
        yield Note("boom", 2.5, 36, 1, 0.28)
        yield Note("boom", 3.5, 36, 1, 0.36)


class Manner(NamedTuple):
    """The manner of a mood: tempo, key, chords and players."""

    tempo: tuple[float, float]
    "Slowest and fastest, in beats per minute."
    scale: Sequence[int]
    progressions: Sequence[Sequence[int]]
    "Scale degrees, one a bar."
    colour: int
    "The scale step above the root that is added to the plain chord; 7 is the octave."
    players: Sequence[tuple[float, Player]]
    "Players, each with the fullness of the bar (0 to 1) from which it plays."


MANNERS: dict[Mood, Manner] = {
    "calm": Manner(
        (62, 72),
        MAJOR,
        [(0, 4, 5, 3), (0, 5, 3, 4), (0, 2, 3, 0), (3, 0, 4, 5), (5, 3, 0, 4)],
        8,
        [(0.0, pads), (0.2, arpeggio("keys", 8, 0.30)), (0.45, long_bass), (0.7, melody("keys", 0.34))],
    ),
    "uplifting": Manner(
        (100, 114),
        MAJOR,
        [(0, 4, 5, 3), (5, 3, 0, 4), (3, 0, 4, 5), (0, 3, 5, 4), (0, 5, 3, 4)],
        8,
        [
            (0.0, pads),
            (0.2, arpeggio("pluck", 8, 0.34)),
            (0.45, pulsing_bass),
            (0.6, beat),
            (0.7, melody("keys", 0.34)),
            (0.9, arpeggio("pluck", 16, 0.18, octave=12)),
        ],
    ),
    "dramatic": Manner(
        (72, 84),
        MINOR,
        [(0, 5, 2, 6), (0, 3, 5, 6), (0, 5, 3, 4), (0, 6, 5, 6), (0, 2, 5, 6)],
        7,
        [
            (0.0, bowed),
            (0.2, arpeggio("keys", 4, 0.26)),
            (0.45, long_bass),
            (0.45, arpeggio("spiccato", 8, 0.26, octave=-12)),
            (0.7, drums_afar),
            (0.9, melody("strings", 0.16)),
        ],
    ),
    "playful": Manner(
        (106, 120),
        MAJOR,
        [(0, 5, 1, 4), (0, 3, 1, 4), (0, 4, 3, 4), (0, 2, 3, 4), (0, 5, 3, 4)],
        5,
        [
            (0.0, arpeggio("pluck", 8, 0.30)),
            (0.2, walking_bass),
            (0.45, beat),
            (0.6, melody("marimba", 0.42)),
            (0.9, pads),
        ],
    ),
}
