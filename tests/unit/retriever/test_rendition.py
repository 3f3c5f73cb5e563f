"""Which of the files of a stock video is fetched."""

from typing import Any

import pytest

from retriever.providers.pexels import renditions
from retriever.providers.stock import choose_rendition


def file(width: int | None, height: int | None, **more: Any) -> dict[str, Any]:
    link = f"https://videos.test/{width}x{height}.mp4"
    usual = {"quality": "hd", "file_type": "video/mp4", "width": width, "height": height, "link": link}
    return usual | more


LANDSCAPE = [file(640, 360), file(960, 540), file(1280, 720), file(1920, 1080), file(3840, 2160, quality="uhd")]
LADDER = [*LANDSCAPE[:4], file(2560, 1440), *LANDSCAPE[4:], file(4096, 2160, quality="uhd")]
PORTRAIT = [file(360, 640), file(720, 1280), file(1080, 1920), file(2160, 3840)]


@pytest.mark.parametrize(
    ("files", "canvas", "chosen"),
    [
        (LANDSCAPE, (1920, 1080), (1920, 1080)),
        (LANDSCAPE, (1280, 720), (1280, 720)),
        (LANDSCAPE, (640, 360), (640, 360)),
        (LANDSCAPE, (3840, 2160), (3840, 2160)),
        (LANDSCAPE, (1080, 1080), (1920, 1080)),
        (LADDER, (3840, 2160), (3840, 2160)),
        (LADDER, (2560, 1440), (2560, 1440)),
        (LADDER, (2160, 2160), (3840, 2160)),
        (LADDER[:5], (3840, 2160), (2560, 1440)),
        (PORTRAIT, (2160, 3840), (2160, 3840)),
        # 4:5 is cut out of 9:16, of which the width must do
        (PORTRAIT, (1080, 1350), (1080, 1920)),
        (PORTRAIT, (720, 900), (720, 1280)),
        (PORTRAIT, (2160, 2700), (2160, 3840)),
        (LADDER + PORTRAIT, (1080, 1350), (1080, 1920)),
        # and out of 16:9, of which the height must do
        (LADDER, (1080, 1350), (2560, 1440)),
        # a square canvas has no orientation, and a square file has every one
        (PORTRAIT + LANDSCAPE[4:], (1080, 1080), (1080, 1920)),
        ([file(1080, 1080), *LANDSCAPE[3:]], (1080, 1080), (1080, 1080)),
        ([file(1350, 1350), *PORTRAIT[2:]], (1080, 1350), (1350, 1350)),
        (PORTRAIT, (1080, 1920), (1080, 1920)),
        (PORTRAIT + LANDSCAPE, (1080, 1920), (1080, 1920)),
        (LANDSCAPE + PORTRAIT, (1920, 1080), (1920, 1080)),
        # only the other orientation: it must be tall enough to be cropped
        (LANDSCAPE, (1080, 1920), (3840, 2160)),
        # nothing covers: the largest
        (LANDSCAPE[:2], (1920, 1080), (960, 540)),
        # messengers round sides down: still no reason for 4K
        ([file(1920, 1072), file(3840, 2160)], (1920, 1080), (1920, 1072)),
        ([file(2048, 1080), file(4096, 2160)], (1920, 1080), (2048, 1080)),
    ],
)
def test_the_smallest_that_covers_the_canvas_is_taken(
    files: list[dict[str, Any]], canvas: tuple[int, int], chosen: tuple[int, int]
) -> None:
    for order in (files, files[::-1]):
        got = choose_rendition(renditions(order), *canvas)
        assert got is not None
        assert (got.width, got.height) == chosen
        assert got.url == file(*chosen)["link"]


@pytest.mark.parametrize(
    "files",
    [
        None,
        [],
        "none",
        [None, 3],
        [file(None, None, quality="hls")],
        [file(None, 1080), file(1920, None), file(0, 0), file(-1, 5)],
        [file(1920, 1080, file_type="video/webm")],
        [file(1920, 1080, quality="hls")],
        [file(1920, 1080, link=None), file(1920, 1080, link="file:///etc/passwd")],
        [{}],
    ],
)
def test_what_cannot_be_played_is_never_chosen(files: Any) -> None:
    assert renditions(files) == []
    assert choose_rendition(renditions(files), 1920, 1080) is None
