"""No voice: silence in which the words can be read."""

import numpy as np

from common.contracts.storyboard import words_of
from common.contracts.voice import NO_VOICE, SILENT, Voice
from common.errors import Permanent
from common.settings import Settings
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech, SpokenWord
from whisper_worker.tts.timing import NOTHING_SAID

RATE = 24_000
SIGNS_PER_SECOND = 15.0
"An easy rate to read subtitles at; editors of subtitles allow 17 to 20 characters a second."
SHORTEST = 1.0
"Seconds for which a text stands at the least."
SLOWEST, FASTEST = 0.5, 2.0


class Silent:
    """For films without a voice: captions at reading speed, and nothing to hear."""

    name = NO_VOICE
    version = "1"
    bends = False

    def __init__(self, settings: Settings) -> None:
        pass

    def voices(self) -> list[Voice]:
        return [Voice(id=NO_VOICE, name="No voice: the words can be read", language=SILENT)]

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        if voice is not None and voice.lower() != NO_VOICE:
            raise Permanent(f'voice "{voice}" is unknown to the engine without one; try for example "{NO_VOICE}"')
        if voice is None and language.lower() != SILENT:
            raise Permanent(f'language "{language}" is not spoken without a voice; try for example "{SILENT}"')
        words = words_of(text)
        pace = min(FASTEST, max(SLOWEST, manner.pace))
        shares = np.cumsum([0.0, *(len(word) + 1 for word in words)])
        seconds = max(SHORTEST, float(shares[-1]) / SIGNS_PER_SECOND / pace) if words else NOTHING_SAID
        times = shares / shares[-1] * seconds if words else shares
        spoken = [SpokenWord(word, *times[place : place + 2].tolist()) for place, word in enumerate(words)]
        return Speech(np.zeros(round(seconds * RATE), np.float32), RATE, spoken, NO_VOICE)
