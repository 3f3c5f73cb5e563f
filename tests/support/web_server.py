"""A web server on loopback whose every byte is up to the test."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Serve = Callable[[socket.socket, bytes], None]
"Gets the connection and the head of the request."


class WebServer:
    """Hands each connection to `serve`. `heads` records what was asked, `hits` counts connections."""

    def __init__(self, serve: Serve, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._serve, self._tls = serve, tls
        self._socket = socket.create_server((host, 0))
        self.port = int(self._socket.getsockname()[1])
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self.heads: list[bytes] = []
        self.hits = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in accept.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.hits += 1
            self._threads.append(threading.Thread(target=self._talk, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as stream:
                head = b""
                while b"\r\n\r\n" not in head and (piece := stream.recv(65536)):
                    head += piece
                self.heads.append(head)
                self._serve(stream, head)
        except OSError:
            pass  # the client hung up, which some tests want


@contextmanager
def web_server(serve: Serve, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    server = WebServer(serve, host, tls)
    try:
        yield server
    finally:
        server.close()


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> Serve:
    """Always the same answer; `content_type="x"` becomes `content-type: x`."""
    lines = {"content-length": str(len(body)), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return lambda stream, _: stream.sendall(head.encode() + body)
