"""The spoken audio of one scene, with the time of each word."""

from common.contracts.base import Contract, ObjectRef

SILENCE = -60.0
"LUFS at which nothing is heard."


class Word(Contract):
    """A word as written, and its span in samples (48 kHz, from the start of the narration)."""

    text: str
    start: int
    end: int


class Narration(Contract):
    """The facts of a `speak` step. `words` has one entry per `words_of(text)`, in order, not overlapping."""

    audio: ObjectRef
    "48 kHz mono 16-bit WAV, levelled."
    samples: int
    words: tuple[Word, ...]
    voice: str
    engine: str
    loudness: float
    "Integrated, in LUFS, as stored."
    misread: float | None = None
    "Word error rate with which a recogniser heard it; None if none did."
    timed_by: str = ""
    "What found the times: `engine`, or the name of a recogniser or an aligner."

    @property
    def silent(self) -> bool:
        """True if nothing is heard of it, as in a film without a voice."""
        return self.loudness <= SILENCE
