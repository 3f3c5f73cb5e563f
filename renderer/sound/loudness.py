"""Meters that sound passes through: loudness by EBU R 128, peaks, silences."""

import re
from typing import NamedTuple

from renderer.ffmpeg.formats import Stream

SILENCE = -70.0
"The loudness that is measured when there is nothing to hear, in LUFS."
NO_PEAK = -120.0
"The peak of digital silence."
INAUDIBLE = -65.0
"In dBFS. Sound that never gets louder counts as silence; the quietest bed under a voice is well above."


class Loudness(NamedTuple):
    integrated: float
    "In LUFS."
    peak: float
    "In dBTP if the meter was told to find true peaks, else the highest sample in dBFS."


def meter(sound: Stream, *, true_peak: bool = False) -> Stream:
    """Lets sound through unchanged; the log of the run then says how loud it was. True peaks cost thrice as much."""
    return sound.filter("ebur128", peak="true" if true_peak else "sample", framelog="quiet")


def heard(log: str) -> Loudness:
    """The measurement of the (last) meter in the log of a run."""
    integrated = re.findall(r"\bI:\s+(-?[\d.]+) LUFS", log)
    peak = re.findall(r"\bPeak:\s+(-?[\d.]+) dBFS", log)  # -inf for digital silence
    return Loudness(float(integrated[-1]) if integrated else SILENCE, float(peak[-1]) if peak else NO_PEAK)


def listen(sound: Stream, seconds: float) -> Stream:
    """Lets sound through unchanged; the log of the run then says where it is silent for longer than `seconds`."""
    return sound.filter("silencedetect", noise=f"{INAUDIBLE}dB", duration=seconds)


def silences(log: str) -> list[tuple[float, float]]:
    """The silences in the log of a run: from and to, in seconds."""
    # Every silence has an end in the log, if only that of the sound; the first may have lost its start to a cut.
    pairs = re.findall(r"\bsilence_start: (-?[\d.]+)(?s:.*?)\bsilence_end: (-?[\d.]+)", log)
    return [(max(0.0, float(start)), float(end)) for start, end in pairs]
