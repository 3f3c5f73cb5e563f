"""A contract server for Pexels on loopback: the documented wire format, its odd corners, and real mp4 files."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support import clips

KEY = "contract-test-key"
PREFIXES = ("/v1/videos", "/videos")
FILES = "/video-files/"
LANDSCAPE, PORTRAIT = (640, 360), (360, 640)
SUBJECTS = ("harbour boats", "city street", "mountain lake", "forest path", "ocean waves", "desert road")


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What to answer instead of the usual: a status, a body and its type."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


UNAUTHORIZED = Answer(401, b'{"error":"Unauthorized"}')
TOO_MANY = Answer(429, b'{"error":"Too Many Requests"}')
BOT_SHIELD = Answer(200, b"<html><title>Just a moment...</title></html>", "text/html")
BROKEN = Answer(500, b"upstream error", "text/plain")
GONE = Answer(404, b'{"status":404,"code":"Not Found"}')


class PexelsServer:
    """Answers like the real one, except for what `script` holds: its entries are the next answers, in turn.

    `asked` records every request, `spoil` may change a file on its way. Use `prefixes` to have one form of the
    path only.
    """

    def __init__(self, *, videos: int = 12, prefixes: tuple[str, ...] = PREFIXES, seconds: float = 4.0) -> None:
        self.videos, self.prefixes, self.seconds = videos, prefixes, seconds
        self.script: list[Answer] = []
        self.asked: list[Asked] = []
        self.spoil: Callable[[Asked, bytes], bytes] = lambda _, data: data
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """For PEXELS_BASE_URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def searches(self) -> list[Asked]:
        return [one for one in self.asked if one.path.endswith("/search")]

    @property
    def fetched(self) -> list[Asked]:
        return [one for one in self.asked if one.path.startswith(FILES)]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            if self.script and not asked.path.startswith(FILES):
                return self.script.pop(0)
        if asked.path.startswith(FILES):
            return self._file(asked)
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
        name = f"{number}-{query['query']}"
        key = 4_401_000 + sum(name.encode()) * 100 + number
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
            link = (
                f"{self.url}{FILES}{key}/{index}-{size[0]}-{size[1]}-{number}.mp4" if size else "https://x.test/1.m3u8"
            )
            return {"id": index, "quality": quality, "file_type": "video/mp4", **shape, "link": link, **more}

        files = [
            rendition(1, "hls", None, fps=None),
            rendition(2, "uhd", (width * 2, height * 2), fps=25.0),
            rendition(3, "hd", (width, height), fps=29.97),
            rendition(4, None, (width // 2, height // 2)),  # no fps at all, as it happens
        ]
        return files if number % 2 else files[::-1]

    def _file(self, asked: Asked) -> Answer:
        _, width, height, number = asked.path.rpartition("/")[2].removesuffix(".mp4").split("-")
        made = clips.clip(int(width), int(height), seconds=self.seconds, fps=25, hue=int(number) * 30 % 360)
        return Answer(200, self.spoil(asked, made.read_bytes()), "video/mp4")


@contextmanager
def pexels_server(**options: Any) -> Iterator[PexelsServer]:
    """A running server; ask it with PEXELS_BASE_URL=<its url>, PEXELS_API_KEY=<KEY> and
    FETCH_ALLOW_NETWORKS=127.0.0.0/8."""
    server = PexelsServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    with_key = [one.path for one in server.fetched if KEY in repr(one)]
    assert not with_key, f"the key was sent along with a file download: {with_key}"


def _handler(server: PexelsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(server.answer(Asked(parts.path, query, headers)))

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.media_type, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        log_message: Callable[..., None] = lambda *_: None

    return Handler
