"""A TCP proxy that misbehaves as told: it delays, cuts connections after so many bytes, or swallows the replies."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CHUNK = 65_536


@dataclass(frozen=True)
class Fault:
    """What goes wrong on connections made from now on. Bytes are counted per connection."""

    delay: float = 0.0
    "Seconds that every piece is held back."
    to_server: int | None = None
    "The connection breaks once so many bytes have gone to the server."
    to_client: int | None = None
    "... or to the client."
    swallow: bool = False
    "The server gets everything, the client nothing, and the connection stays open."
    refuse: bool = False
    "Connections are accepted and broken at once."


class TcpProxy:
    """Passes connections on to a server, as well as `fault` lets it."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.fault = Fault()
        self.connections = 0
        self.to_server, self.to_client = 0, 0
        "Bytes passed on since `reset`."
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self, fault: Fault) -> None:
        """Breaks what is open, and counts anew."""
        self.fault = fault
        self.break_all()
        self.connections = self.to_server = self.to_client = 0

    def break_all(self) -> None:
        while self._open:
            _break(self._open.pop())

    def close(self) -> None:
        _break(self._listener)
        self.break_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.fault.refuse:
                _break(client)
                continue
            try:
                server = socket.create_connection(self._server)
            except OSError:
                _break(client)
                continue
            self._open += [client, server]
            for way in ((client, server, "to_server"), (server, client, "to_client")):
                threading.Thread(target=self._pass, args=(*way, self.fault), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, way: str, fault: Fault) -> None:
        room: int | None = getattr(fault, way)
        try:
            while data := source.recv(CHUNK):
                time.sleep(fault.delay)
                piece = data if room is None else data[:room]
                if way == "to_server" or not fault.swallow:
                    target.sendall(piece)
                    setattr(self, way, getattr(self, way) + len(piece))
                if room is not None and (room := room - len(piece)) <= 0:
                    break
        except OSError:
            pass
        _break(source)
        _break(target)


def _break(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


@contextmanager
def tcp_proxy(port: int) -> Iterator[TcpProxy]:
    """Yields a proxy to this port of ours; it ends with the block."""
    proxy = TcpProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
