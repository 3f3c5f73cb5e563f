"""The report on the sound of a film: loudness, peaks, silences and clipping against what was planned. Pure."""

import math
from collections.abc import Iterator, Sequence

from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixSpec
from common.contracts.timeline import SoundReport, Span
from renderer.sound.loudness import SILENCE, Loudness

TOLERANCE = 0.3
"Loudness units from the target at which the encoded sound is good."
LONGEST_SILENCE = 3.0
"Seconds. Nobody pauses that long while speaking."
CLIPPED = 1e-4
"The share of a voice's samples that may be at full scale before one hears it."


def sound_report(
    spec: MixSpec, before: Loudness, after: Loudness, silences: Sequence[tuple[float, float]], clipped: int
) -> SoundReport:
    """`before` is measured on the program, `after` and `silences` (in seconds) on what was encoded.

    The loudness in `spec.sound` is the one that this film was to have.
    """
    silent = _frames(silences, spec.sound.fps, spec.frames)
    return SoundReport(silent=silent, clipped=clipped, problems=tuple(_problems(spec, before, after, silent, clipped)))


def _problems(spec: MixSpec, before: Loudness, after: Loudness, silent: Sequence[Span], clipped: int) -> Iterator[str]:
    sound = spec.sound
    if before.integrated <= SILENCE:
        if spec.narrations or (spec.music is not None and spec.music.volume > 0):
            yield "nothing is heard in the whole film"
        return
    if abs(after.integrated - sound.loudness) > TOLERANCE:
        yield f"the loudness is {after.integrated:.1f} LUFS instead of {sound.loudness:.1f}"
    if after.peak > sound.true_peak:
        yield f"the highest peak is at {after.peak:.1f} dBTP, above {sound.true_peak:.1f}"
    for span in silent:
        if _speechless(span, spec):
            yield f"nothing is heard of a narration for {(span.end - span.start) / sound.fps:.1f} s"
    if clipped > CLIPPED * sum(narration.samples for narration in spec.narrations):
        yield f"the voice is clipped: {clipped} samples are at full scale"


def _speechless(span: Span, spec: MixSpec) -> bool:
    """True if more of a narration lies in the silence than any pause in it lasts."""
    step, longest = samples_per_frame(spec.sound.fps), LONGEST_SILENCE * SAMPLE_RATE
    return any(
        min(span.end * step, narration.start + narration.samples) - max(span.start * step, narration.start) > longest
        for narration in spec.narrations
    )


def _frames(seconds: Sequence[tuple[float, float]], fps: int, frames: int) -> tuple[Span, ...]:
    """The frames that lie wholly within stretches of time."""
    spans = [(math.ceil(begin * fps), min(frames, math.floor(end * fps))) for begin, end in seconds]
    return tuple(Span(start=begin, end=end) for begin, end in spans if end > begin)
