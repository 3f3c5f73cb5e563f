"""Real pictures pass, and what only begins like one does not."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from common.picture_headers import has_picture_header
from common.sniff import sniff

PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("RGB", {"format": "JPEG"}),
    "progressive": ("L", {"format": "JPEG", "progressive": True}),
    "jpeg-cmyk": ("CMYK", {"format": "JPEG"}),
    "jpeg-with-much-before": ("RGB", {"format": "JPEG", "exif": b"Exif\0\0" + bytes(60_000), "comment": b"c" * 5000}),
    "png": ("RGBA", {"format": "PNG"}),
    "png-with-palette": ("P", {"format": "PNG", "bits": 2}),
    "png-16-bits": ("I;16", {"format": "PNG"}),
    "gif": ("P", {"format": "GIF"}),
    "gif-that-moves": ("P", {"format": "GIF", "save_all": True, "append_images": [Image.new("P", (40, 30), 3)]}),
    "webp": ("RGB", {"format": "WEBP"}),
    "webp-lossless": ("RGB", {"format": "WEBP", "lossless": True}),
    "webp-transparent": ("RGBA", {"format": "WEBP", "exif": b"Exif\0\0"}),
}


def picture(name: str) -> bytes:
    mode, options = PICTURES[name]
    buffer = BytesIO()
    Image.new(mode, (40, 30)).save(buffer, **options)
    return buffer.getvalue()


def passes(data: bytes) -> bool:
    media_type = sniff(data)
    assert media_type is not None
    return has_picture_header(BytesIO(data), media_type)


@pytest.mark.parametrize("name", PICTURES)
def test_a_real_picture_has_a_header(name: str) -> None:
    assert passes(picture(name))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_which_only_the_first_bytes_are_there_has_none(name: str) -> None:
    assert not passes(picture(name)[:12] + b"WEBP"[: 4 * name.startswith("webp")])


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("garbage", [b"garbage", bytes(5000), b"\xff" * 5000, b"\xff\xd0" * 5000, b"words and " * 500])
def test_garbage_behind_the_first_bytes_is_no_header(name: str, garbage: bytes) -> None:
    assert not passes(picture(name)[: 16 if name.startswith("webp") else 8] + garbage)


def test_a_picture_without_a_size_is_none() -> None:
    data = bytearray(picture("gif"))
    data[6:8] = b"\0\0"
    assert not passes(bytes(data))


def test_the_end_of_a_picture_is_not_looked_at() -> None:
    """What is cut off is judged where it is decoded, within its walls."""
    data = picture("jpeg")
    assert passes(data[: data.index(b"\xff\xda")])


def test_other_types_have_no_header_that_is_looked_at_here() -> None:
    assert has_picture_header(BytesIO(b"anything"), "video/mp4")


def test_a_file_of_nothing_but_segments_is_given_up() -> None:
    assert not passes(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 1_000_000)
