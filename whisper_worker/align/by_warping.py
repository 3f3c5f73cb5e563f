"""An aligner that needs no model: espeak-ng speaks the text, and the recording is compared with that."""

import logging
import math

from common.contracts.storyboard import words_of
from common.errors import Permanent
from whisper_worker.align.features import Frames, frames_of
from whisper_worker.align.matching import match, pace_of
from whisper_worker.align.pauses import pauses, threshold
from whisper_worker.align.port import Aligner, Timed
from whisper_worker.align.reference import Reference, speak_reference
from whisper_worker.align.words import times_of
from whisper_worker.tts.port import Engine, Speech, SpokenWord

log = logging.getLogger(__name__)

ALIKE = 0.1
"Difference of the logarithms of two paces that does no harm."
DOUBTED = 0.93
"""`Match.doubt` from which the recording says something else. Texts that fit were at 0.53 to 0.89, the highest of them
with noise 3 dB under the voice; others at 0.96 to 1.01."""
LEAST = 20
"Frames of sound that both must have."


class Unlike(Exception):
    """The recording cannot be compared with the text; the message says why."""


class ByWarping:
    """Compares with what `reader` says, whose word times are known; where that does not help, asks another aligner."""

    name = "dtw"

    def __init__(self, reader: Engine, otherwise: Aligner) -> None:
        self._reader = reader
        self._otherwise = otherwise

    def align(self, speech: Speech, text: str, language: str) -> list[SpokenWord]:
        return self.timed(speech, text, language).words

    def timed(self, speech: Speech, text: str, language: str) -> Timed:
        if not words_of(text):
            return Timed([], self.name)
        try:
            return Timed(self._compared(speech, text, language), self.name)
        except (Unlike, Permanent) as error:
            log.info("words are timed by the aligner %s: %s", self._otherwise.name, error)
            return self._otherwise.timed(speech, text, language)

    def _compared(self, speech: Speech, text: str, language: str) -> list[SpokenWord]:
        """Raises `Unlike` if the recording does not say the text, `Permanent` for a language the reader lacks."""
        recording = _with_sound(frames_of(speech.samples, speech.rate), "the recording")
        reference = self._spoken_like(recording, text, language)
        found = match(recording, reference.frames)
        if found.doubt > DOUBTED:
            raise Unlike(f"the recording does not sound like the text ({found.doubt:.2f}, at most {DOUBTED})")
        total = len(speech.samples) / speech.rate
        return times_of(words_of(text), reference.starts, found, pauses(recording.loudness), total)

    def _spoken_like(self, recording: Frames, text: str, language: str) -> Reference:
        """The text, spoken about as fast as in the recording."""
        usual = speak_reference(self._reader, text, language, 1.0)
        pace = pace_of(recording, _with_sound(usual.frames, "the text as it is read"))
        return usual if abs(math.log(pace)) < ALIKE else speak_reference(self._reader, text, language, pace)


def _with_sound(frames: Frames, name: str) -> Frames:
    if (frames.loudness > threshold(frames.loudness)).sum() < LEAST:
        raise Unlike(f"{name} has no sound")
    return frames
