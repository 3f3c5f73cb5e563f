"""The worker of the web server. Its own refusals, before our application sees a request, have our form, too."""

import socket
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

REFUSALS: tuple[tuple[type[Exception], int], ...] = (
    (errors.InvalidResponseHeader, 500),
    (errors.InvalidResponseHeaderName, 500),
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.ExpectationFailed, 417),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ConfigurationProblem, 500),
    (errors.ParseException, 400),
)
"Errors of the server, the special before the general, and the status that goes with each."


class Worker(GeventWorker):
    """A gevent worker with our words."""

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        # Here and not above: this module is imported before the standard library has been made cooperative.
        from api.http.lingering import say_goodbye
        from api.http.problems import CODES

        status = next((status for kind, status in REFUSALS if isinstance(exc, kind)), 500)
        if status == 500:
            self.log.error("a request failed", exc_info=exc)
            code, words = "internal_error", "something went wrong on our side; the server's log has the details"
        else:
            self.log.warning("a request was refused (%s)", exc)
            code, words = CODES[status]
        try:
            client.sendall(_answer(status, code, words))
        except OSError:
            return  # whoever asked has gone
        say_goodbye(client)


def _answer(status: int, code: str, words: str) -> bytes:
    """The whole of an answer, as it goes over the wire."""
    from api.http.problems import HEADERS, problem

    reply = problem(status, code, words)
    body = reply.get_data()
    fields = {"Connection": "close", "Content-Type": reply.mimetype, "Content-Length": len(body), **HEADERS}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
