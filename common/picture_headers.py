"""Headers of pictures: whether a file that begins like one goes on like one. Nothing is decoded."""

import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

MOST_SEGMENTS = 2_000
"Segments of a JPEG file before its frame; real ones have some dozens."
MOST_FILL = 512
"Bytes between two segments of a JPEG file that readers pass over."
# Markers of JPEG: frames of all kinds; what has no length; the end of all headers.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE = frozenset({0x01, *range(0xD0, 0xD8)})
SCAN, END = 0xDA, 0xD9


class Source(Protocol):
    """The file, as far as it is needed here."""

    def seek(self, offset: int, whence: int = 0) -> int: ...

    def read(self, size: int = -1) -> bytes: ...


def has_picture_header(file: Source, media_type: str) -> bool:
    """False for a file that has the first bytes of a picture of this type, but not the header that must follow.

    True for types that have no such header here. Reads a few bytes from place to place.
    """
    file.seek(0)
    read = _READERS.get(media_type)
    return read is None or read(file)


def _jpeg(file: Source) -> bool:
    """From segment to segment up to the frame, which has a size."""
    file.seek(2)
    for _ in range(MOST_SEGMENTS):
        marker = _next_marker(file)
        if marker in (None, SCAN, END):
            return False
        if marker in BARE:
            continue
        length = int.from_bytes(file.read(2), "big")
        if marker in FRAMES:
            frame = file.read(5)  # bits per sample, height, width; the height may be told later
            return length >= 8 and len(frame) == 5 and any(frame[3:])
        if length < 2:
            return False
        file.seek(length - 2, 1)
    return False


def _next_marker(file: Source) -> int | None:
    """None at the end of the file, or where no segment can be found."""
    before = b""
    for _ in range(MOST_FILL):
        byte = file.read(1)
        if not byte:
            return None
        if before == b"\xff" and byte not in (b"\xff", b"\x00"):
            return byte[0]
        before = byte
    return None


def _png(file: Source) -> bool:
    """The first chunk has a size and its own sum, and another chunk follows."""
    head = file.read(8 + 8 + 13 + 4 + 8)
    about, total, following = head[12:29], head[29:33], head[37:41]
    return (
        head[8:16] == b"\x00\x00\x00\rIHDR"
        and any(about[4:8])
        and any(about[8:12])
        and zlib.crc32(about).to_bytes(4, "big") == total
        and len(following) == 4
        and following.isalpha()
    )


def _gif(file: Source) -> bool:
    """The screen has a size, and behind the palette comes a picture or an extension."""
    head = file.read(13)
    if len(head) < 13 or not any(head[6:8]) or not any(head[8:10]):
        return False
    palette = 3 << (head[10] % 8 + 1) if head[10] & 0x80 else 0
    file.seek(palette, 1)
    return file.read(1) in (b",", b"!")


def _webp(file: Source) -> bool:
    """The first chunk is one of the three kinds, and begins as it must."""
    head = file.read(30)
    kind, body = head[12:16], head[20:]
    if kind == b"VP8 ":
        return body[3:6] == b"\x9d\x01\x2a" and len(body) == 10
    if kind == b"VP8L":
        return body[:1] == b"\x2f" and len(body) >= 5
    return kind == b"VP8X" and head[16:20] == b"\x0a\0\0\0" and len(body) == 10


_READERS: Mapping[str, Callable[[Source], bool]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
}
