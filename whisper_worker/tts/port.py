"""The port to a text-to-speech engine."""

from typing import NamedTuple, Protocol

import numpy as np


class SpokenWord(NamedTuple):
    """A word as written and the seconds, from the start of the sound, during which it is heard."""

    text: str
    start: float
    end: float


class Speech(NamedTuple):
    """Spoken text, as the engine made it."""

    samples: np.ndarray
    "Mono float32, full scale is 1."
    rate: int
    "Samples per second."
    words: list[SpokenWord]
    "One per `words_of(text)`, in order: 0 <= start < end <= length, and none begins before the last one ends."
    voice: str
    "The full name of the voice that spoke."


class Engine(Protocol):
    """A voice, or many. Raises `Permanent` for a language or voice it lacks, `NotConfigured` if it cannot run."""

    name: str

    def voices(self) -> list[str]:
        """Names that `speak` takes as a voice, each of which speaks some language."""
        ...

    def speak(self, text: str, language: str, voice: str | None, pace: float) -> Speech:
        """Speaks plain text: markup in it is words. `pace` 1.0 is the rate the engine speaks best at.

        Text with nothing to pronounce gives a short silence. `voice` None is the default of the language,
        and equal texts spoken by it give equal sound.
        """
        ...
