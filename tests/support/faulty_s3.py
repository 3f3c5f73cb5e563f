"""An S3 server that misbehaves on demand: a proxy on loopback before the real one."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import unquote, urlsplit

from common.settings import Settings
from common.storage.s3 import S3Storage

Fault = Literal[
    "refuse",  # breaks every connection
    "hang",  # takes the request and says nothing
    "500",
    "503",
    "cut get",  # promises all of an object and breaks off in the middle
    "short get",  # sends half of an object as if that were all
    "cut put",  # half of what is put reaches the server, then the connection breaks
    "half put",  # keeps half of what is put and says that all went well
    "no reply",  # does what it is asked to and breaks the connection instead of answering
    "slow",  # sends and receives in small pieces with pauses
]
GETS, PUTS = ("cut get", "short get"), ("cut put", "half put", "no reply")
TAKES_PART = {**dict.fromkeys(GETS, "GET"), **dict.fromkeys(PUTS, "PUT")}
"The one method that a fault is about; any other is served as usual."
PIECE = 65_536


class FaultyS3:
    """Passes requests on, headers and all, so that their signatures hold; `fault` is what goes wrong meanwhile."""

    def __init__(self, behind: Settings) -> None:
        upstream = urlsplit(behind.s3_endpoint)
        self._upstream = (str(upstream.hostname), int(upstream.port or 80))
        self._honest = S3Storage(behind)
        self._changed = threading.Condition()
        self._fault: Fault | None = None
        self.hits = 0
        "Requests that met a fault."
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.settings = replace(behind, s3_endpoint=f"http://127.0.0.1:{self._server.server_port}")
        "Lead to the store through this proxy."
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        with self._changed:
            self._fault = fault
            self.hits = 0
            self._changed.notify_all()

    def close(self) -> None:
        self.fault = None
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def handle_any(self) -> None:
                try:
                    proxy._serve(self)
                except OSError:
                    self.close_connection = True  # the other side broke off

        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        return Handler

    def _serve(self, asked: BaseHTTPRequestHandler) -> None:
        fault = self._fault
        if TAKES_PART.get(str(fault), asked.command) != asked.command:
            fault = None
        self.hits += fault is not None
        if fault == "refuse":
            return _break(asked)
        body = self._body(asked, slowly=fault == "slow")
        if fault == "hang":
            with self._changed:
                self._changed.wait_for(lambda: self._fault != "hang")
            return _break(asked)
        if fault in ("500", "503"):
            return _answer(asked, int(fault), b"<Error><Code>InternalError</Code></Error>")
        if fault == "cut put":
            with socket.create_connection(self._upstream) as half:
                half.sendall(_head(asked) + body[: len(body) // 2])
            return _break(asked)
        if fault == "half put" and body:
            bucket, _, key = unquote(urlsplit(asked.path).path).lstrip("/").partition("/")
            self._honest.put_bytes(bucket, key, body[: len(body) // 2], asked.headers.get("content-type", ""))
            return _answer(asked, 200, b"")
        return self._pass_on(asked, body, fault)

    def _pass_on(self, asked: BaseHTTPRequestHandler, body: bytes, fault: Fault | None) -> None:
        upstream = http.client.HTTPConnection(*self._upstream, timeout=30)
        try:
            upstream.putrequest(asked.command, asked.path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(body or None)
            reply = upstream.getresponse()
            data = reply.read()
        finally:
            upstream.close()
        if fault == "no reply":
            return _break(asked)
        half = data[: len(data) // 2] if reply.status == 200 and fault in GETS else data
        length = len(half) if fault == "short get" else int(reply.headers.get("content-length", len(data)))
        asked.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                asked.send_header(name, value)
        asked.send_header("Content-Length", str(length))
        asked.end_headers()
        for begin in range(0, len(half), PIECE):
            asked.wfile.write(half[begin : begin + PIECE])
            self._pause(fault == "slow")
        if fault == "cut get" and half != data:
            _break(asked)
        return None

    def _body(self, asked: BaseHTTPRequestHandler, *, slowly: bool) -> bytes:
        left = int(asked.headers.get("content-length") or 0)
        pieces: list[bytes] = []
        while left and (piece := asked.rfile.read(min(left, PIECE))):
            left -= len(piece)
            pieces.append(piece)
            self._pause(slowly)
        return b"".join(pieces)

    def _pause(self, wanted: bool) -> None:
        """A pause that ends early when the fault does."""
        if wanted:
            with self._changed:
                self._changed.wait_for(lambda: self._fault != "slow", 0.2)


def _head(asked: BaseHTTPRequestHandler) -> bytes:
    lines = [asked.requestline, *(f"{name}: {value}" for name, value in asked.headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _answer(asked: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    asked.send_response(status)
    asked.send_header("Content-Type", "application/xml")
    asked.send_header("ETag", f'"{"0" * 32}"')
    asked.send_header("Content-Length", str(len(body)))
    asked.end_headers()
    if asked.command != "HEAD":
        asked.wfile.write(body)


def _break(asked: BaseHTTPRequestHandler) -> None:
    asked.close_connection = True
    asked.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def faulty_s3(behind: Settings) -> Iterator[FaultyS3]:
    """A proxy before the store of these settings; it ends with the block."""
    proxy = FaultyS3(behind)
    try:
        yield proxy
    finally:
        proxy.close()
