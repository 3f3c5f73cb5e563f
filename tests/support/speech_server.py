"""Speech services on loopback: the documented wire formats, sound that is hummed, and trouble on demand."""

import base64
import io
import json
import threading
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import numpy as np

from tests.support.speech import BETWEEN, FASTEST, RATE, SLOWEST, hummed

KEY = "contract-test-key"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    query: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    "Half of the body, although all of its length is announced."


class Sung(NamedTuple):
    samples: np.ndarray
    "Mono float32 at `RATE`."
    times: list[tuple[str, float, float]]
    "Words with their seconds."


Spoil = Callable[[Sung], Sung]
HANG = "hang"


def as_it_is(sung: Sung) -> Sung:
    return sung


def silent(sung: Sung) -> Sung:
    return Sung(np.zeros_like(sung.samples), sung.times)


def halved(sung: Sung) -> Sung:
    half = len(sung.samples) // 2
    return Sung(sung.samples[:half], [one for one in sung.times if one[2] <= half / RATE])


def late(sung: Sung) -> Sung:
    return Sung(sung.samples, [(word, start + 5, end + 5) for word, start, end in sung.times])


def backwards(sung: Sung) -> Sung:
    return Sung(sung.samples, sung.times[::-1])


def sing(text: str, pitch: float, pace: float) -> Sung:
    """What the hummers of `tests.support.speech` hum, with its times."""
    pace = min(FASTEST, max(SLOWEST, pace))
    times: list[tuple[str, float, float]] = []
    begin = 0.0
    for word in text.split():
        sound = hummed(word, pitch, pace)
        if any(sign.isalnum() for sign in word):
            seconds = len(sound) / RATE
            times.append((word, begin, begin + seconds))
            stop = word[-1] in ".,;:!?…"
            begin += seconds + (0.25 if stop else BETWEEN) / pace
    return Sung(hummed(text, pitch, pace), times)


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


class SpeechServer:
    """Answers as the service does. `script` holds the next answers to calls for speech, in turn (`HANG` for none);
    `spoil` changes every sound; `asked` records all requests.
    """

    def __init__(self) -> None:
        self.script: list[Answer | str] = []
        self.always: Answer | str | None = None
        self.spoil: Spoil = as_it_is
        self.asked: list[Asked] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def spoken(self) -> list[Asked]:
        """The calls for speech."""
        return [one for one in self.asked if self.is_speech(one)]

    def settings(self) -> dict[str, Any]:
        """Settings of a worker that uses it."""
        raise NotImplementedError

    def is_speech(self, asked: Asked) -> bool:
        return asked.method == "POST"

    def speech(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def other(self, asked: Asked) -> Answer:
        return Answer(404, b'{"detail":"Not Found"}')

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            if not self.is_speech(asked):
                return self.other(asked)
            planned = self.script.pop(0) if self.script else self.always
        if isinstance(planned, Answer):
            return planned
        if planned == HANG:
            self._over.wait(60)
        return self.speech(asked)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _handler(server: SpeechServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.answer(Asked(self.command, path, headers, body, query))
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.media_type, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            except OSError:
                pass  # whoever asked has given up

        log_message: Callable[..., None] = lambda *_: None

    return Handler


def pitch_of(voice: str) -> float:
    """Each voice hums in its own pitch, from 100 Hz to 300 Hz."""
    return 100.0 + sum(voice.encode()) % 40 * 5.0


class OpenAiServer(SpeechServer):
    def settings(self) -> dict[str, Any]:
        return {"openai_base_url": f"{self.url}/v1", "openai_api_key": KEY, "openai_speech_model": "tts-of/tests"}

    def speech(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Answer(401, b'{"error":{"message":"Incorrect API key provided"}}')
        body = asked.body
        fits = (
            asked.path == "/v1/audio/speech"
            and body.keys() == {"model", "input", "voice", "response_format", "speed"}
            and 0 < len(body["input"]) <= 4096
            and 0.25 <= body["speed"] <= 4
        )
        if not fits:
            return Answer(400, b'{"error":{"message":"bad request","type":"invalid_request_error"}}')
        sung = self.spoil(sing(body["input"], pitch_of(body["voice"]), body["speed"]))
        return Answer(200, wav(sung.samples), "audio/wav")


class KokoroServer(SpeechServer):
    """Like Kokoro-FastAPI: it spells out `2026`, and stops are pieces of their own."""

    def settings(self) -> dict[str, Any]:
        return {"kokoro_server_url": self.url}

    def other(self, asked: Asked) -> Answer:
        if asked.path != "/v1/audio/voices":
            return super().other(asked)
        names = ("bm_george", "af_heart", "am_adam", "am_michael", "ff_siwis", "pf_dora", "zf_xiaobei", "af_v0bella")
        return Answer(200, json.dumps({"voices": [{"id": name, "name": name} for name in names]}).encode())

    def speech(self, asked: Asked) -> Answer:
        body = asked.body
        if asked.path != "/dev/captioned_speech" or body.get("model") != "kokoro" or body.get("stream") is not False:
            return Answer(400, b'{"detail":{"error":"invalid_model","message":"?","type":"invalid_request_error"}}')
        sung = self.spoil(sing(body["input"], pitch_of(body["voice"]), body["speed"]))
        rows = [row for word in sung.times for row in self._spelt(*word)]
        answer = {
            "audio": base64.b64encode(wav(sung.samples)).decode(),
            "audio_format": "audio/wav",
            "timestamps": [{"word": word, "start_time": start, "end_time": end} for word, start, end in rows],
        }
        return Answer(200, json.dumps(answer).encode())

    def _spelt(self, word: str, start: float, end: float) -> list[tuple[str, float, float]]:
        core = word.rstrip(".,;:!?")
        if core == "2026":
            middle = (start + end) / 2
            spelt = [("twenty", start, middle), ("twenty-six", middle, end)]
        else:
            spelt = [(core, start, end)]
        return [*spelt, *((sign, end, end) for sign in word[len(core) :])]


@contextmanager
def running(kind: type[SpeechServer]) -> Iterator[SpeechServer]:
    server = kind()
    server.start()
    try:
        yield server
    finally:
        server.stop()


SERVERS: Mapping[str, type[SpeechServer]] = {"openai": OpenAiServer, "kokoro-server": KokoroServer}
"By the name of the engine."
