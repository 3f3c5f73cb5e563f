"""Requests to hear a voice before a film is made with it."""

from typing import Annotated, Any

from pydantic import StringConstraints, model_validator

from common.contracts.base import Contract
from common.contracts.request import LanguageTag, Pitch, Speed, VoiceId, with_language
from common.contracts.texts import PROSE

MAX_TEXT_CHARS = 300


class PreviewRequest(Contract):
    """A sentence to be spoken."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS), PROSE]
    voice: VoiceId | None = None
    "None: the default voice of the language."
    language: LanguageTag = "en"
    speed: Speed = 1.0
    pitch: Pitch = 0.0

    @model_validator(mode="before")
    @classmethod
    def _language_of_voice(cls, value: Any) -> Any:
        return with_language(value)
