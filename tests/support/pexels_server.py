"""A contract server for Pexels on loopback: the documented wire format, its odd corners, and real mp4 files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from tests.support.stock_server import (
    GONE,
    KEY,
    LANDSCAPE,
    PORTRAIT,
    SUBJECTS,
    Answer,
    Asked,
    StockServer,
    key_of,
    running,
)

PREFIXES = ("/v1/videos", "/videos")
UNAUTHORIZED = Answer(401, b'{"error":"Unauthorized"}')
TOO_MANY = Answer(429, b'{"error":"Too Many Requests"}')


class PexelsServer(StockServer):
    """Use `prefixes` to have one form of the path only."""

    files = "/video-files/"

    def __init__(self, *, prefixes: tuple[str, ...] = PREFIXES, **options: Any) -> None:
        super().__init__(**options)
        self.prefixes = prefixes

    @property
    def searches(self) -> list[Asked]:
        return [one for one in self.asked if one.path.endswith("/search")]

    def search(self, asked: Asked) -> Answer:
        if asked.path not in {f"{prefix}/search" for prefix in self.prefixes}:
            return GONE
        if asked.headers.get("authorization") != KEY:
            return UNAUTHORIZED
        return self.listing(asked)

    def listing(self, asked: Asked) -> Answer:
        page, per_page = int(asked.query.get("page", "1")), int(asked.query.get("per_page", "15"))
        if not asked.query.get("query") or not 1 <= per_page <= 80:
            return Answer(400, b'{"error":"Bad Request"}')
        # Two pages at most, however many a page may hold.
        per_page = min(per_page, -(-self.videos // 2))
        numbers = range((page - 1) * per_page, min(page * per_page, self.videos))
        listing: dict[str, Any] = {
            "page": page,
            "per_page": per_page,
            "total_results": self.videos,
            "url": "https://www.pexels.com/search/videos/",
            "videos": [self._video(number, asked.query) for number in numbers],
        }
        if page * per_page < self.videos:
            following = urlencode({**asked.query, "page": str(page + 1)})
            listing["next_page"] = f"{self.url}{asked.path}/?{following}"
        return Answer(200, json.dumps(listing).encode(), headers={"X-Ratelimit-Remaining": "19999"})

    def _video(self, number: int, query: dict[str, str]) -> dict[str, Any]:
        key = key_of(number, query["query"])
        width, height = PORTRAIT if query.get("orientation") == "portrait" else LANDSCAPE
        subject = query["query"] if number % 3 == 0 else SUBJECTS[number % len(SUBJECTS)]
        return {
            "id": key,
            "width": width,
            "height": height,
            "duration": int(self.seconds) if number % 4 != 3 else 1,
            "full_res": None,
            "tags": [],
            "avg_color": None,
            "url": f"https://www.pexels.com/video/{subject.lower().replace(' ', '-')}-{key}/",
            "image": f"https://images.pexels.com/videos/{key}/free.jpeg",
            "user": {
                "id": number % 5,
                "name": f"Ada Example {number % 5}",
                "url": f"https://www.pexels.com/@ada-{number % 5}",
            },
            "video_files": self._renditions(key, number, width, height),
            "video_pictures": [],
        }

    def _renditions(self, key: int, number: int, width: int, height: int) -> list[dict[str, Any]]:
        def rendition(index: int, quality: str | None, size: tuple[int, int] | None, **more: Any) -> dict[str, Any]:
            shape = {"width": size[0], "height": size[1]} if size else {"width": None, "height": None}
            link = self.link(key, str(index), size, number) if size else "https://x.test/1.m3u8"
            return {"id": index, "quality": quality, "file_type": "video/mp4", **shape, "link": link, **more}

        files = [
            rendition(1, "hls", None, fps=None),
            rendition(2, "uhd", (width * 2, height * 2), fps=25.0),
            rendition(3, "hd", (width, height), fps=29.97),
            rendition(4, None, (width // 2, height // 2)),  # no fps at all, as it happens
        ]
        return files if number % 2 else files[::-1]


@contextmanager
def pexels_server(**options: Any) -> Iterator[PexelsServer]:
    """A running server; ask it with PEXELS_BASE_URL=<its url>, PEXELS_API_KEY=<KEY> and
    FETCH_ALLOW_NETWORKS=127.0.0.0/8."""
    with running(PexelsServer(**options)) as server:
        yield server
