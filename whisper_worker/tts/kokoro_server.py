"""Speech of a Kokoro-FastAPI server, which tells when its words are heard."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.voice import Gender, Voice
from common.errors import NotConfigured, Retryable
from common.net.client import RawReply
from common.settings import Settings
from whisper_worker.tts.desk import Account, Request, json_of, sound_in
from whisper_worker.tts.matching import Token
from whisper_worker.tts.received import Decode, within_walls
from whisper_worker.tts.service import Answer, Call, Fetch, Service

NAME = "kokoro-server"
LABEL = "the Kokoro server"
LANGUAGES: Mapping[str, str] = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "zh",
}
"By the first letter of a voice."
GENDERS: Mapping[str, Gender] = {"f": "female", "m": "male"}
"By its second letter."
VOICE = re.compile(r"([abefhijpz])([fm])_([a-z]+)")
USUAL = ("af_heart", "af_bella", "am_michael", "am_fenrir", "bf_emma", "bm_george", "ef_dora", "em_alex", "ff_siwis")
"Voices that every such server has; the first of its language is the usual one."


class Dialect:
    bends = False
    paid = False
    paces = (0.25, 4.0)
    listing: Request | None = Request("GET", "/v1/audio/voices")
    version = "1"

    def __init__(self, settings: Settings) -> None:
        key = settings.kokoro_server_key
        self.account = Account(
            engine=NAME,
            label=LABEL,
            url=settings.kokoro_server_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            key_setting="KOKORO_SERVER_KEY",
            per_minute=settings.kokoro_server_per_minute,
        )
        self.known: Sequence[Voice] = voices_named(USUAL)

    def voices(self, reply: RawReply) -> list[Voice]:
        listed = json_of(reply, LABEL).get("voices")
        # Older servers list names, newer ones objects.
        rows = listed if isinstance(listed, list) else []
        found = voices_named([str(row.get("id", "")) if isinstance(row, dict) else str(row) for row in rows])
        if not found:
            raise Retryable(f"{LABEL} answered something that is not a list of voices")
        return found

    def plain(self, word: str) -> str:
        """Square brackets would be taken for pauses and phonemes."""
        return word.replace("[", "(").replace("]", ")")

    def request(self, call: Call) -> Request:
        body = {"model": "kokoro", "input": call.text, "voice": call.voice, "speed": round(call.pace, 3)}
        more = {"response_format": "wav", "stream": False, "return_timestamps": True}
        return Request("POST", "/dev/captioned_speech", body | more)

    def read(self, reply: RawReply, fetch: Fetch) -> Answer:
        body = json_of(reply, LABEL)
        return Answer(sound_in(body.get("audio"), LABEL), tokens_of(body.get("timestamps")))


def voices_named(names: Sequence[str]) -> list[Voice]:
    """Voices of Kokoro, the usual ones first. Names that are built otherwise are left out."""
    places = {name: place for place, name in enumerate(USUAL)}
    parts = [VOICE.fullmatch(name) for name in sorted(set(names), key=lambda name: (places.get(name, 99), name))]
    return [
        Voice(id=part[0], name=part[3].capitalize(), language=LANGUAGES[part[1]], gender=GENDERS[part[2]])
        for part in parts
        if part is not None
    ]


def tokens_of(rows: Any) -> list[Token] | None:
    """None if there are no times."""
    if not isinstance(rows, list) or not rows:
        return None
    try:
        return [Token(str(row["word"]), float(row["start_time"]), float(row["end_time"])) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise Retryable(f"{LABEL} sent times of words that are no times") from None


def engine(settings: Settings, decode: Decode = within_walls) -> Service:
    """Raises `NotConfigured` without an address."""
    if not settings.kokoro_server_url:
        raise NotConfigured("no Kokoro server is set up; set KOKORO_SERVER_URL to the address of one")
    return Service(Dialect(settings), settings, decode)
