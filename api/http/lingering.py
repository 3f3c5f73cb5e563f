"""Lingering close: lets an answer reach a client that is still sending, by reading the rest for a while.

A connection that is closed with unread bytes in it is reset, and then the client may never see the answer.
"""

import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from gunicorn.http.errors import ParseException
from werkzeug.wsgi import ClosingIterator

CHUNK = 64 * 1024
IDLE_SECONDS = 10.0
LONGEST_SECONDS = 300.0
"A client that sends a body which is far too large may need minutes before it listens."

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Lingering:
    """Wraps an application: once it has answered, the rest of the body is read."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = self._application(environ, start_response)
        connection = environ.get("gunicorn.socket")
        if connection is None:
            return answer
        return ClosingIterator(answer, partial(_read_all, environ["wsgi.input"].read, connection))


def say_goodbye(connection: socket.socket) -> None:
    """Says that nothing more will be sent, and waits until the other side has nothing more to say either."""
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side has gone
    _read_all(connection.recv, connection)


def _read_all(read: Callable[[int], bytes], connection: socket.socket) -> None:
    give_up = time.monotonic() + LONGEST_SECONDS
    before = connection.gettimeout()
    try:
        connection.settimeout(IDLE_SECONDS)
        while time.monotonic() < give_up and read(CHUNK):
            pass
        connection.settimeout(before)
    except (OSError, ParseException):
        pass  # it fell silent, broke off or made no sense: whatever it is, nobody listens
