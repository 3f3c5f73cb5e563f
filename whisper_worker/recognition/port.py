"""The port to a recogniser: it hears what is said."""

from typing import NamedTuple, Protocol

import numpy as np

from whisper_worker.tts.port import SpokenWord


class Heard(NamedTuple):
    """Speech as a recogniser heard it."""

    language: str
    "Tag of the language that was given or detected."
    words: list[SpokenWord]
    "In order; 0 <= start < end, and none begins before the last one ends. None if nothing was said."

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


class Recogniser(Protocol):
    """Hears words in sound. Raises `Retryable` if it may work in a moment, `Permanent` otherwise."""

    name: str
    version: str
    "Of the recogniser and its model: whatever changes what it hears."

    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        """The words of mono float32 sound; `language` None lets it find out.

        Memory is bounded, however long the sound is.
        """
        ...
