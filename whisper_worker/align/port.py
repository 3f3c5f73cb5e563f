"""The port to an aligner: it finds out when words are heard."""

from typing import NamedTuple, Protocol

from whisper_worker.tts.port import Speech, SpokenWord


class Timed(NamedTuple):
    """Words with their times, and who found them."""

    words: list[SpokenWord]
    by: str
    "The name of an aligner: of a simpler one if the one that was asked could not."
    compared: bool = True
    "False for times that nothing but pauses were heard for."


class Aligner(Protocol):
    """Finds out when words are heard in speech whose engine does not know.

    Any sound and any text get times, also if the one has nothing to do with the other. An aligner that gives other
    times raises the recipe of `speak`.
    """

    name: str
    "Under which its times are known."

    def align(self, speech: Speech, text: str, language: str) -> list[SpokenWord]:
        """One per word of the text, as `Speech.words` must be. `language` is the tag of the text's."""
        ...

    def timed(self, speech: Speech, text: str, language: str) -> Timed:
        """The same, with the name of the aligner that really found them."""
        ...
