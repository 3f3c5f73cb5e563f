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


class ElevenLabsServer(SpeechServer):
    """Its account has two voices."""

    VOICES: Mapping[str, str] = {
        "21m00Tcm4TlvDq8ikWAM": "Rachel",
        "pNInz6obpgDQGcFmaJgB": "Adam",
        "XrExE9yKIg1W": "Mia",
    }

    def settings(self) -> dict[str, Any]:
        return {"elevenlabs_base_url": self.url, "elevenlabs_api_key": KEY}

    def other(self, asked: Asked) -> Answer:
        if asked.path != "/v1/voices":
            return super().other(asked)
        rows = [
            {"voice_id": key, "name": name, "category": "premade", "labels": {"gender": "female"}, "preview_url": None}
            for key, name in self.VOICES.items()
        ]
        return Answer(200, json.dumps({"voices": rows}).encode())

    def speech(self, asked: Asked) -> Answer:
        if asked.headers.get("xi-api-key") != KEY:
            return Answer(401, b'{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}')
        voice = asked.path.removeprefix("/v1/text-to-speech/").removesuffix("/with-timestamps")
        if voice not in self.VOICES:
            return Answer(404, b'{"detail":{"status":"voice_not_found","message":"?"}}')
        body = asked.body
        speed = body["voice_settings"]["speed"]
        if asked.query != "output_format=mp3_44100_128" or not body.get("model_id") or not 0.7 <= speed <= 1.2:
            return Answer(422, b'{"detail":[{"loc":["body","text"],"msg":"?","type":"?"}]}')
        sung = self.spoil(sing(body["text"], pitch_of(voice), speed))
        signs = [one for word in sung.times for one in _signs(*word)]
        alignment = {
            "characters": [sign for sign, _, _ in signs],
            "character_start_times_seconds": [start for _, start, _ in signs],
            "character_end_times_seconds": [end for _, _, end in signs],
        }
        answer = {"audio_base64": base64.b64encode(wav(sung.samples)).decode(), "alignment": alignment}
        return Answer(200, json.dumps({**answer, "normalized_alignment": None}).encode())


def _signs(word: str, start: float, end: float) -> list[tuple[str, float, float]]:
    """The signs of a word in equal parts of its time, and the space after it."""
    edges = np.linspace(start, end, len(word) + 1).tolist()
    return [*zip(word, edges[:-1], edges[1:], strict=True), (" ", end, end)]


class MiniMaxServer(SpeechServer):
    """Words are told in a file of their own, some of them in two pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.subtitles: list[bytes] = []

    def settings(self) -> dict[str, Any]:
        return {"minimax_base_url": self.url, "minimax_api_key": KEY}

    def other(self, asked: Asked) -> Answer:
        number = asked.path.removeprefix("/subtitles/")
        return Answer(200, self.subtitles[int(number)]) if number.isdecimal() else super().other(asked)

    def speech(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return self._failed(1004)
        body, how = asked.body, asked.body["voice_setting"]
        if asked.path != "/v1/t2a_v2" or not 0.5 <= how["speed"] <= 2 or body["output_format"] != "hex":
            return self._failed(2013)
        whole = sing(body["text"], pitch_of(how["voice_id"]) * 2 ** (how["pitch"] / 12), how["speed"])
        sung = self.spoil(whole)
        words = [piece for word in sung.times for piece in _halves(*word)]
        rows = [{"text": body["text"], "time_begin": 0, "timestamped_words": words}]
        self.subtitles.append(json.dumps(rows).encode())
        answer = {
            "data": {
                "audio": wav(sung.samples).hex(),
                "status": 2,
                "subtitle_file": f"{self.url}/subtitles/{len(self.subtitles) - 1}",
            },
            "extra_info": {"audio_length": round(len(whole.samples) / RATE * 1000), "audio_format": "wav"},
            "base_resp": {"status_code": 0, "status_msg": "success"},
        }
        return Answer(200, json.dumps(answer).encode())

    def _failed(self, code: int) -> Answer:
        answer = {"data": None, "base_resp": {"status_code": code, "status_msg": "?"}}
        return Answer(200, json.dumps(answer).encode())


def _halves(word: str, start: float, end: float) -> list[dict[str, Any]]:
    half, middle = len(word) // 2, (start + end) / 2
    pieces = [(word, start, end)] if half < 3 else [(word[:half], start, middle), (word[half:], middle, end)]
    return [
        {"word": text, "time_begin": round(begin * 1000), "time_end": round(stop * 1000)}
        for text, begin, stop in pieces
    ]


@contextmanager
def running(kind: type[SpeechServer]) -> Iterator[SpeechServer]:
    server = kind()
    server.start()
    try:
        yield server
    finally:
        server.stop()


SERVERS: Mapping[str, type[SpeechServer]] = {
    "openai": OpenAiServer,
    "kokoro-server": KokoroServer,
    "elevenlabs": ElevenLabsServer,
    "minimax": MiniMaxServer,
}
"By the name of the engine."
