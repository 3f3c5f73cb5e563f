"""The inputs that clips are read from."""

from typing import Any, NamedTuple

import ffmpeg

from common.contracts.footage import Ground
from renderer.ffmpeg.formats import GUARD, MAX_PIXELS, Stream

Size = tuple[int, int]
"Width and height in pixels."


class Source(NamedTuple):
    """The place that the pixels of a clip are read from, and the colours that they are in."""

    address: str
    "A file in the scratch folder, or `feed:N`."
    demuxer: str
    "The one demuxer that may read it."
    size: Size = (0, 0)
    "Of raw frames."
    pixel_format: str = ""
    "Of raw frames."
    matrix: str = "auto"
    "The matrix of YCbCr by its name for ffmpeg's scale filter; `auto` if the file gives it."
    hdr: bool = False
    ground: Ground = ""
    "The colour that is seen where the picture is transparent."


def opened(source: Source, **options: Any) -> Stream:
    """The pictures of a file, read with these options of its demuxer and decoder."""
    read = ffmpeg.input(source.address, f=source.demuxer, max_pixels=MAX_PIXELS, **GUARD, **options)
    # A capital V: a cover picture in a video file is not its video.
    return _opaque(read["V"], source.ground)


def _opaque(picture: Stream, ground: Ground) -> Stream:
    """The picture over its ground. `premultiply` lays it over black; in a negative that is white."""
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
