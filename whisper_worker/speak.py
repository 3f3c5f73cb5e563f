"""The `speak` step: text in, a stored narration with word times out."""

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from common.contracts.grid import SAMPLE_RATE
from common.contracts.narration import Narration, Word
from common.contracts.steps import SpeakSpec
from common.worker.steprun import StepRun
from whisper_worker.align.port import Aligner
from whisper_worker.level import polish
from whisper_worker.tts.port import Engine, Manner, SpokenWord


def speak(spec: SpeakSpec, run: StepRun, engine: Engine, aligner: Aligner) -> Narration:
    """Speaks `spec.text` and stores it. Raises what the engine raises (`Permanent`, `NotConfigured`).

    The aligner is asked for an engine that does not know when its words are heard.
    """
    speech = engine.speak(spec.text, spec.language, spec.voice, Manner(spec.pace, spec.pitch))
    run.progress(0.5)
    timed = aligner.align(speech, spec.text, spec.language) if speech.words is None else speech.words
    voice, loudness = polish(speech.samples, speech.rate)
    words = _on_grid(timed)
    length = max([len(voice), *(word.end for word in words)])
    path = run.workdir / "narration.wav"
    _write_wav(path, np.pad(voice, (0, length - len(voice))))
    run.progress(0.9)
    return Narration(
        audio=run.keep("narration", path, "audio/wav"),
        samples=length,
        words=words,
        voice=speech.voice,
        engine=engine.name,
        loudness=round(loudness, 2),
    )


def _on_grid(words: Iterable[SpokenWord]) -> tuple[Word, ...]:
    """Times in samples. Rounding may let words meet but never overlap, and each lasts at least one sample."""
    placed: list[Word] = []
    free = 0
    for text, start, end in words:
        first = max(free, round(start * SAMPLE_RATE))
        free = max(first + 1, round(end * SAMPLE_RATE))
        placed.append(Word(text=text, start=first, end=free))
    return tuple(placed)


def _write_wav(path: Path, samples: np.ndarray) -> None:
    """Mono float32 at 48 kHz as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
