"""The composer of the bed under the voice: from a mood, a seed and a length to sound. Pure.

A piece is a plan (key, tempo, chords, how full each bar is), each bar of it a handful of notes, and the
notes are mixed bar by bar, so that an hour of music needs no more memory than a minute.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from common.contracts.grid import SAMPLE_RATE
from common.contracts.request import Mood
from renderer.sound.players import BEATS, MAJOR, MANNERS, Bar, Note
from renderer.sound.synth import INSTRUMENTS, LONGEST_RING, room

FADE_IN, FADE_OUT = 0.05, 2.5
"Seconds. The first notes start softly of themselves."
RING = 4.5
"Seconds that the last chord may ring."
LEVEL = 0.36
HEADROOM = 0.70
"Amplitude from which peaks are rounded off."
REVERBERATION = 2.6
"Seconds."
ARCH = (0.75, 1.0, 0.8, 0.5, 0.75, 1.0, 1.0, 0.6)
"Fullness of the phrases between the opening and the close."
SENDS = {"pad": 0.17, "strings": 0.20, "spiccato": 0.18, "keys": 0.17, "pluck": 0.15, "marimba": 0.14, "boom": 0.15}
"The share of each instrument that goes into the room; the others stay dry."


def compose(mood: Mood, seed: int, seconds: float) -> np.ndarray:
    """The whole piece, float32 (samples, 2) at 48 kHz. Equal arguments give equal sound."""
    return np.concatenate(list(compose_blocks(mood, seed, seconds)))


def compose_blocks(mood: Mood, seed: int, seconds: float) -> Iterator[np.ndarray]:
    """The piece as `compose` gives it, a bar at a time."""
    total = round(seconds * SAMPLE_RATE)
    done = 0
    for block in _mixed(_Piece(mood, seed, seconds)):
        part = block[:, : total - done]
        finished = _rounded(part * LEVEL) * _fades(done, part.shape[1], total)
        yield np.ascontiguousarray(finished.T)
        done += part.shape[1]


class _Piece:
    """The plan of a piece: what is played in each of `bars` bars, and the last chord after them."""

    def __init__(self, mood: Mood, seed: int, seconds: float) -> None:
        self.chance = np.random.default_rng([seed, *mood.encode()])
        self.manner = MANNERS[mood]
        ring = min(RING, seconds / 2)
        usual = BEATS * 60 / self.chance.uniform(*self.manner.tempo)
        self.bars = round((seconds - ring) / usual)
        # The tempo gives way a little, so that the last chord falls where it can ring out.
        self.seconds = (seconds - ring) / self.bars if self.bars else usual
        self.ring = seconds - self.bars * self.seconds
        self.key = 48 + int(self.chance.integers(-5, 6))
        self.pattern = int(self.chance.integers(0, 60))
        order = self.chance.permutation(len(self.manner.progressions))
        self._first, self._second = (self.manner.progressions[int(index)] for index in order[:2])
        self._phrase = 4 if self.bars >= 20 else 2 if self.bars >= 6 else 1
        self._voicing = [self.key + 12, self.key + 16, self.key + 19]

    def notes(self, index: int) -> Iterator[Note]:
        """Bar after bar in order, for each chord leads on from the one before; bar `bars` is the last chord."""
        closing = index == self.bars
        section = self._second if index % 16 >= 8 else self._first
        bar = self._bar(index, 0 if closing else section[index % 4])
        if closing:
            yield from self._last_chord(bar)
            return
        for fullness, player in self.manner.players:
            if self._fullness(index) >= fullness:
                yield from player(bar)

    def _fullness(self, index: int) -> float:
        phrase, last = index // self._phrase, (self.bars - 1) // self._phrase
        if phrase == 0:
            return 0.3
        if phrase in (1, last):
            return 0.6 if phrase == last else 0.5
        return ARCH[(phrase - 2) % len(ARCH)]

    def _bar(self, index: int, degree: int) -> Bar:
        triad = [self._pitch(degree + step) for step in (0, 2, 4)]
        colour = self._pitch(degree + self.manner.colour)
        # A semitone inside the chord would grate.
        clashes = any((colour - pitch) % 12 in (1, 11) for pitch in triad)
        self._voicing = _nearest(triad if clashes else [*triad, colour], self._voicing, self.key + 14)
        root = self._pitch(degree) - 12
        low = root - 12 if root > self.key + 2 else root
        return Bar(index, self._voicing, low, self._tune_pitches(), self.pattern, self.chance)

    def _tune_pitches(self) -> list[int]:
        """The five notes of the key that go with every chord, around the octave above middle C."""
        five = (0, 1, 2, 4, 5, 7) if self.manner.scale == MAJOR else (0, 2, 3, 4, 6, 7)
        lift = 12 * round((66 - self.key) / 12)
        return [self._pitch(step) + lift for step in five]

    def _pitch(self, step: int) -> int:
        octave, place = divmod(step, 7)
        return self.key + 12 * octave + self.manner.scale[place]

    def _last_chord(self, bar: Bar) -> Iterator[Note]:
        """The home chord, rolled softly, with the bass under it."""
        hold = self.ring / self.seconds * BEATS
        for order, pitch in enumerate(bar.chord):
            yield Note("pad", 0, pitch - 0.03, hold, 0.085, -0.55)
            yield Note("pad", 0, pitch + 0.03, hold, 0.085, 0.55)
            yield Note("keys", 0.12 * order, pitch, hold, 0.30, 0.3 * (order - 1.5))
        yield Note("bass", 0, bar.root, hold, 0.40)


def _nearest(pitches: Sequence[int], before: Sequence[int], centre: int) -> list[int]:
    """The chord in the octaves that move least from the chord before and stay near `centre`."""
    middle = 0.5 * centre + 0.5 * float(np.mean(before))
    placed = {pitch + 12 * round((middle - pitch) / 12) for pitch in pitches}
    return sorted(placed)


def _mixed(piece: _Piece) -> Iterator[np.ndarray]:
    """The bars of a piece, each (2, samples), with what still rings from the bars before."""
    play = lru_cache(maxsize=96)(lambda name, pitch, held: INSTRUMENTS[name](pitch, held))
    lengths = np.diff(np.round(np.arange(piece.bars + 1) * piece.seconds * SAMPLE_RATE).astype(int)).tolist()
    lengths.append(round(piece.ring * SAMPLE_RATE) + 1)
    echo = _Room(REVERBERATION, max(lengths))
    longest = 3 * max(lengths) + int(LONGEST_RING * SAMPLE_RATE)
    beat = piece.seconds / BEATS
    dry: np.ndarray = np.zeros((2, 0), np.float32)
    sent = dry
    for number, length in enumerate(lengths):
        dry, sent = _extended(dry, longest), _extended(sent, longest)
        for note in piece.notes(number):
            sound = play(note.instrument, note.pitch, round(note.beats * beat, 4))
            stereo = (note.gain * _panned(note.pan))[:, None] * sound
            start = round(note.beat * beat * SAMPLE_RATE)
            dry[:, start : start + len(sound)] += stereo
            if send := SENDS.get(note.instrument):
                sent[:, start : start + len(sound)] += np.float32(send) * stereo
        yield dry[:, :length] + echo.answer(sent[:, :length])
        dry, sent = dry[:, length:], sent[:, length:]


class _Room:
    """Reverberation of a sound that comes in blocks."""

    def __init__(self, seconds: float, longest: int) -> None:
        response = room(seconds, seed=7).astype(np.float32)
        self._size = _transformable(response.shape[1] + longest)
        self._response = np.fft.rfft(response, self._size)
        self._pending: np.ndarray = np.zeros((2, 0), np.float32)

    def answer(self, block: np.ndarray) -> np.ndarray:
        length = block.shape[1]
        echo = np.fft.irfft(np.fft.rfft(block, self._size) * self._response)
        echo[:, : self._pending.shape[1]] += self._pending
        self._pending = echo[:, length:].copy()
        return echo[:, :length]


def _transformable(length: int) -> int:
    """The least length from `length` on that is a power of two, or five or six eighths of one; others take longer."""
    power = 1 << (length - 1).bit_length()
    return next(size for size in (power * 5 // 8, power * 3 // 4, power) if size >= length)


def _extended(buffer: np.ndarray, length: int) -> np.ndarray:
    return np.pad(buffer, ((0, 0), (0, max(0, length - buffer.shape[1]))))


def _panned(pan: float) -> np.ndarray:
    """Gains of left and right at equal power."""
    angle = (pan + 1) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def _rounded(sound: np.ndarray) -> np.ndarray:
    """Leaves what is below HEADROOM as it is and bends peaks so that nothing reaches full scale."""
    room_left = 1 - HEADROOM
    over = np.maximum(np.abs(sound) - HEADROOM, 0)
    return np.sign(sound) * (np.minimum(np.abs(sound), HEADROOM) + room_left * np.tanh(over / room_left))


def _fades(start: int, count: int, total: int) -> np.ndarray:
    """Gain of samples `start` to `start + count` of a piece of `total`."""
    place = np.arange(start, start + count)
    fade_in = np.clip(place / (FADE_IN * SAMPLE_RATE), 0, 1)
    fade_out = np.clip((total - 1 - place) / (min(FADE_OUT * SAMPLE_RATE, total / 3)), 0, 1)
    return np.asarray(fade_in * np.sin(np.pi / 2 * fade_out) ** 2, np.float32)
