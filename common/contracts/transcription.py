"""Requests to write down what is said in a sound or a film."""

from typing import Annotated

from pydantic import StringConstraints

from common.contracts.base import Contract
from common.contracts.request import MAX_SCRIPT_CHARS, AssetId, LanguageTag
from common.contracts.texts import PROSE


class TranscriptionRequest(Contract):
    """An upload to be listened to."""

    asset: AssetId
    language: LanguageTag | None = None
    "None: the recogniser finds out."
    script: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SCRIPT_CHARS), PROSE]
        | None
    ) = None
    "What is said, where that is known: then the recogniser only says when."
