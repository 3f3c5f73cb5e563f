"""A contract server for Pixabay on loopback: the documented wire format, its odd corners, and real mp4 files."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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

SEARCH = "/videos/"
REACHABLE = 500
EMPTY = {"url": "", "width": 0, "height": 0, "size": 0, "thumbnail": ""}


def refusal(words: str, status: int = 400) -> Answer:
    """Errors are texts, not JSON."""
    return Answer(status, words.encode(), "text/plain")


BAD_KEY = refusal("[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/).")
BAD_PAGE = refusal('[ERROR 400] "page" is out of valid range.')
TOO_MANY = refusal("API rate limit exceeded", 429)


class PixabayServer(StockServer):
    """Every third video is upright, since there is no filter for that, and the large rendition is never there."""

    files = "/video/2026/01/02/"

    @property
    def searches(self) -> list[Asked]:
        return [one for one in self.asked if one.path == SEARCH]

    def check(self) -> None:
        super().check()
        headers = [one.path for one in self.searches if KEY in repr(one.headers)]
        assert not headers, f"the key belongs into the query alone: {headers}"
        counts = Counter(self.answered)
        repeated = [query for query, count in counts.items() if count > 1]
        assert not repeated, f"answers must be cached for a day; these were asked for again: {repeated}"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.answered: list[tuple[tuple[str, str], ...]] = []
        "Searches that were answered as usual."

    def search(self, asked: Asked) -> Answer:
        if asked.path != SEARCH:
            return GONE
        if asked.query.get("key") != KEY:
            return BAD_KEY
        answer = self.listing(asked)
        if answer.status == 200:
            self.answered.append(tuple(sorted(asked.query.items())))
        return answer

    def listing(self, asked: Asked) -> Answer:
        page, per_page = int(asked.query.get("page", "1")), int(asked.query.get("per_page", "20"))
        if len(asked.query.get("q", "")) > 100:
            return refusal('[ERROR 400] "q" is too long.')
        if not 3 <= per_page <= 200:
            return refusal('[ERROR 400] "per_page" is out of valid range.')
        reachable = min(self.videos, REACHABLE)
        if page > max(1, -(-reachable // per_page)):
            return BAD_PAGE
        numbers = range((page - 1) * per_page, min(page * per_page, reachable))
        listing = {
            "total": self.videos,
            "totalHits": reachable,
            "hits": [self._hit(number, asked.query.get("q", "")) for number in numbers],
        }
        headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99", "X-RateLimit-Reset": "60"}
        return Answer(200, json.dumps(listing).encode(), headers=headers)

    def _hit(self, number: int, phrase: str) -> dict[str, Any]:
        key = key_of(number, phrase)
        subject = phrase if number % 2 == 0 else SUBJECTS[number % len(SUBJECTS)]
        return {
            "id": key,
            "pageURL": f"https://pixabay.com/videos/id-{key}/",
            "type": "film",
            "tags": ", ".join(subject.split()),
            "duration": int(self.seconds) if number % 4 != 3 else 1,
            "views": 10,
            "downloads": 4,
            "likes": 2,
            "comments": 0,
            "user_id": 77 + number % 5,
            "user": f"ada_ex{number % 5}",
            "userImageURL": "https://cdn.pixabay.com/user/x_250x250.jpg",
            "videos": self._videos(key, number),
        }

    def _videos(self, key: int, number: int) -> dict[str, Any]:
        width, height = PORTRAIT if number % 3 == 2 else LANDSCAPE
        sizes = {"medium": (2 * width, 2 * height), "small": (width, height), "tiny": (width // 2, height // 2)}
        return {"large": EMPTY} | {name: self._rendition(key, name, size, number) for name, size in sizes.items()}

    def _rendition(self, key: int, name: str, size: tuple[int, int], number: int) -> dict[str, Any]:
        url = self.link(key, name, size, number)
        return {"url": url, "width": size[0], "height": size[1], "size": 9_123, "thumbnail": f"{url}.jpg"}


@contextmanager
def pixabay_server(**options: Any) -> Iterator[PixabayServer]:
    """A running server; ask it with PIXABAY_BASE_URL=<its url>, PIXABAY_API_KEY=<KEY> and
    FETCH_ALLOW_NETWORKS=127.0.0.0/8."""
    with running(PixabayServer(**options)) as server:
        yield server
