"""The sockets of `common.net.client`: opened through a function of the caller, and shut when time is up."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from common.errors import Permanent, Retryable

LOOK_EVERY = 0.25

Connect = Callable[[str, int, float], socket.socket]
"Host, port and timeout to a connected socket; raises OSError."


class Watch:
    """Ends an exchange when its time is up or the work is called off, wherever it is stuck.

    A read timeout starts again with each byte, so a server that drips would hold us for hours; shutting
    the socket down from another thread wakes any read.
    """

    def __init__(self, seconds: float, stop: Callable[[], None]) -> None:
        self._seconds, self._stop = seconds, stop
        self._deadline = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for sock in self._sockets:
            sock.close()

    def adopt(self, sock: socket.socket) -> socket.socket:
        # A duplicate, because wrapping a socket in TLS takes its descriptor away.
        self._sockets.append(sock.dup())
        return sock

    def check(self) -> None:
        """Raises what `stop` raises, or `Retryable` when the time is up."""
        self._stop()
        if time.monotonic() > self._deadline:
            raise Retryable(f"an answer took longer than {self._seconds:g} seconds")

    @contextmanager
    def translated(self, host: str) -> Iterator[None]:
        """Turns what the HTTP libraries raise into our errors."""
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            self.check()
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Permanent(f"the certificate of {host} is not valid") from error
            raise Retryable(f"{host} does not answer") from error

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            try:
                self.check()
            except Exception:  # whatever it is, the thread that waits for the bytes meets it too
                for sock in self._sockets:
                    _shut(sock)


class Adapter(HTTPAdapter):
    """Connects through `connect`; the host in the URL stays what is asked for in Host, SNI and certificate."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        connect = self._connect

        def connected(to: HTTPConnection) -> socket.socket:
            # An IPv6 literal may still be in its brackets.
            return connect(to._dns_host.strip("[]"), int(to.port or to.default_port), float(to.timeout or 0))

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return connected(self)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return connected(self)

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager = urllib3.PoolManager(connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def connect(host: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection((host, port), timeout)


def connect_first(found: list[str], port: int, timeout: float) -> socket.socket:
    """Connects to the first of the addresses that answers; raises the last one's OSError."""
    problem = OSError("the name has no address")
    for address in found:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            problem = error
    raise problem


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already
