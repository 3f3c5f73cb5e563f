"""Speech of any endpoint that is compatible with OpenAI's `/audio/speech`. It does not tell when words are heard."""

import re
from collections.abc import Mapping, Sequence

from common.contracts.voice import Gender, Voice
from common.errors import NotConfigured, Retryable
from common.net.client import RawReply
from common.settings import Settings
from whisper_worker.tts.desk import Account, Request
from whisper_worker.tts.received import Decode, within_walls
from whisper_worker.tts.service import Answer, Call, Fetch, Service

NAME = "openai"
BUILT_IN: Mapping[str, Gender] = {
    "alloy": "",
    "ash": "male",
    "ballad": "male",
    "coral": "female",
    "echo": "male",
    "fable": "",
    "onyx": "male",
    "nova": "female",
    "sage": "female",
    "shimmer": "female",
    "verse": "male",
    "marin": "female",
    "cedar": "male",
}
"Voices of OpenAI. Each speaks every language."


class Dialect:
    bends = False
    paces = (0.25, 4.0)
    listing: Request | None = None

    def __init__(self, settings: Settings) -> None:
        key = settings.openai_api_key
        self.account = Account(
            engine=NAME,
            label="the OpenAI-compatible speech endpoint",
            url=settings.openai_base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            key_setting="OPENAI_API_KEY",
            per_minute=settings.openai_speech_per_minute,
        )
        # A server of one's own wants no key.
        self.paid = bool(key)
        self._model = settings.openai_speech_model
        self.version = f"{re.sub(r'[^A-Za-z0-9.]+', '_', self._model)}-1"
        named = [name.strip() for name in settings.openai_speech_voices.split(",") if name.strip()]
        self.known: Sequence[Voice] = [
            Voice(id=name, name=name.capitalize(), gender=BUILT_IN.get(name, "")) for name in named or BUILT_IN
        ]

    def voices(self, reply: RawReply) -> list[Voice]:
        raise Retryable("this endpoint has no list of voices")

    def plain(self, word: str) -> str:
        return word

    def request(self, call: Call) -> Request:
        body = {"model": self._model, "input": call.text, "voice": call.voice, "response_format": "wav"}
        return Request("POST", "/audio/speech", body | {"speed": round(call.pace, 3)})

    def read(self, reply: RawReply, fetch: Fetch) -> Answer:
        return Answer(reply.data)


def engine(settings: Settings, decode: Decode = within_walls) -> Service:
    """Raises `NotConfigured` without a model."""
    if not settings.openai_speech_model:
        raise NotConfigured("no OpenAI-compatible speech is set up; set OPENAI_SPEECH_MODEL, and OPENAI_API_KEY")
    return Service(Dialect(settings), settings, decode)
