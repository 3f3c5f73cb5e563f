"""Sound from a service: decoded within walls, and held against the words that it should have."""

import math
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from common.errors import BadMedia, Retryable, VoiceUnavailable
from common.sniff import HEAD_BYTES, sniff, sound_demuxer
from common.walls.rules import Walls
from common.worker.steprun import Child
from common.worker.walled import told
from whisper_worker.recordings.program import decode
from whisper_worker.tts.matching import Token
from whisper_worker.tts.timing import LOUD

RATE = 24_000
"Samples per second that sound of services is brought to: that of most of them."
FULL_SCALE = np.float32(32768.0)
MAX_MEMORY, MAX_CPU_SECONDS, MAX_SECONDS = 1024**3, 60, 1800
FASTEST = 21.0
"Letters a second, at a pace of 1. Quick speakers reach 16; half of the sound of usual speech would have 24."
SHORT = 20
"Letters; with fewer, how long they take says nothing."
SPARE = 0.25
"Seconds by which times may lie beyond the sound: some services count silence that they do not send."
ROUNDED = 0.001
"Seconds by which times may be out of order, as they were rounded."
WIDE = 2.0
"Letters that a sign of Chinese or Japanese counts as."

Decode = Callable[[bytes], np.ndarray]
"A file of sound as mono float32 at `RATE`. Raises `BadMedia`."


class _Alone:
    """For a program that is run for no step."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir

    def check(self) -> None:
        """Nobody calls it off."""

    def adopt(self, child: Child) -> Callable[[], None]:
        return lambda: None


def within_walls(data: bytes) -> np.ndarray:
    """Decodes in a process of its own that can do no harm."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, out, demuxer = _placed(data, folder)
        walls = Walls(
            MAX_MEMORY,
            MAX_CPU_SECONDS,
            MAX_SECONDS * RATE * 2,
            read=[given],
            write=[folder],
            code=["common", "whisper_worker"],
        )
        told("whisper_worker.recordings.program", [str(given), demuxer, str(RATE), str(out)], walls, _Alone(folder))
        return _samples(out)


def in_process(data: bytes) -> np.ndarray:
    """The same without walls, for sound that we made ourselves."""
    with tempfile.TemporaryDirectory() as name:
        given, out, demuxer = _placed(data, Path(name))
        try:
            decode(given, demuxer, RATE, out)
        except ValueError as problem:
            raise BadMedia(str(problem)) from None
        return _samples(out)


def _placed(data: bytes, folder: Path) -> tuple[Path, Path, str]:
    """The file, where its samples go, and its demuxer."""
    demuxer = sound_demuxer(sniff(data[:HEAD_BYTES]) or "")
    if demuxer is None:
        raise BadMedia("it is no sound")
    given = folder / "given"
    given.write_bytes(data)
    return given, folder / "decoded.raw", demuxer


def _samples(path: Path) -> np.ndarray:
    return np.fromfile(path, np.int16).astype(np.float32) / FULL_SCALE


def sound_of(data: bytes, text: str, pace: float, label: str, decode: Decode = within_walls) -> np.ndarray:
    """The sound, if it can be all of `text`. Raises `VoiceUnavailable` for none, `Retryable` for a part of it."""
    _check_complete(data, label)
    try:
        samples = decode(data)
    except BadMedia:
        raise VoiceUnavailable(f"{label} answered with something that is not sound") from None
    if not np.any(np.abs(samples) > LOUD):
        raise VoiceUnavailable(f"{label} sent silence")
    check_length(len(samples) / RATE, text, pace, label)
    return samples


def check_length(seconds: float, text: str, pace: float, label: str) -> None:
    """Raises `Retryable` if nobody speaks so fast."""
    letters = sum(_worth(sign) for sign in text if sign.isalnum())
    if letters >= SHORT and letters / seconds > FASTEST * max(1.0, pace):
        raise Retryable(f"{label} sent {seconds:.1f} seconds of sound, too few for {len(text.split())} words")


def _worth(sign: str) -> float:
    return WIDE if unicodedata.east_asian_width(sign) == "W" else 1.0


def _check_complete(data: bytes, label: str) -> None:
    """Raises `Retryable` for a WAV file that ends before its header says. Of a stream the header says nothing."""
    place = data.find(b"data", 12, HEAD_BYTES) if data[:4] == b"RIFF" else -1
    if place < 0:
        return
    announced = int.from_bytes(data[place + 4 : place + 8], "little")
    if 0 < len(data) - place - 8 < announced < 0x7FFFFFFF:
        raise Retryable(f"{label} sent a part of the sound only")


def check_times(tokens: Sequence[Token], seconds: float, label: str) -> None:
    """Raises `Retryable` for times that are not those of this sound."""
    before = 0.0
    for token in tokens:
        if not (math.isfinite(token.start) and math.isfinite(token.end)):
            raise Retryable(f"{label} sent times of words that are no times")
        if token.start < before - ROUNDED or token.end < token.start - ROUNDED:
            raise Retryable(f"{label} sent times of words that do not follow each other")
        if token.end > seconds + SPARE:
            raise Retryable(f"{label} sent times of words beyond the end of its sound")
        before = max(before, token.start)
