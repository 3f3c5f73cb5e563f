"""What a film is, measured on its packets, frames and sound."""

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np


@dataclass(frozen=True)
class Film:
    """Streams of a film, as `av` reads them."""

    video: str
    audio: str
    width: int
    height: int
    pixel_format: str
    colour: tuple[int, int, int, int]
    "Primaries, transfer, matrix and range, as numbered in ITU-T H.273 (BT.709 is 1, limited range 1)."
    rate: Fraction
    sample_rate: int
    channels: int
    times: tuple[Fraction, ...]
    "Presentation time of each decoded frame."
    audio_seconds: float


def film(path: Path) -> Film:
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        context = video.codec_context
        times = tuple(frame.pts * frame.time_base for frame in container.decode(video))
        colour = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        return Film(
            video=context.name,
            audio=audio.codec_context.name,
            width=context.width,
            height=context.height,
            pixel_format=str(context.pix_fmt),
            colour=colour,
            rate=Fraction(video.average_rate or 0),
            sample_rate=audio.codec_context.sample_rate,
            channels=audio.codec_context.channels,
            times=times,
            audio_seconds=float((audio.duration or 0) * audio.time_base),
        )


def loudness(path: Path) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBFS."""
    log = ffmpeg_log(path, "-af", "ebur128=peak=true", "-vn")
    summary = log[log.rindex("Summary:") :]
    integrated = re.search(r"I:\s+(-?[\d.]+) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", summary)
    assert integrated is not None
    assert peak is not None
    return float(integrated.group(1)), float(peak.group(1))


def still_or_black(path: Path) -> list[str]:
    """Spans without movement (half a second) or without light, as ffmpeg's detectors tell them."""
    log = ffmpeg_log(path, "-vf", "freezedetect=n=-60dB:d=0.5,blackdetect=d=0.1:pix_th=0.06", "-an")
    return [line for line in log.splitlines() if "freeze_start" in line or "black_start" in line]


def frame_at(path: Path, seconds: float) -> "av.VideoFrame":
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= seconds - 1e-6:
                return frame
    raise AssertionError(f"the film ends before {seconds} s")


def ffmpeg_log(path: Path, *arguments: str) -> str:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(path), *arguments]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, check=True)
    return done.stderr


def heard(path: Path) -> np.ndarray:
    """The first channel as a player gives it out at 48 kHz: the encoder's delay and padding taken off."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.sample_rate, stream.start_time) == (48_000, 0)
        blocks = [frame.to_ndarray()[0] for frame in container.decode(stream) if (frame.pts or 0) >= 0]
        return np.concatenate(blocks)[: stream.duration]


def onset(sound: np.ndarray, begin: int = 0) -> int:
    """The first sample from `begin` on that can be heard."""
    return begin + int(np.flatnonzero(np.abs(sound[begin:]) > 0.02)[0])


def lit(found: np.ndarray) -> np.ndarray:
    """Where pictures (frames x height x width x RGB, over grey) have the colour of the word that is being said."""
    red, blue = found[..., 0].astype(int), found[..., 2].astype(int)
    return (red > 180) & (red - blue > 90)


def highlights(found: np.ndarray) -> list[int]:
    """The frames at which another word lights up."""
    centres = [np.flatnonzero(frame.any(axis=0)).mean() if frame.any() else -1e6 for frame in lit(found)]
    return [n for n, centre in enumerate(centres) if centre >= 0 and (n == 0 or abs(centre - centres[n - 1]) > 5)]
