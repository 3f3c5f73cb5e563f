"""A speech engine for tests: it hums every word, and does not know when its words are heard."""

from collections.abc import Mapping, Sequence

import numpy as np

from common.contracts.narration import Narration
from common.contracts.steps import SpeakSpec
from common.contracts.voice import Voice
from common.errors import Permanent
from common.settings import Settings
from common.worker.steprun import StepRun
from whisper_worker.align import BySound
from whisper_worker.ears import Ears
from whisper_worker.speak import speak
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech

RATE = 16_000
PER_SIGN, BETWEEN, AT_A_STOP = 0.06, 0.03, 0.25
"Seconds, at a pace of 1."
NOTHING_SAID = 0.4
SLOWEST, FASTEST = 0.6, 1.8
STOPS = ".,;:!?…"
LANGUAGES = ("en", "de", "no", "pt", "zh")
PITCHES = {"low": 110.0, "high": 220.0}


class Hummer:
    """Its voices are its pitches, which hum in any of its languages, and each language at the first pitch.

    Without languages, all are the same to it.
    """

    version = "1"
    bends = True

    def __init__(
        self, name: str = "hum", languages: Sequence[str] = LANGUAGES, pitches: Mapping[str, float] = PITCHES
    ) -> None:
        self.name, self._languages, self._pitches = name, languages, pitches

    def voices(self) -> list[Voice]:
        pitches = [Voice(id=name, name=name.capitalize(), gender="") for name in self._pitches]
        return pitches + [Voice(id=tag, name=f"Hums in {tag}", language=tag) for tag in self._languages]

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        asked = (voice or "").lower()
        if asked and asked not in self._pitches and asked not in self._languages:
            raise Permanent(f'voice "{voice}" is unknown to {self.name}; try for example "en"')
        if asked not in self._languages and not self._has(language):
            raise Permanent(f'language "{language}" is unknown to {self.name}; try for example "en"')
        name = asked if asked in self._pitches else next(iter(self._pitches))
        pitch = self._pitches[name] * 2 ** (manner.pitch / 12)
        samples = hummed(text, pitch, min(FASTEST, max(SLOWEST, manner.pace)))
        return Speech(samples, RATE, None, name)

    def _has(self, language: str) -> bool:
        return not self._languages or any(voice.may_speak(language) for voice in self.voices() if voice.language)


def hummed(text: str, pitch: float, pace: float) -> np.ndarray:
    parts: list[np.ndarray] = []
    for word in text.split():
        if signs := sum(sign.isalnum() for sign in word):
            time = np.arange(int(signs * PER_SIGN / pace * RATE)) / RATE
            parts.append((0.3 * np.sin(2 * np.pi * pitch * time)).astype(np.float32))
            parts.append(silence(AT_A_STOP / pace if word[-1] in STOPS else BETWEEN / pace))
    return np.concatenate(parts[:-1]) if parts else silence(NOTHING_SAID)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


def narrated(spec: SpeakSpec, run: StepRun) -> Narration:
    """What espeak-ng says, for tests that need a narration."""
    return speak(spec, run, Espeak(Settings()), Ears(BySound()))
