"""Narrations that users have recorded: what is said in them when, and the part of one that a scene takes."""

from common.contracts.base import Contract, ObjectRef
from common.contracts.narration import Word

CHUNK = 60 * 48_000
"Samples of each stored part of a recording but the last."


class Transcript(Contract):
    """A recording, decoded and timed. Times are samples at 48 kHz from its start."""

    language: str
    words: tuple[Word, ...]
    "As in `Narration`: for a text, one entry per word of it."
    samples: int
    chunks: tuple[ObjectRef, ...]
    "48 kHz mono 16-bit WAV, each of `CHUNK` samples; the last one of the rest. None where only the words are wanted."
    timed_by: str
    "What found the times."


class Take(Contract):
    """The part of a recording that is the narration of a scene. Times are samples at 48 kHz."""

    chunks: tuple[ObjectRef, ...]
    "Those that it lies in, in order."
    start: int
    "From the start of the first of them."
    samples: int
    words: tuple[Word, ...]
    "From the start of the take; one per word of the narration."
    timed_by: str
