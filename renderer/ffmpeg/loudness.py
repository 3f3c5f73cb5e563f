"""Loudness by EBU R 128, measured while the sound passes."""

import re
from typing import NamedTuple

import ffmpeg

SILENCE = -70.0
"What the measure gives when there is nothing to hear."


class Loudness(NamedTuple):
    integrated: float
    "In LUFS."
    true_peak: float
    "In dBTP."


def meter(sound: ffmpeg.Stream) -> ffmpeg.Stream:
    """Lets sound through unchanged; the log of the run then says how loud it was."""
    return sound.filter("ebur128", peak="true", framelog="quiet")


def heard(log: str) -> Loudness:
    """What the (last) meter said in the log of a run."""
    integrated = re.findall(r"\bI:\s+(-?[\d.]+) LUFS", log)
    peak = re.findall(r"\bPeak:\s+(-?[\d.]+) dBFS", log)  # -inf for digital silence
    return Loudness(float(integrated[-1]) if integrated else SILENCE, float(peak[-1]) if peak else -120.0)
