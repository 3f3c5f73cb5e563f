"""Reads what the media of a scene say about their colours, in this process and without decoding them."""

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
