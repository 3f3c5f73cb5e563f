"""Narrations as files, and the times of their words as samples."""

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from common.contracts.grid import SAMPLE_RATE
from common.contracts.narration import Word
from whisper_worker.tts.port import SpokenWord


def on_grid(words: Iterable[SpokenWord]) -> tuple[Word, ...]:
    """Times in samples. Rounding may let words meet but never overlap, and each lasts at least one sample."""
    placed: list[Word] = []
    free = 0
    for text, start, end in words:
        first = max(free, round(start * SAMPLE_RATE))
        free = max(first + 1, round(end * SAMPLE_RATE))
        placed.append(Word(text=text, start=first, end=free))
    return tuple(placed)


def write_wav(path: Path, samples: np.ndarray) -> None:
    """Mono float32 at 48 kHz as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: Path) -> np.ndarray:
    """What `write_wav` wrote, as mono float32."""
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32767
