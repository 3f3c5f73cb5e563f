"""The loudness of parts of a film's sound: of its voice, and of its bed under the voice."""

from collections.abc import Iterator, Sequence

import ffmpeg
import numpy as np

from common.contracts.grid import SAMPLE_RATE
from common.worker.steprun import StepRun
from renderer.ffmpeg.formats import GUARD
from renderer.ffmpeg.limits import for_sound
from renderer.ffmpeg.run import run_ffmpeg
from renderer.sound.loudness import heard, meter

Spans = Sequence[tuple[int, int]]
"First sample, and the one after the last; in order and apart."


def loudness_within(spans: Spans, blocks: Iterator[np.ndarray], total: int, run: StepRun, program: str) -> float:
    """Integrated loudness in LUFS of what lies in the spans, of `total` samples of 16 bit: (samples, channels)."""
    sound = ffmpeg.input("feed:0", **GUARD, f="s16le", ar=SAMPLE_RATE, ac=2).audio
    arguments = ffmpeg.output(meter(sound), "-", f="null").get_args()
    parts = (_stereo(part).tobytes() for part in _within(spans, blocks))
    return heard(run_ffmpeg(program, arguments, run, for_sound(total), feeds=(parts,))).integrated


def _within(spans: Spans, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    begin = 0
    for block in blocks:
        for first, last in spans:
            part = block[max(0, first - begin) : max(0, last - begin)]
            if len(part):
                yield part
        begin += len(block)


def _stereo(part: np.ndarray) -> np.ndarray:
    """One channel is played by both, and so 3 dB louder."""
    return np.broadcast_to(part, (len(part), 2))
