"""Addresses of voices: their list, and one that lets them be heard."""

from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from api.http.forms import PREVIEW
from api.http.inputs import Body, takes
from api.http.parameters import ENGINE, KEY, LANGUAGE, SECONDS, VOICE
from api.http.routes.shared import OWNER, PREFIX, awaited, result_address
from api.previews import WAV, Previews
from api.voices import Voices
from common.contracts.preview import PreviewRequest

JSON = "application/json"


def voice_routes(voices: Voices, previews: Previews) -> Blueprint:
    routes = Blueprint("voices", __name__, url_prefix=PREFIX)

    @routes.get("/voices")
    @takes(language=LANGUAGE, engine=replace(ENGINE, checks=voices.engine_faults))
    def listing(language: str, engine: str) -> ResponseReturnValue:
        return jsonify(voices=voices.listing(language, engine))

    @routes.get("/voices/sample")
    @takes(voice=VOICE, seconds=SECONDS)
    def sample(voice: str, seconds: int) -> ResponseReturnValue:
        heard = previews.hear(OWNER, voices.sample_of(voice), seconds)
        if heard.view is None:
            return awaited(heard)
        where = {"Content-Location": result_address(heard.job_id)}
        return Response(previews.sound(OWNER, heard.job_id), mimetype=WAV, headers=where)

    @routes.post("/voices/preview")
    @takes(wanted=Body(PREVIEW, partial(previews.faults, OWNER)), seconds=SECONDS, key=KEY)
    def preview(wanted: PreviewRequest, seconds: int, key: str) -> ResponseReturnValue:
        heard = previews.hear(OWNER, wanted, seconds, key)
        if heard.view is None or request.accept_mimetypes.best_match([WAV, JSON]) == JSON:
            return awaited(heard)
        where = {"Content-Location": result_address(heard.job_id)}
        return Response(previews.sound(OWNER, heard.job_id), mimetype=WAV, headers=where)

    return routes
