"""A studio that makes clips to order, somewhere else: takes orders, works on them for a while, and forgets nothing.

It plays the part of a paid provider in a run of chaos, so it keeps its books: nothing may be ordered twice, and
whatever was ordered must be fetched or called off in the end.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

WORKING, DONE, CANCELLED = "working", "done", "cancelled"


@dataclass
class FarOrder:
    """An order in the books."""

    id: str
    key: str
    "The customer's own reference."
    ready: float
    "Time of the monotonic clock at which the clip is made."
    cancelled: bool = False
    fetched: bool = False

    @property
    def state(self) -> str:
        if self.cancelled:
            return CANCELLED
        return DONE if time.monotonic() >= self.ready else WORKING


@dataclass
class FarStudio:
    """The studio. Two orders with one key are one, if the customer says `once`; else he gets what he asks for.

    `mute` is the share of orders whose answer gets lost on its way.
    """

    clip: bytes
    shortest: float = 0.3
    longest: float = 3.0
    "Seconds that an order takes."
    mute: float = 0.0
    seed: int = 0
    orders: list[FarOrder] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._rng = random.Random(f"studio/{self.seed}")
        self._lock = threading.Lock()

    def take(self, key: str, once: bool) -> FarOrder:
        """A new order, or the one that is there."""
        with self._lock:
            known = [order for order in self.orders if order.key == key]
            if known and once:
                return known[0]
            seconds = self._rng.uniform(self.shortest, self.longest)
            self.orders.append(FarOrder(f"order-{len(self.orders)}", key, time.monotonic() + seconds))
            return self.orders[-1]

    def find(self, name: str) -> FarOrder | None:
        """By its id or its key."""
        with self._lock:
            return next((order for order in self.orders if name in (order.id, order.key)), None)

    def call_off(self, key: str) -> None:
        """Whatever there is of that key is cancelled. What comes later is an order like any other."""
        with self._lock:
            for order in self.orders:
                order.cancelled |= order.key == key

    def loses_an_answer(self) -> bool:
        with self._lock:
            return self._rng.random() < self.mute

    def faults(self) -> Iterator[str]:
        """Orders that came twice, and orders that nobody took and nobody called off."""
        keys = [order.key for order in self.orders]
        yield from (
            f"the far studio got {key} {keys.count(key)} times" for key in sorted(set(keys)) if keys.count(key) > 1
        )
        for order in self.orders:
            if not order.fetched and not order.cancelled:
                yield f"{order.id} of the far studio was neither fetched nor called off"


@contextmanager
def open_studio(studio: FarStudio, host: str = "127.0.0.1") -> Iterator[FarStudio]:
    """Serves it meanwhile at this address of ours, at `studio.url`."""
    server = _Server((host, 0), _handler(studio))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    studio.url = f"http://{host}:{server.server_port}"
    thread.start()
    try:
        yield studio
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asks may be killed before the answer; all else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(studio: FarStudio) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """`POST /orders?clip=URL&key=K&once=1`; the addresses of its clips begin with its own."""
            if not self._value("clip").startswith(f"{studio.url}/"):
                self._answer(404, {"error": "no such clip"})
                return
            order = studio.take(self._value("key"), self._value("once") == "1")
            if studio.loses_an_answer():
                self.close_connection = True
            else:
                self._answer(201, {"id": order.id})

        def do_GET(self) -> None:
            """`GET /orders/ID`, by its id or key; `GET /files/ID`"""
            where, _, name = urlsplit(self.path).path.strip("/").partition("/")
            order = studio.find(name)
            if order is None:
                self._answer(404, {"error": "no such order"})
            elif where == "files":
                order.fetched = True
                self._send(200, "video/mp4", studio.clip)
            else:
                self._answer(200, {"id": order.id, "state": order.state})

        def do_DELETE(self) -> None:
            """`DELETE /orders?key=K`"""
            studio.call_off(self._value("key"))
            self._answer(200, {})

        def log_message(self, *_: Any) -> None:
            """Nothing: the services have logs of their own."""

        def _value(self, name: str) -> str:
            return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            self._send(status, "application/json", json.dumps(body).encode())

        def _send(self, status: int, media_type: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
