"""A narration, sentence by sentence: each is spoken alone, and between them the voice rests as it should.

What an engine puts between two sentences differs from engine to engine; so rests are ours.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from common.contracts.storyboard import words_of
from common.contracts.voice import NO_VOICE
from common.prose import Sentence, read
from common.rhythm import at_speed, rest_after
from whisper_worker.tts.port import Engine, Manner, Speech, SpokenWord
from whisper_worker.tts.timing import LEAD, TAIL, trim

FADE = 0.005
"Seconds over which sound rises from silence and falls back to it where two sentences meet, against clicks."


class Passage(NamedTuple):
    """What is to be said, and how."""

    text: str
    language: str
    voice: str | None
    manner: Manner
    last: bool = False
    "True if its last sentence is the last one of the film."


def spoken(engine: Engine, passage: Passage) -> Speech:
    """Speaks a text of one or more sentences. Raises what the engine raises.

    As with the engine itself, there are no times of words if it does not know them.
    """
    said = read(passage.text)
    if len(said) < 2 or engine.name == NO_VOICE:  # silence is read, not heard: it needs no rests
        return engine.speak(passage.text, passage.language, passage.voice, passage.manner)
    speeches = [engine.speak(one.text, passage.language, passage.voice, passage.manner) for one in said]
    rests = [at_speed(rest, passage.manner.pace) for rest in _rests(said, passage.last)]
    return joined(passage.text, speeches, rests)


def _rests(said: Sequence[Sentence], last: bool) -> Iterator[float]:
    """Seconds after each sentence but the last one."""
    for place, (one, following) in enumerate(pairwise(said), 2):
        yield rest_after(one.text, paragraph=following.paragraph, last=last and place == len(said))


def joined(text: str, speeches: Sequence[Speech], rests: Sequence[float]) -> Speech:
    """One speech out of those of its sentences, all of one rate, with `rests` in seconds between them."""
    rate = speeches[0].rate
    parts: list[np.ndarray] = []
    words: list[SpokenWord] | None = []
    length = 0
    for speech, rest in zip(speeches, [*rests, 0.0], strict=True):
        samples, cut = trim(_faded(speech.samples, rate), rate)
        # The sound is faded twice, for an engine may have left none of its own silence at its ends.
        words = _later(words, speech, length / rate - cut)
        # What `trim` leaves around the sound is silence, too, and so a part of the rest.
        pause = max(0, round((rest - LEAD - TAIL) * rate)) if rest else 0
        parts += [_faded(samples, rate), np.zeros(pause, np.float32)]
        length += len(samples) + pause
    sound = np.concatenate(parts)
    return Speech(sound, rate, _whole(text, words) if words is not None else None, speeches[0].voice)


def _later(words: list[SpokenWord] | None, speech: Speech, seconds: float) -> list[SpokenWord] | None:
    """The words with those of the next sentence, which begins so much later; None if any are unknown."""
    if words is None or speech.words is None:
        return None
    begin = words[-1].end if words else 0.0
    for word in speech.words:
        start = max(begin, word.start + seconds)
        words.append(SpokenWord(word.text, start, max(start, word.end + seconds)))
    return words


def _whole(text: str, parts: Sequence[SpokenWord]) -> list[SpokenWord]:
    """The times of `words_of(text)`: in a text without spaces, a word may reach over several sentences."""
    whole: list[SpokenWord] = []
    following = iter(parts)
    for word in words_of(text):
        first = part = next(following)
        heard = part.text
        while len(heard) < len(word):
            part = next(following)
            heard += part.text
        whole.append(SpokenWord(word, first.start, part.end))
    return whole


def _faded(samples: np.ndarray, rate: int) -> np.ndarray:
    """A copy that rises from silence and falls back to it."""
    edge = min(round(FADE * rate), len(samples) // 2)
    rise = np.linspace(0, 1, edge, endpoint=False, dtype=np.float32)
    faded = samples.astype(np.float32)
    faded[:edge] *= rise
    faded[len(faded) - edge :] *= rise[::-1]
    return faded
