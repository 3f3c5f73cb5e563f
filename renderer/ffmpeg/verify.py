"""Verifies files that ffmpeg wrote: whole, and as long as planned. Reads packets, decodes nothing."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import Profile
from common.errors import RenderFailed, Retryable

TOLERANCE = Fraction(1, 30)
"Seconds. Encoders of sound work in blocks, and not every muxer writes down where the last one is cut."

NOTHING_DECODED: Any = [{"skip_frame": "all"}] * 2
"For each stream: opening would decode a picture to learn what the headers say."


class Track(NamedTuple):
    """The time during which a stream is played, in exact seconds."""

    start: Fraction
    seconds: Fraction


class Streams(NamedTuple):
    """The tracks of a file."""

    frames: int
    "Pictures that are really there."
    width: int
    height: int
    picture: Track | None
    sound: Track | None


def verify_film(path: Path, frames: int, profile: Profile, log: str, what: str, *, sound: bool = True) -> None:
    """Raises `RenderFailed` unless `what` has exactly these frames and, with sound, a track as long as they last."""
    made = _streams(path)
    if made.frames != frames:
        raise RenderFailed(f"{what} came out with {made.frames} frames instead of {frames}", log)
    if (made.width, made.height) != (profile.width, profile.height):
        raise RenderFailed(f"{what} did not come out in the size that was asked for", log)
    planned = Fraction(frames, profile.fps)
    _verify_track(f"the picture of {what}", made.picture, planned, log)
    if sound:
        _verify_track(f"the sound of {what}", made.sound, planned, log)


def verify_sound(path: Path, samples: int, what: str) -> None:
    """Raises `RenderFailed` unless `what` has a sound track of that length."""
    _verify_track(what, _streams(path).sound, Fraction(samples, SAMPLE_RATE))


def _verify_track(what: str, track: Track | None, planned: Fraction, log: str = "") -> None:
    if track is None:
        raise RenderFailed(f"{what} is missing", log)
    if track.start:
        raise RenderFailed(f"{what} begins at {float(track.start):.3f} s instead of 0", log)
    if abs(track.seconds - planned) > TOLERANCE:
        raise RenderFailed(f"{what} lasts {float(track.seconds):.3f} s instead of {float(planned):.3f} s", log)


def _streams(path: Path) -> Streams:
    try:
        with av.open(str(path), stream_options=NOTHING_DECODED) as container:
            video = next(iter(container.streams.video), None)
            audio = next(iter(container.streams.audio), None)
            return Streams(
                frames=Counter(_packets(container))[video.index] if video else 0,
                width=video.codec_context.width if video else 0,
                height=video.codec_context.height if video else 0,
                picture=_track(video),
                sound=_track(audio),
            )
    except av.error.FFmpegError:
        raise _unreadable() from None


def _packets(container: InputContainer) -> Iterator[int]:
    """The stream of each packet, by index."""
    for packet in container.demux():
        if packet.is_corrupt:
            raise _unreadable()
        if packet.size:
            yield packet.stream.index


def _unreadable() -> Retryable:
    # ffmpeg was content with what it wrote, so the fault lies below it and need not come again.
    return Retryable("what ffmpeg wrote cannot be read back")


def _track(stream: AudioStream | VideoStream | None) -> Track | None:
    if stream is None or stream.time_base is None:
        return None
    return Track((stream.start_time or 0) * stream.time_base, (stream.duration or 0) * stream.time_base)
