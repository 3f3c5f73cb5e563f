"""Reads what a media file says about itself, in this process and without decoding it."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import av.error

from common.errors import BadMedia

_UNSPECIFIED, _RGB = 2, 0
_HDR_TRANSFERS = (16, 18)  # SMPTE 2084 (PQ) and ARIB STD-B67 (HLG), as H.273 numbers them
_YCBCR_BT601, _YCBCR_BT709, _YCBCR_AS_TAGGED = "bt601", "bt709", "auto"


class Colours(NamedTuple):
    """How to read the pixels of a file."""

    matrix: str
    "The YCbCr matrix as ffmpeg's scale filter names it; `auto` when every frame says it."
    hdr: bool


class Streams(NamedTuple):
    """What a finished film holds. Seconds are exact."""

    frames: int
    video_seconds: Fraction
    audio_seconds: Fraction | None
    width: int
    height: int


def colours(path: Path, demuxer: str, *, still: bool) -> Colours:
    """The colours of the first video stream. Raises `BadMedia` if there is none.

    What carries no mark is read as custom has it: stills and small pictures as BT.601, others as BT.709.
    """
    try:
        with av.open(str(path), format=demuxer, metadata_errors="ignore") as container:
            context = container.streams.video[0].codec_context
            hdr = int(context.color_trc) in _HDR_TRANSFERS
            pixels = context.format
            if int(context.colorspace) != _UNSPECIFIED or pixels is None or pixels.is_rgb:
                return Colours(_YCBCR_AS_TAGGED, hdr)
            small = still or min(context.width, context.height) < 720
            return Colours(_YCBCR_BT601 if small else _YCBCR_BT709, hdr)
    except (av.error.FFmpegError, IndexError):
        raise BadMedia("a clip of this scene cannot be read; replace it with another file") from None


def frame_count(path: Path) -> int:
    """The number of pictures in a file made by this service."""
    with av.open(str(path)) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


def streams(path: Path) -> Streams:
    """The measures of a film made by this service."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        return Streams(
            frames=frame_count(path),
            video_seconds=_seconds(video),
            audio_seconds=_seconds(audio) if audio else None,
            width=video.codec_context.width,
            height=video.codec_context.height,
        )


def _seconds(stream: "av.VideoStream | av.AudioStream") -> Fraction:
    if stream.duration is None or stream.time_base is None:
        return Fraction(0)
    return stream.duration * stream.time_base
