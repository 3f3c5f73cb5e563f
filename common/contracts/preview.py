"""Requests to hear a voice before a film is made with it."""

from typing import Annotated

from pydantic import Field, StringConstraints

from common.contracts.base import Contract
from common.contracts.request import LanguageTag, VoiceId
from common.contracts.texts import PROSE

MAX_TEXT_CHARS = 300
SLOWEST, FASTEST = 0.5, 2.0


class PreviewRequest(Contract):
    """A sentence to be spoken."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS), PROSE]
    voice: VoiceId | None = None
    "None: the default voice of the language."
    language: LanguageTag = "en"
    pace: Annotated[float, Field(ge=SLOWEST, le=FASTEST)] = 1.0
    "1.0 is the voice's own rate."
