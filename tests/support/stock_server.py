"""What servers that play a library of stock videos on loopback have in common: a log, a script, and real mp4 files."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from common.contracts.footage import ShotQuery
from tests.support import clips

KEY = "contract-test-key"
QUERY = ShotQuery(
    shot="s1.1",
    show="boats in a harbour",
    terms=("harbour boats", "ocean waves"),
    seconds=2.5,
    width=640,
    height=360,
    sources=(),
    seed=0,
)
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
    """What to answer: a status, a body and its type."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


BOT_SHIELD = Answer(200, b"<html><title>Just a moment...</title></html>", "text/html")
BROKEN = Answer(500, b"upstream error", "text/plain")
GONE = Answer(404, b'{"status":404,"code":"Not Found"}')


class StockServer:
    """Answers like the real one, except for what `script` holds: its entries are the next answers, in turn.

    `asked` records every request, `spoil` may change a file on its way. A subclass says which addresses are `files`
    and which are `searches`, and answers the latter.
    """

    files = "/files/"

    def __init__(self, *, videos: int = 12, seconds: float = 4.0) -> None:
        self.videos, self.seconds = videos, seconds
        self.script: list[Answer] = []
        self.asked: list[Asked] = []
        self.spoil: Callable[[Asked, bytes], bytes] = lambda _, data: data
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def fetched(self) -> list[Asked]:
        return [one for one in self.asked if one.path.startswith(self.files)]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def check(self) -> None:
        """What must hold however a test has used it."""
        with_key = [one.path for one in self.fetched if KEY in repr(one)]
        assert not with_key, f"the key was sent along with a file download: {with_key}"

    def answer(self, asked: Asked) -> Answer:
        of_a_file = asked.path.startswith(self.files)
        with self._lock:
            self.asked.append(asked)
            if self.script and not of_a_file:
                return self.script.pop(0)
        return self._file(asked) if of_a_file else self.search(asked)

    def search(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def link(self, key: int, name: str, size: tuple[int, int], number: int) -> str:
        """The address of a file of that size, in a colour of its own."""
        return f"{self.url}{self.files}{key}/{name}-{size[0]}-{size[1]}-{number}.mp4"

    def _file(self, asked: Asked) -> Answer:
        parts = asked.path.rpartition("/")[2].removesuffix(".mp4").split("-")
        if len(parts) != 4:
            return GONE
        _, width, height, number = parts
        made = clips.clip(int(width), int(height), seconds=self.seconds, fps=25, hue=int(number) * 30 % 360)
        return Answer(200, self.spoil(asked, made.read_bytes()), "video/mp4")


Server = TypeVar("Server", bound=StockServer)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
    server.check()


def key_of(number: int, phrase: str) -> int:
    """The number of a video: another for each phrase."""
    return 4_401_000 + sum(f"{number}-{phrase}".encode()) * 100 + number


def _handler(server: StockServer) -> type[BaseHTTPRequestHandler]:
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
