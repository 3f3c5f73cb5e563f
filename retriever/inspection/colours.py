"""Colour metadata of a frame, with the usual defaults where it is missing."""

from typing import TYPE_CHECKING, NamedTuple

from av.video.frame import VideoFrame

if TYPE_CHECKING:  # a file is looked at without the contracts, which take longer to load than to look
    from common.contracts.footage import Matrix

PQ, HLG = 16, 18
"Transfer characteristics of high dynamic range, as H.273 numbers them."
SMALL = 720
"Rows or columns of material that was made for screens before high definition."
UNSPECIFIED = 2
"A matrix that nobody wrote down, as H.273 numbers them."


class Colours(NamedTuple):
    """The interpretation of the pixels of a file."""

    matrix: "Matrix"
    hdr: bool


def colours(frame: VideoFrame, *, still: bool) -> Colours:
    """Untagged frames are read as convention has it: stills and small pictures as BT.601, others as BT.709."""
    hdr = int(frame.color_trc) in (PQ, HLG)
    if int(frame.colorspace) != UNSPECIFIED or frame.format.is_rgb:
        return Colours("auto", hdr)
    return Colours("bt601" if still or min(frame.width, frame.height) < SMALL else "bt709", hdr)
