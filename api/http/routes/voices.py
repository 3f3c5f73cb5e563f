"""Addresses of voices: their list, and one that lets them be heard."""

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from api.http.parsing import idempotency_key, preview_request, voices_query, wait_query
from api.http.queries import takes
from api.http.routes.shared import OWNER, PREFIX, awaited, result_address
from api.previews import WAV, Previews
from api.voices import Voices

JSON = "application/json"


def voice_routes(voices: Voices, previews: Previews) -> Blueprint:
    routes = Blueprint("voices", __name__, url_prefix=PREFIX)

    @routes.get("/voices")
    @takes("language", "engine")
    def listing() -> ResponseReturnValue:
        return jsonify(voices=voices.listing(*voices_query(request)))

    @routes.post("/voices/preview")
    @takes("wait")
    def preview() -> ResponseReturnValue:
        heard = previews.hear(OWNER, preview_request(request), wait_query(request), idempotency_key(request))
        if heard.view is None or request.accept_mimetypes.best_match([WAV, JSON]) == JSON:
            return awaited(heard)
        where = {"Content-Location": result_address(heard.job_id)}
        return Response(previews.sound(OWNER, heard.job_id), mimetype=WAV, headers=where)

    return routes
