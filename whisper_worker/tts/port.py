"""The port to a text-to-speech engine."""

from typing import NamedTuple, Protocol

import numpy as np

from common.contracts.voice import Voice


class SpokenWord(NamedTuple):
    """A word as written and the seconds, from the start of the sound, during which it is heard."""

    text: str
    start: float
    end: float


class Speech(NamedTuple):
    """Spoken text, as the engine made it."""

    samples: np.ndarray
    "Mono float32, full scale is 1; silence before the first word and after the last is cut off."
    rate: int
    "Samples per second."
    words: list[SpokenWord] | None
    """One per `words_of(text)`, in order: 0 <= start < end <= length, and none begins before the last one ends.
    None for an engine that does not know: an aligner finds out (`whisper_worker/align`)."""
    voice: str
    "The full name of the voice that spoke."


class Manner(NamedTuple):
    """How something is to be said."""

    pace: float = 1.0
    "1.0 is the rate that the engine speaks best at."
    pitch: float = 0.0
    "Semitones above the voice's own; an engine that does not bend ignores it."


AS_IT_IS = Manner()


class Engine(Protocol):
    """Voices of one make.

    Raises `Permanent` for a language or voice it lacks, `NotConfigured` if it cannot run, `VoiceUnavailable` if it will
    not speak now, and `Retryable` if it may in a moment. After all but the first another engine is tried.
    """

    name: str
    "The one that SPEECH_ENGINES knows it by."
    version: str
    "Of the engine and its data: whatever changes its sound. No speaker of a film has narrations of two versions."
    bends: bool
    "True if it can speak higher and lower."

    def voices(self) -> list[Voice]:
        """The voices that `speak` takes, with different ids. Workers register them, so 20 kB of JSON are the limit."""
        ...

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        """Speaks plain text: markup in it is words.

        `language` is a tag; a longer or shorter form of one that the engine has will do. `voice` is the id of a voice,
        in any case of letters; None is the default of the language, and equal texts spoken by it give equal sound.
        Text with nothing to pronounce gives a short silence.
        """
        ...
