"""The front of an object store: the address that download links name, where a film can be seeked in.

`python -m infra.front LISTEN STORE [--all]` (both `host:port`); it passes on downloads only, or everything. The store
of the embedded stack answers a request for a part of an object with the part, but with the status of the whole (200),
so browsers do not seek. This passes downloads on as they are, signature and all, and mends the status.
"""

import http.client
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNK = 256 * 1024
STORE_SECONDS = 30.0
IDLE_SECONDS = 60.0
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization"}
OWN = {"server", "date"}


class Front(ThreadingHTTPServer):
    """Listens at an address; `store` is where the objects are."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], store: tuple[str, int], everything: bool = False) -> None:
        """Passes on `everything`, or downloads only."""
        self.store, self.everything = store, everything
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no error worth a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: Front

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._say_whether_the_store_is_there()
        else:
            self._pass_on()

    def do_HEAD(self) -> None:
        self._pass_on()

    def do_PUT(self) -> None:
        self._pass_on_if_it_may()

    def do_POST(self) -> None:
        self._pass_on_if_it_may()

    def do_DELETE(self) -> None:
        self._pass_on_if_it_may()

    def log_message(self, *_: Any) -> None:
        """Nothing: a signed address does not belong into a log."""

    def _say_whether_the_store_is_there(self) -> None:
        try:
            socket.create_connection(self.server.store, timeout=1.0).close()
            status = 200
        except OSError:
            status = 503
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _pass_on_if_it_may(self) -> None:
        if self.server.everything:
            self._pass_on()
        else:
            self.send_error(405)
            self.close_connection = True

    def _pass_on(self) -> None:
        store = http.client.HTTPConnection(*self.server.store, timeout=STORE_SECONDS)
        try:
            store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():  # Host among them, which is signed
                if name.lower() not in HOP_BY_HOP:
                    store.putheader(name, value)
            store.endheaders()
            left = int(self.headers.get("Content-Length") or 0)
            while left > 0 and (piece := self.rfile.read(min(CHUNK, left))):
                store.send(piece)
                left -= len(piece)
            self._answer(store.getresponse())
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the client sees that the download broke off
        finally:
            store.close()

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        part = answer.status == 200 and answer.getheader("Content-Range") is not None
        self.send_response(206 if part else answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | OWN:
                self.send_header(name, value)
        if answer.getheader("Content-Length") is None:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        while self.command != "HEAD" and (piece := answer.read(CHUNK)):
            self.wfile.write(piece)


def main() -> int:
    listen, store = (_address(text) for text in sys.argv[1:3])
    front = Front(listen, store, everything="--all" in sys.argv[3:])
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=front.shutdown, daemon=True).start())
    front.serve_forever(poll_interval=0.5)
    return 0


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main())
