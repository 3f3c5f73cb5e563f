"""Speech of MiniMax (T2A v2), which tells the times of its words in a file of its own, if it does."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.voice import Gender, Voice
from common.errors import NotConfigured, Retryable, Throttled, VoiceUnavailable
from common.net.client import RawReply
from common.settings import Settings
from whisper_worker.tts.desk import Account, Refused, Request, json_of
from whisper_worker.tts.matching import Token
from whisper_worker.tts.received import Decode, within_walls
from whisper_worker.tts.service import Answer, Call, Fetch, Service

NAME = "minimax"
LABEL = "MiniMax"
RATE = 32_000
"Samples per second that it is asked for."
USUAL = (
    "English_Graceful_Lady",
    "English_expressive_narrator",
    "English_radiant_girl",
    "English_magnetic_voiced_man",
    "English_Trustworth_Man",
)
LANGUAGES: Mapping[str, tuple[str, str]] = {
    "English": ("en", "English"),
    "Chinese": ("zh", "Chinese"),
    "Cantonese": ("yue", "Chinese,Yue"),
    "Japanese": ("ja", "Japanese"),
    "Korean": ("ko", "Korean"),
    "Spanish": ("es", "Spanish"),
    "Portuguese": ("pt", "Portuguese"),
    "French": ("fr", "French"),
    "German": ("de", "German"),
    "Italian": ("it", "Italian"),
    "Russian": ("ru", "Russian"),
    "Arabic": ("ar", "Arabic"),
    "Turkish": ("tr", "Turkish"),
    "Dutch": ("nl", "Dutch"),
    "Polish": ("pl", "Polish"),
    "Ukrainian": ("uk", "Ukrainian"),
    "Vietnamese": ("vi", "Vietnamese"),
    "Indonesian": ("id", "Indonesian"),
    "Hindi": ("hi", "Hindi"),
}
"By the first word of a voice: the tag, and what the service calls it."
BOOSTS: Mapping[str, str] = dict(LANGUAGES.values())
WOMEN, MEN = ("lady", "girl", "woman", "female"), ("man", "boy", "bloke", "gentleman", "male")
MOST_PITCH = 12
NO_KEY, TOO_FAST, NO_CREDIT, NO_VOICE = (1004, 2049), (1002, 1039, 2056), (1008,), (2013, 2054)
"Codes in answers that succeed by their HTTP status."


class Dialect:
    bends = True
    paid = True
    paces = (0.5, 2.0)
    listing: Request | None = None

    def __init__(self, settings: Settings) -> None:
        self.account = Account(
            engine=NAME,
            label=LABEL,
            url=settings.minimax_base_url,
            headers={"Authorization": f"Bearer {settings.minimax_api_key}"},
            key_setting="MINIMAX_API_KEY",
            per_minute=settings.minimax_per_minute,
        )
        self._model = settings.minimax_speech_model
        self.version = f"{self._model}-1"
        named = [name.strip() for name in settings.minimax_voices.split(",") if name.strip()]
        self.known: Sequence[Voice] = [_voice(name) for name in named or USUAL]

    def voices(self, reply: RawReply) -> list[Voice]:
        raise Retryable("the voices of MiniMax are those of MINIMAX_VOICES")

    def plain(self, word: str) -> str:
        """Angle brackets would be taken for pauses."""
        return word.replace("<", "").replace(">", "")

    def request(self, call: Call) -> Request:
        pitch = max(-MOST_PITCH, min(MOST_PITCH, round(call.pitch)))
        body = {
            "model": self._model,
            "text": call.text,
            "stream": False,
            "output_format": "hex",
            "language_boost": BOOSTS.get(call.language.partition("-")[0].lower(), "auto"),
            "voice_setting": {"voice_id": call.voice, "speed": round(call.pace, 3), "vol": 1.0, "pitch": pitch},
            "audio_setting": {"sample_rate": RATE, "format": "wav", "channel": 1},
            "subtitle_enable": True,
            "subtitle_type": "word",
        }
        return Request("POST", "/v1/t2a_v2", body)

    def read(self, reply: RawReply, fetch: Fetch) -> Answer:
        body = json_of(reply, LABEL)
        _check_status(_object(body.get("base_resp")))
        data, about = _object(body.get("data")), _object(body.get("extra_info"))
        try:
            sound = bytes.fromhex(str(data["audio"]))
        except (KeyError, ValueError):
            raise Retryable(f"{LABEL} answered something that is not sound") from None
        length, where = about.get("audio_length"), data.get("subtitle_file")
        times = fetch(where) if isinstance(where, str) and where else None
        seconds = length / 1000 if isinstance(length, int | float) else None
        return Answer(sound, tokens_of(times) if times is not None else None, seconds)


def _voice(name: str) -> Voice:
    kind, _, rest = name.partition("_")
    language, _ = LANGUAGES.get(kind, ("", ""))
    return Voice(id=name, name=(rest or kind).replace("_", " "), language=language, gender=_gender(rest))


def _gender(name: str) -> Gender:
    low = name.lower()
    if any(word in low for word in WOMEN):
        return "female"
    return "male" if any(word in low for word in MEN) else ""


def _check_status(status: Mapping[str, Any]) -> None:
    """Raises for an answer that is an error in spite of its HTTP status."""
    code = status.get("status_code", 0)
    if code == 0:
        return
    if code in (*NO_KEY, *NO_CREDIT):
        raise Refused(f"{LABEL} refused with code {code}; check the key in MINIMAX_API_KEY and its credit")
    if code in TOO_FAST:
        raise Throttled(f"{LABEL} asks to slow down")
    if code in NO_VOICE:
        raise VoiceUnavailable(f"{LABEL} answered code {code} to what it was asked; check voice and model")
    raise Retryable(f"{LABEL} answered code {code}")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def tokens_of(times: bytes) -> list[Token] | None:
    """The words of a file of subtitles; None if it has none. Raises `Retryable` for times that cannot be read."""
    try:
        rows = json.loads(times)
        words = [word for row in rows for word in row.get("timestamped_words") or []]
        return [Token(str(one["word"]), one["time_begin"] / 1000, one["time_end"] / 1000) for one in words] or None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Retryable(f"{LABEL} sent times of words that are no times") from None


def engine(settings: Settings, decode: Decode = within_walls) -> Service:
    """Raises `NotConfigured` without a key."""
    if not settings.minimax_api_key:
        raise NotConfigured("MiniMax is not set up; set MINIMAX_API_KEY to a key from minimax.io")
    return Service(Dialect(settings), settings, decode)
