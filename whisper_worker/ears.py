"""A narration as it is heard: how much of it is understood, and when its words are said."""

import logging
from typing import NamedTuple

import numpy as np

from common.contracts.storyboard import words_of
from common.errors import StepError
from whisper_worker.align.port import Aligner, Timed
from whisper_worker.recognition.matching import timed
from whisper_worker.recognition.misreading import misread, words_for_comparing
from whisper_worker.recognition.port import Heard, Recogniser
from whisper_worker.tts.port import Speech
from whisper_worker.tts.timing import LOUD

log = logging.getLogger(__name__)

ENGINE = "engine"
"What times words that the engine has timed itself."
LIMIT, LIMIT_OF_ENGLISH = 0.6, 0.45
"""Word error rates above which a narration is taken for unintelligible. The smallest model mishears an eighth of what
espeak-ng says, and of names and of languages that it has heard little of much more; people understand these."""
FEW_WORDS = 5
"A text with fewer is not judged: one misheard word would be a third of it."


class Hearing(NamedTuple):
    """What was heard of a narration."""

    heard: Heard | None
    "None if nobody listened, or who did could not."
    misread: float | None
    "Word error rate."
    understood: bool
    "False if too much was heard as something else."


NOT_HEARD = Hearing(None, None, True)


class Ears:
    """A recogniser, where there is one, and an aligner. A recogniser that fails is done without."""

    def __init__(self, aligner: Aligner, recogniser: Recogniser | None = None, reads_back: bool = True) -> None:
        self._aligner, self._recogniser = aligner, recogniser
        self._reads_back = reads_back

    def read_back(self, speech: Speech, text: str, language: str) -> Hearing:
        """Listens to a narration, unless that is not wanted; then only for times that the engine does not know."""
        return self._listen(speech, text, language) if self._reads_back or speech.words is None else NOT_HEARD

    def times(self, speech: Speech, text: str, language: str, hearing: Hearing | None = None) -> Timed:
        """The times of all words of the text. `hearing` is what was heard already.

        The aligner is more exact than a recogniser (docs/adr/0023), except where it cannot compare sound and text.
        """
        if speech.words is not None:
            return Timed(speech.words, ENGINE)
        aligned = self._aligner.timed(speech, text, language)
        if aligned.compared or self._recogniser is None:
            return aligned
        found = hearing or self._listen(speech, text, language)
        if found.heard is None or not found.heard.words or not found.understood:
            return aligned
        seconds = len(speech.samples) / speech.rate
        return Timed(timed(words_of(text), found.heard.words, seconds), self._recogniser.name)

    def _listen(self, speech: Speech, text: str, language: str) -> Hearing:
        recogniser = self._recogniser
        if recogniser is None or not np.any(np.abs(speech.samples) > LOUD):
            return NOT_HEARD
        try:
            if not recogniser.knows(language):
                return NOT_HEARD
            heard = recogniser.hear(speech.samples, speech.rate, language)
        except StepError as error:
            log.warning("the narration was not heard: %s", error)
            return NOT_HEARD
        rate = misread(text, heard.text, language)
        few = len(words_for_comparing(text, language)) < FEW_WORDS
        return Hearing(heard, round(rate, 3), few or rate <= _limit(language))


def _limit(language: str) -> float:
    return LIMIT_OF_ENGLISH if language.lower().partition("-")[0] == "en" else LIMIT
