"""What a clip is read from."""

from typing import Any, NamedTuple

import ffmpeg

from common.contracts.footage import Ground
from renderer.ffmpeg.formats import GUARD, MAX_PIXELS, Stream

Size = tuple[int, int]
"Width and height in pixels."


class Source(NamedTuple):
    """Where the pixels of a clip come from, and what the file says about their colours."""

    address: str
    "A file in the scratch folder, or `feed:N`."
    demuxer: str
    "The one demuxer that may read it."
    size: Size = (0, 0)
    "Of raw frames."
    pixel_format: str = ""
    "Of raw frames."
    matrix: str = "auto"
    "How to read YCbCr: a name that ffmpeg's scale filter knows, `auto` if the file says it."
    hdr: bool = False
    ground: Ground = ""
    "What is seen where it is transparent."


def opened(source: Source, **options: Any) -> Stream:
    """The pictures of a file, read with these options of its demuxer and decoder."""
    read = ffmpeg.input(source.address, f=source.demuxer, max_pixels=MAX_PIXELS, **GUARD, **options)
    # A capital V: a cover picture in a video file is not its video.
    return _opaque(read["V"], source.ground)


def _opaque(picture: Stream, ground: Ground) -> Stream:
    """What is transparent shows the ground, which is black to `premultiply`; to its negative, white is."""
    if not ground:
        return picture
    turn = ("negate", {"components": "r+g+b"}) if ground == "white" else ("null", {})
    picture = picture.filter("format", "gbrap").filter(turn[0], **turn[1]).filter("premultiply", inplace=1)
    return picture.filter(turn[0], **turn[1]).filter("format", "gbrp")


def painted(source: Source, fps: int) -> Stream:
    """The raw frames of a feed."""
    read = ffmpeg.input(
        source.address,
        f=source.demuxer,
        pixel_format=source.pixel_format,
        video_size=source.size,
        framerate=fps,
        **GUARD,
    )
    return read["V"]
