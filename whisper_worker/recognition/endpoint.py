"""A server that transcribes as OpenAI does (`/v1/audio/transcriptions`), theirs or any other."""

import hashlib
import io
import re
import wave
from collections.abc import Mapping
from typing import Any

import numpy as np

from common.errors import NotConfigured, Permanent
from common.net.client import Http, Reply, Timeouts, Upload
from common.settings import Settings
from whisper_worker.recognition.pieces import RATE, Piece, in_order, pieces
from whisper_worker.recognition.port import Heard
from whisper_worker.recognition.tongues import CODES, code_of, code_of_name
from whisper_worker.tts.port import SpokenWord

PATH = "/audio/transcriptions"
PATIENCE = Timeouts(read=300.0, reply=600.0)
"A slow server takes minutes for a piece of five."
FORMAT = [("response_format", "verbose_json"), ("timestamp_granularities[]", "word")]


class Endpoint:
    """Sends the sound in pieces, as WAV: one of five minutes has 10 MB, and OpenAI takes 25."""

    name = "endpoint"

    def __init__(self, settings: Settings, http: Http | None = None) -> None:
        self._http = http or Http(settings, timeouts=PATIENCE)
        self._url = settings.transcription_url.rstrip("/").removesuffix(PATH) + PATH
        self._key, self._wanted = settings.transcription_key, settings.transcription_model
        place = hashlib.sha256(self._url.encode()).hexdigest()[:8]
        self.version = f"{re.sub(r'[^a-zA-Z0-9_.-]+', '-', self._wanted)}-{place}"

    def knows(self, language: str) -> bool:
        return code_of(language) in CODES

    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        code = code_of(language)
        words: list[SpokenWord] = []
        for piece in pieces(samples, rate):
            if piece.silent:
                continue
            answer = self._transcribed(piece, code)
            found = in_order(_words(answer), piece.seconds)
            code = code or (code_of_name(str(answer.get("language", ""))) if found else None)
            words += [SpokenWord(word.text, word.start + piece.start, word.end + piece.start) for word in found]
        return Heard(language or code or "en", words)

    def _transcribed(self, piece: Piece, code: str | None) -> Mapping[str, Any]:
        fields = [("model", self._wanted), *FORMAT, *([("language", code)] if code is not None else [])]
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        sound = Upload("file", "speech.wav", _wav(piece.samples), "audio/wav")
        reply = self._http.send_form(self._url, headers, fields, sound)
        if reply.status >= 300:
            raise _refused(reply, self._wanted)
        if not isinstance(reply.data, dict):
            raise Permanent("the server of TRANSCRIPTION_URL answers something else than transcriptions; correct it")
        return reply.data


def _refused(reply: Reply, model: str) -> Permanent:
    if reply.status in (401, 403):
        return NotConfigured(f"the server of TRANSCRIPTION_URL refuses TRANSCRIPTION_KEY ({reply.status}); correct it")
    if reply.status == 404:
        return NotConfigured(
            f"the server of TRANSCRIPTION_URL has no transcriptions there, or no model {model} (404); "
            "correct TRANSCRIPTION_URL or TRANSCRIPTION_MODEL"
        )
    return Permanent(f"the server of TRANSCRIPTION_URL refuses to transcribe ({reply.status})")


def _words(answer: Mapping[str, Any]) -> list[SpokenWord]:
    given = answer.get("words")
    if not given and str(answer.get("text") or "").strip():
        raise NotConfigured(
            "the server of TRANSCRIPTION_URL gives no times of words; set TRANSCRIPTION_MODEL to a model that does, "
            "such as whisper-1"
        )
    try:
        found = [SpokenWord(str(one["word"]).strip(), float(one["start"]), float(one["end"])) for one in given or ()]
    except (TypeError, KeyError, ValueError):
        raise _nonsense() from None
    if not all(np.isfinite([word.start, word.end]).all() for word in found):
        raise _nonsense()
    return [word for word in found if word.text]


def _nonsense() -> Permanent:
    return Permanent("the server of TRANSCRIPTION_URL gives words without usable times; use another server or model")


def _wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
