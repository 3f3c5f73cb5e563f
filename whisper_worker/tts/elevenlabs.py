"""Speech of ElevenLabs, which tells when each sign of the text is heard."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.contracts.voice import Gender, Voice
from common.errors import NotConfigured, Retryable
from common.net.client import RawReply
from common.settings import Settings
from whisper_worker.tts.desk import Account, Request, json_of, sound_in
from whisper_worker.tts.matching import Token
from whisper_worker.tts.received import Decode, within_walls
from whisper_worker.tts.service import Answer, Call, Fetch, Service

NAME = "elevenlabs"
LABEL = "ElevenLabs"
FORMAT = "mp3_44100_128"
"The best that every plan has."
SEED = 1
"Equal texts are to sound alike, as far as the service manages that."
MOST_VOICES = 100
"An account may have thousands; a worker registers no more than it can tell."
GENDERS: Mapping[str, Gender] = {"female": "female", "male": "male"}
MULTILINGUAL = "multilingual"
"Models with this in their name find the language out themselves and refuse to be told."


class Dialect:
    bends = False
    paid = True
    paces = (0.7, 1.2)
    listing: Request | None = Request("GET", "/v1/voices")
    known: Sequence[Voice] = ()

    def __init__(self, settings: Settings) -> None:
        self.account = Account(
            engine=NAME,
            label=LABEL,
            url=settings.elevenlabs_base_url,
            headers={"xi-api-key": settings.elevenlabs_api_key},
            key_setting="ELEVENLABS_API_KEY",
            per_minute=settings.elevenlabs_per_minute,
        )
        self._model = settings.elevenlabs_model
        self.version = f"{self._model}-1"

    def voices(self, reply: RawReply) -> list[Voice]:
        rows = json_of(reply, LABEL).get("voices")
        if not isinstance(rows, list):
            raise Retryable(f"{LABEL} answered something that is not a list of voices")
        return [voice for row in rows for voice in _voice(row)][:MOST_VOICES]

    def plain(self, word: str) -> str:
        """Angle brackets would be taken for pauses and phonemes."""
        return word.replace("<", "").replace(">", "")

    def request(self, call: Call) -> Request:
        body: dict[str, Any] = {
            "text": call.text,
            "model_id": self._model,
            "voice_settings": {"speed": round(call.pace, 3)},
            "seed": SEED,
        }
        if MULTILINGUAL not in self._model:
            body["language_code"] = call.language.partition("-")[0].lower()
        path = f"/v1/text-to-speech/{call.voice}/with-timestamps"
        return Request("POST", path, body, {"output_format": FORMAT})

    def read(self, reply: RawReply, fetch: Fetch) -> Answer:
        body = json_of(reply, LABEL)
        return Answer(sound_in(body.get("audio_base64"), LABEL), tokens_of(body.get("alignment")))


def _voice(row: Any) -> Iterator[Voice]:
    """One, if the row describes a voice that a request can name."""
    if not isinstance(row, dict) or not str(row.get("voice_id", "")).isalnum():
        return
    labels = row.get("labels")
    gender = labels.get("gender") if isinstance(labels, dict) else None
    name = " ".join(str(row.get("name") or row["voice_id"]).split())[:60]
    yield Voice(id=str(row["voice_id"]), name=name, gender=GENDERS.get(str(gender), ""))


def tokens_of(alignment: Any) -> list[Token] | None:
    """The words with their times; None if there are no times. Raises `Retryable` for times that cannot be read."""
    if alignment is None:
        return None
    try:
        signs = [str(sign) for sign in alignment["characters"]]
        begins = [float(at) for at in alignment["character_start_times_seconds"]]
        ends = [float(at) for at in alignment["character_end_times_seconds"]]
        rows = list(zip(signs, begins, ends, strict=True))
    except (KeyError, TypeError, ValueError):
        raise Retryable(f"{LABEL} sent times of words that are no times") from None
    found: list[Token] = []
    apart = True
    for sign, begin, end in rows:
        if sign.isspace():
            apart = True
            continue
        last = found.pop() if found and not apart else Token("", begin, end)
        found.append(Token(last.text + sign, last.start, end))
        apart = False
    return found


def engine(settings: Settings, decode: Decode = within_walls) -> Service:
    """Raises `NotConfigured` without a key."""
    if not settings.elevenlabs_api_key:
        raise NotConfigured("ElevenLabs is not set up; set ELEVENLABS_API_KEY to a key from elevenlabs.io")
    return Service(Dialect(settings), settings, decode)
