"""Detects videos that are cut off, by comparing what the container promises with what could be read.

A download that breaks off, or a disk that was full, leaves a file that opens well if its table of contents comes
first. Where the container promises no length (a live recording, a moving GIF), nothing can be missing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from av import Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from common.errors import BadMedia
from common.sniff import demuxer

SECONDS, SHARE = 0.5, 0.02
"So many seconds, or this share of a video, may be missing at its end."
MICROSECONDS = 1_000_000
SEGMENT = 0x18538067
"The element of a Matroska file that holds all but its head."


@dataclass
class Read:
    """The extent to which a file could be read, in seconds of its own time."""

    start: float | None = None
    end: float = 0.0
    "Of the picture."
    last: float | None = None
    "Decoding time of the last packet of the picture; None when there was none."
    end_of_any: float = 0.0
    "Of whichever picture or sound ends last."

    def note(self, packet: "Packet[Any]", pictured: bool) -> None:
        """One more packet was read, of the picture or of something beside it."""
        unit = float(packet.time_base or 0)
        at = packet.pts if packet.pts is not None else packet.dts
        if pictured and packet.dts is not None:
            self.last = packet.dts * unit
        if at is None:
            return
        end = (at + (packet.duration or 0)) * unit
        self.end_of_any = max(self.end_of_any, end)
        if pictured and not packet.is_discard:
            self.start = at * unit if self.start is None else min(self.start, at * unit)
            self.end = max(self.end, end)

    @property
    def seconds(self) -> float:
        return self.end - (self.start or 0.0)


def check_end(path: Path, media_type: str, container: InputContainer, stream: VideoStream, read: Read) -> None:
    """Raises `BadMedia` for a video of which more is missing than may be."""
    missing = _missing(path, media_type, container, stream, read)
    if missing > max(SECONDS, SHARE * (read.seconds + missing)):
        raise BadMedia(f"the video is cut off: {missing:.1f} seconds are missing at its end")


def _missing(path: Path, media_type: str, container: InputContainer, stream: VideoStream, read: Read) -> float:
    """Seconds of the picture that the container promises and that could not be read."""
    match demuxer(media_type):
        case "mov":
            return max(_missing_samples(stream, read), _missing_fragments(stream, read))
        case "matroska" if container.duration and not _holds_its_segment(path):
            return container.duration / MICROSECONDS - read.end_of_any
        case "avi" if stream.average_rate and not _holds_its_chunks(path):
            return float(stream.frames / stream.average_rate) - read.seconds
    return 0.0


def _missing_samples(stream: VideoStream, read: Read) -> float:
    """The index of an MP4 lists every sample. Its durations are not asked: they are often wrong."""
    index = stream.index_entries
    if not len(index) or stream.time_base is None:
        return 0.0
    first, last = (float(index[at].timestamp * stream.time_base) for at in (0, -1))
    return last - (first if read.last is None else read.last)


def _missing_fragments(stream: VideoStream, read: Read) -> float:
    """In a file of fragments each lists its own samples only; their total length is given first, or nowhere."""
    if stream.frames or not stream.duration or stream.time_base is None:
        return 0.0
    return float(stream.duration * stream.time_base) - read.end


def _holds_its_segment(path: Path) -> bool:
    """False also when the segment of a Matroska file does not say how large it is."""
    with path.open("rb") as file:
        for wanted in (None, SEGMENT):
            element, size = _vint(file, keep_marker=True), _vint(file)
            if element is None or size is None or wanted not in (None, element):
                return False
            end = file.tell() + size
            if end > path.stat().st_size:  # which may be further away than any file can reach
                return False
            file.seek(end)
    return True


def _vint(file: BinaryIO, keep_marker: bool = False) -> int | None:
    """A number of EBML, whose first set bit gives its length. None at the end, and for "not known"."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    number = int.from_bytes(first + file.read(length - 1))
    if keep_marker:
        return number
    bits = number - (1 << 7 * length)
    return bits if bits != (1 << 7 * length) - 1 else None


def _holds_its_chunks(path: Path) -> bool:
    """True if the outer chunks of an AVI file, of which a large one has several, end where the file does."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            file.seek(int.from_bytes(head[4:], "little"), 1)
            file.seek(file.tell() % 2, 1)
        return file.tell() <= size
