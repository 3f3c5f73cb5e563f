"""Texts and colour profiles in a PNG file, which may be small and unpack to gigabytes.

ffmpeg unpacks them whole before it looks at the picture, and has no limit for them. So they are unpacked here first,
and no further than anybody needs.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from common.errors import BadMedia

MOST_UNPACKED = 16 * 1024**2
"Bytes of all of them together. The largest profiles have 4 MB."
MOST_READ = MOST_UNPACKED + 4096
"Bytes of one of them, with the names before it."
BESIDE = (b"zTXt", b"iTXt", b"iCCP")
SIGNATURE, HEAD, CHECKSUM = 8, 8, 4
"Bytes at the start of the file, and before and after the content of a chunk."


def check_chunks(path: Path) -> None:
    """Raises `BadMedia` for a PNG whose chunks unpack to too much. Whether they are sound, others find out."""
    left = MOST_UNPACKED
    with path.open("rb") as file:
        for content in _packed(file):
            left -= _unpacked(content, left)
            if left <= 0:
                raise BadMedia("the picture has too much text or colour profile in it; save it again without them")


def _packed(file: BinaryIO) -> Iterator[bytes]:
    """The packed part of each chunk beside the picture."""
    file.seek(SIGNATURE)
    while len(head := file.read(HEAD)) == HEAD:
        size, kind = int.from_bytes(head[:4]), head[4:]
        if kind in BESIDE:
            begin = file.tell()
            yield _after_names(kind, file.read(min(size, MOST_READ)))
            file.seek(begin)
        file.seek(size + CHECKSUM, 1)


def _after_names(kind: bytes, content: bytes) -> bytes:
    """The packed part: after a keyword and the method; in iTXt also after a flag, a language and another keyword."""
    _, _, rest = content.partition(b"\0")
    if kind != b"iTXt":
        return rest[1:]
    return rest[2:].partition(b"\0")[2].partition(b"\0")[2]


def _unpacked(content: bytes, most: int) -> int:
    """The number of bytes, at most `most`; that of the bytes themselves if they are not packed."""
    try:
        return len(zlib.decompressobj().decompress(content, most))
    except zlib.error:
        return min(len(content), most)
