"""A server on loopback that transcribes as OpenAI does, and misbehaves on demand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

KEY = "contract-test-key"
HEARD = {
    "language": "english",
    "text": "The sea is calm.",
    "words": [
        {"word": "The", "start": 0.1, "end": 0.3},
        {"word": "sea", "start": 0.3, "end": 0.6},
        {"word": "is", "start": 0.6, "end": 0.7},
        {"word": "calm.", "start": 0.8, "end": 1.2},
    ],
}


@dataclass
class Transcriber:
    """Gives `answer` with `status` to whoever shows the key; `asked` has the fields of each form."""

    url: str = ""
    status: int = 200
    answer: Any = field(default_factory=lambda: HEARD)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, bytes]] = field(default_factory=list)


@contextmanager
def transcriber() -> Iterator[Transcriber]:
    state = Transcriber()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append({"path": self.path.encode(), **form(self.headers["Content-Type"], body)})
            known = self.headers["Authorization"] == f"Bearer {KEY}"
            answer = state.answer if isinstance(state.answer, bytes) else json.dumps(state.answer).encode()
            self.send_response(state.status if known else 401)
            for name, value in {**state.headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def form(media_type: str, body: bytes) -> dict[str, bytes]:
    """The fields of a form."""
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {media_type}\r\n\r\n".encode() + body)
    parts = {str(part.get_param("name", header="content-disposition")): part for part in parsed.iter_parts()}
    return {name: bytes(part.get_payload(decode=True)) for name, part in parts.items()}
