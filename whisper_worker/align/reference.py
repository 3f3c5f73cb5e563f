"""The text as espeak-ng speaks it: what it sounds like, and when each word is heard."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from whisper_worker.align.features import HOP, Frames, frames_of, joined
from whisper_worker.tts.port import Engine, Manner

LEAST = 400
"Characters of text that are spoken at once at the least, so that long texts need no long sound."
SENTENCE_ENDS = ".!?…。"


class Reference(NamedTuple):
    frames: Frames
    starts: np.ndarray
    "Where each word begins: a number of a frame, with fractions."


def speak_reference(engine: Engine, text: str, language: str, pace: float) -> Reference:
    """Raises what the engine raises: `Permanent` for a language that it lacks."""
    frames: list[Frames] = []
    starts: list[float] = []
    count = 0
    for piece in pieces(text):
        speech = engine.speak(piece, language, None, Manner(pace))
        frames.append(frames_of(speech.samples, speech.rate))
        starts += [count + word.start / HOP for word in speech.words or ()]
        count += len(frames[-1].loudness)
    return Reference(joined(frames), np.array(starts))


def pieces(text: str) -> Iterator[str]:
    """The text in parts that end with a sentence; together they have its words."""
    begin = 0
    for word in re.finditer(r"\S+", text):
        if word.end() - begin >= LEAST and word[0].rstrip("\"')”’»")[-1:] in SENTENCE_ENDS:
            yield text[begin : word.end()]
            begin = word.end()
    if text[begin:].strip():
        yield text[begin:]
