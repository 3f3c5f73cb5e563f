"""Long sound in pieces that a recogniser can hear one by one, so that its memory is bounded. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from whisper_worker.tts.port import SpokenWord
from whisper_worker.tts.timing import LOUD

RATE = 16_000
"Samples per second that Whisper hears."
LONGEST = 300.0
"Seconds of a piece at most. Whisper listens to 30 at a time, and takes 0.4 MB of memory for each second of a piece."
SEARCHED = 20.0
"The last seconds of a piece, of which the quietest moment is its end, so that no word is cut."
MOMENT = 0.2
"Seconds."
SHORTEST_WORD = 0.01
"Seconds that a word lasts at the least, where there is room for it."
_FULL_SCALE = np.float32(32768)


class Piece(NamedTuple):
    """A part of the sound."""

    start: float
    "Seconds from the start of the sound."
    samples: np.ndarray
    "Mono float32 at `RATE`."

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @property
    def silent(self) -> bool:
        """True if there is nothing to hear: Whisper makes words up then."""
        return not np.any(np.abs(self.samples) > LOUD)


def pieces(samples: np.ndarray, rate: int) -> Iterator[Piece]:
    """The sound in parts of at most `LONGEST` seconds, which follow each other without gaps."""
    begin, most = 0, int(LONGEST * rate)
    while begin < len(samples):
        end = len(samples) if len(samples) - begin <= most else begin + _cut(samples[begin : begin + most], rate)
        yield Piece(begin / rate, _for_whisper(samples[begin:end], rate))
        begin = end


def _cut(samples: np.ndarray, rate: int) -> int:
    """The middle of the quietest moment in the last part, the last one of equals."""
    moment = int(MOMENT * rate)
    first = len(samples) - int(SEARCHED * rate)
    tail = _as_float(samples[first:])
    energy = np.square(tail[: len(tail) // moment * moment].reshape(-1, moment)).sum(axis=1)
    last = len(energy) - 1 - int(np.argmin(energy[::-1]))
    return first + last * moment + moment // 2


def _for_whisper(samples: np.ndarray, rate: int) -> np.ndarray:
    sound = np.ascontiguousarray(_as_float(samples))
    if rate == RATE:
        return sound
    resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
    blocks = [_frame(sound[begin : begin + rate], rate) for begin in range(0, len(sound), rate)]
    parts = [part.to_ndarray().reshape(-1) for block in (*blocks, None) for part in resampler.resample(block)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _as_float(samples: np.ndarray) -> np.ndarray:
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / _FULL_SCALE
    return samples.astype(np.float32, copy=False)


def _frame(samples: np.ndarray, rate: int) -> AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    return frame


def joined(parts: Iterable[SpokenWord], spaced: bool) -> list[SpokenWord]:
    """Words as they are written. A recogniser gives parts of words, and each word begins with a space.

    Of languages that write no spaces every part is a word.
    """
    words: list[SpokenWord] = []
    for text, start, end in parts:
        if spaced and words and text[:1] and not text[:1].isspace():
            words[-1] = SpokenWord(words[-1].text + text.rstrip(), words[-1].start, end)
        elif text.strip():
            words.append(SpokenWord(text.strip(), start, end))
    return words


def in_order(words: Iterable[SpokenWord], seconds: float) -> list[SpokenWord]:
    """The words within the sound, none before the last one ends, and each of some length.

    Recognisers let neighbours overlap, give them no length, and run over the end.
    """
    found = list(words)
    step = min(SHORTEST_WORD, seconds / (len(found) + 1))
    starts: list[float] = []
    for word in found:
        starts.append(max(word.start, starts[-1] + step if starts else 0.0))
    limit = seconds
    for place in reversed(range(len(starts))):
        limit = starts[place] = max(0.0, min(starts[place], limit - step))
    bounds = [*starts, seconds][1:]
    return [
        SpokenWord(word.text, start, min(max(word.end, start + step), bound))
        for word, start, bound in zip(found, starts, bounds, strict=True)
    ]
