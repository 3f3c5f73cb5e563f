"""Speech of a model that speaks phonemes: text in, sound and word times out. Pure but for the model.

A long text is spoken in pieces, so memory does not grow with it but for the sound itself.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from common.contracts.storyboard import words_of
from whisper_worker.tts.onsets import first_heard, heard_start
from whisper_worker.tts.port import SpokenWord
from whisper_worker.tts.readings import readings
from whisper_worker.tts.timing import LOUD, NOTHING_SAID, Mark, time_words, trim
from whisper_worker.tts.wording import GAP, NOBODY, owners

LONGEST = 400
"Characters that are spoken at once at most, if a word is not longer: about 25 seconds."
SENTENCE_ENDS, CLAUSE_ENDS = ".!?…", ",;:)—"
AFTER_A_SENTENCE, ELSEWHERE = 0.30, 0.10
"Seconds of silence after a sentence, and where a long one had to be cut, at a pace of 1."
NOWHERE = float("inf")
GAP_PARTS = 3
"In each of so many parts of a gap something must be heard if it is no pause."
CEILING = 0.95
"Peak of the sound; louder sound is made quieter as a whole."


_phonemising = threading.Lock()
"espeak-ng has global state, and the models of a process share it."


class Sound(NamedTuple):
    samples: np.ndarray
    "Mono float32."
    edges: np.ndarray | None
    "The sample at which each phoneme begins; None from a model that does not tell."


class Model(Protocol):
    """A voice that speaks phonemes, each a short string; gaps between words are `GAP`."""

    rate: int
    language: str

    def phonemes(self, text: str) -> list[list[str]]:
        """Of each sentence; nothing for a text that is not pronounced."""
        ...

    def sound(self, phonemes: Sequence[str], pace: float) -> Sound:
        """Equal phonemes give equal sound. A pace of 1 is the voice's own."""
        ...


class Said(NamedTuple):
    """A sentence."""

    sound: Sound
    owners: list[int]
    "The number of the word, among all of the text, that each phoneme belongs to."
    pause: float
    "Seconds of silence after it, at a pace of 1."


def spoken(model: Model, text: str, pace: float) -> tuple[np.ndarray, list[SpokenWord] | None]:
    """The sound and the time of each of `words_of(text)`; None if the model does not tell."""
    parts: list[np.ndarray] = []
    marks: list[tuple[int, float]] = []
    length, pause, told = 0, 0.0, True
    for said in _sentences(model, text, pace):
        samples, cut = trim(said.sound.samples, model.rate)
        if not np.any(samples):
            continue
        parts += [np.zeros(round(pause / pace * model.rate), np.float32), samples]
        length += len(parts[-2])
        told = told and said.sound.edges is not None
        marks += [(word, length / model.rate + at - cut) for word, at in _starts(said, model.rate)]
        length, pause = length + len(samples), said.pause
    sound = _below_ceiling(np.concatenate(parts)) if parts else np.zeros(int(NOTHING_SAID * model.rate), np.float32)
    return sound, _timed(text, marks, sound, model.rate) if told else None


def _sentences(model: Model, text: str, pace: float) -> Iterator[Said]:
    read = readings(words_of(text), model.language)
    for first, last in pieces(read, LONGEST):
        with _phonemising:
            found = model.phonemes(" ".join(read[first:last]))
            alone = [[sign for part in model.phonemes(word) for sign in part] for word in read[first:last]]
        belongs = owners([sign for part in found for sign in (*part, GAP)], alone)
        place = 0
        for number, part in enumerate(found):
            own = [first + word if word != NOBODY else NOBODY for word in belongs[place : place + len(part)]]
            place += len(part) + 1
            cut = number == len(found) - 1 and _worth(read[last - 1]) < 2
            if part:
                yield Said(model.sound(part, pace), own, ELSEWHERE if cut else AFTER_A_SENTENCE)


def _is_heard(samples: np.ndarray, begin: float, end: float) -> bool:
    """True if there is sound in this stretch, all through it; false for none."""
    if begin >= end:
        return False
    blocks = np.array_split(np.abs(samples[int(begin) : int(end)]), GAP_PARTS)
    return all(block.size and block.max() > LOUD for block in blocks)


def pieces(words: Sequence[str], longest: int) -> Iterator[tuple[int, int]]:
    """First word, and the one after the last, of each part that is spoken at once: cut where the voice would pause."""
    first = 0
    while first < len(words):
        end = _reach(words, first, longest)
        if end < len(words):
            places = range(first + (end - first) // 2, end)
            end = max(places, key=lambda place: (_worth(words[place]), place)) + 1
        yield first, end
        first = end


def _reach(words: Sequence[str], first: int, longest: int) -> int:
    """The end of the longest part from a word on that may be spoken at once; it has a word at least."""
    size, end = 0, first
    while end < len(words) and (end == first or size + len(words[end]) <= longest):
        size += len(words[end]) + 1
        end += 1
    return end


def _worth(word: str) -> int:
    """How good it is to cut after a word."""
    end = word.rstrip("\"'”’»")[-1:]
    if end and end in SENTENCE_ENDS:
        return 2
    return 1 if end and end in CLAUSE_ENDS else 0


def _starts(said: Said, rate: int) -> Iterator[tuple[int, float]]:
    """The words of a sentence and when each begins, in seconds from the start of its sound."""
    if said.sound.edges is None:
        return
    last, gap = NOBODY, NOWHERE
    for owner, edge in zip(said.owners, said.sound.edges, strict=True):
        if owner not in (NOBODY, last):
            # What is heard before the first word is its beginning: models let it wait, and are not sure for how long.
            start = first_heard(said.sound.samples) if last == NOBODY else float(edge)
            heard = heard_start(said.sound.samples, rate, start / rate, last == NOBODY or gap < NOWHERE)
            # Without a pause a word begins in the gap before it: models give it the hiss or the stop of the beginning.
            yield owner, gap / rate if last != NOBODY and _is_heard(said.sound.samples, gap, start) else heard
            last = owner
        gap = NOWHERE if owner != NOBODY else min(gap, float(edge))


def _timed(text: str, marks: Sequence[tuple[int, float]], samples: np.ndarray, rate: int) -> list[SpokenWord]:
    opens = [match.start() for match in re.finditer(r"\S+", text)]
    return time_words(text, [Mark(opens[word], at) for word, at in marks], samples, rate)


def _below_ceiling(samples: np.ndarray) -> np.ndarray:
    peak = float(np.abs(samples).max())
    return samples * np.float32(CEILING / peak) if peak > CEILING else samples
