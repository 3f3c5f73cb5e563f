"""The address of transcriptions."""

from functools import partial

from flask import Blueprint
from flask.typing import ResponseReturnValue

from api.http.forms import TRANSCRIPTION
from api.http.inputs import Body, takes
from api.http.parameters import KEY, SECONDS
from api.http.routes.shared import OWNER, PREFIX, awaited
from api.transcriptions import Transcriptions
from common.contracts.transcription import TranscriptionRequest


def transcription_routes(transcriptions: Transcriptions) -> Blueprint:
    routes = Blueprint("transcriptions", __name__, url_prefix=PREFIX)

    @routes.post("/transcribe")
    @takes(wanted=Body(TRANSCRIPTION, partial(transcriptions.faults, OWNER)), seconds=SECONDS, key=KEY)
    def transcribe(wanted: TranscriptionRequest, seconds: int, key: str) -> ResponseReturnValue:
        return awaited(transcriptions.hear(OWNER, wanted, seconds, key))

    return routes
