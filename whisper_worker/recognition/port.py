"""The port to a recogniser: it hears what is said."""

from typing import NamedTuple, Protocol

import numpy as np

from whisper_worker.tts.port import SpokenWord

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})
"Languages that are written without spaces between words."


class Heard(NamedTuple):
    """Speech as a recogniser heard it."""

    language: str
    "Tag of the language that was given or detected."
    words: list[SpokenWord]
    "In order; 0 <= start < end, and none begins before the last one ends. None if nothing was said."

    @property
    def text(self) -> str:
        return ("" if self.language.partition("-")[0] in UNSPACED else " ").join(word.text for word in self.words)


class Recogniser(Protocol):
    """Hears words in sound. Raises `Retryable` if it may work in a moment, `Permanent` otherwise."""

    name: str
    version: str
    "Of the recogniser and its model: whatever changes what it hears. It has no spaces."

    def knows(self, language: str) -> bool:
        """True if it hears this language, a tag; a longer form of one that it hears will do."""
        ...

    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        """The words of mono sound, float32 or int16, maybe on disk; `language` None lets it find out.

        Memory is bounded, however long the sound is.
        """
        ...
