"""Recordings of which it is known when each word begins."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.alignment.texts import ENGLISH, OTHERS
from benchmarks.report import Say
from common.contracts.voice import NO_VOICE
from common.errors import NotConfigured, Permanent, Retryable
from common.settings import Settings
from whisper_worker.tts import ENGINES
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Engine, Manner

NOISE = 10.0
"Decibels by which white noise lies under the voice."
MORE, GAP, FEW = 4.0, 0.4, 5
"Seconds that are said besides a text, seconds between them, and words that are not said."
NOISY = ", noise"
"At the end of the names of such recordings."
ESPEAK: Sequence[tuple[str, str, str, float]] = (
    ("espeak-ng, a woman, fast", "en", "f3", 1.2),
    ("espeak-ng, a man, slow", "en", "edward", 0.8),
    ("espeak-ng, Scottish", "en", "en-gb-scotland+m7", 1.0),
    ("espeak-ng, British, very fast", "en", "en-gb+annie", 1.4),
    ("espeak-ng, German", "de", "f2", 0.9),
    ("espeak-ng, Spanish", "es", "max", 1.2),
    ("espeak-ng, French", "fr", "f3", 1.0),
)
"Name, language, voice, and pace of those that are not the voice that the aligner compares with."


class Recording(NamedTuple):
    name: str
    text: str
    language: str
    samples: np.ndarray
    "Mono float32."
    rate: int
    starts: list[float]
    "Seconds at which each word begins, as the synthesiser tells."


def of_espeak(engine: Espeak, count: int) -> Iterator[Recording]:
    """Every voice reads so many texts, or the one that there is of its language."""
    for name, language, voice, pace in ESPEAK:
        for text in ENGLISH[:count] if language == "en" else [OTHERS[language]]:
            yield _spoken(engine, name, text, language, voice, pace)


def of_engines(settings: Settings, count: int, say: Say) -> Iterator[Recording]:
    """Recordings by the other engines that can run, speak English and know when their words are heard."""
    for name in ENGINES:
        if name in (Espeak.name, NO_VOICE):
            continue
        try:
            engine = ENGINES[name](settings)
            if engine.speak("Yes.", "en", None).words is None:
                say(f"{name} does not know when its words are heard and is left out")
                continue
            yield from [_spoken(engine, name, text, "en", None, 1.0) for text in ENGLISH[:count]]
        except (NotConfigured, Permanent, Retryable) as error:
            say(f"{name} is left out: {error}")


def noisy(recording: Recording) -> Recording:
    """The same with white noise, the same every time."""
    noise = np.random.default_rng(1).standard_normal(len(recording.samples)).astype(np.float32)
    loud = np.sqrt(np.mean(recording.samples**2)) * 10 ** (-NOISE / 20)
    return recording._replace(name=f"{recording.name}{NOISY}", samples=recording.samples + noise * np.float32(loud))


def said_more(recording: Recording, other: Recording) -> Recording:
    """Before and after the text, a few seconds of another one by the same speaker."""
    rate, gap = recording.rate, np.zeros(round(GAP * recording.rate), np.float32)
    more = other.samples[: round(MORE * rate)], other.samples[-round(MORE * rate) :]
    samples = np.concatenate([more[0], gap, recording.samples, gap, more[1]])
    before = (len(more[0]) + len(gap)) / rate
    return recording._replace(samples=samples, starts=[start + before for start in recording.starts])


def said_less(recording: Recording, other: Recording) -> Recording:
    """The text has a few words before and after it that were not said: they have no start."""
    words = other.text.split()
    text = " ".join([*words[:FEW], recording.text, *words[-FEW:]])
    return recording._replace(text=text, starts=[*[np.nan] * FEW, *recording.starts, *[np.nan] * FEW])


def _spoken(engine: Engine, name: str, text: str, language: str, voice: str | None, pace: float) -> Recording:
    speech = engine.speak(text, language, voice, Manner(pace))
    starts = [word.start for word in speech.words or ()]
    return Recording(name, text, language, speech.samples, speech.rate, starts)
