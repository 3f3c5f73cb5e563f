"""Addresses of voices: their list, and one that lets them be heard."""

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from api.http.parsing import idempotency_key, preview_request, voices_query, wait_query
from api.http.queries import takes
from api.http.routes.shared import OWNER, PREFIX, accepted
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
        where = url_for("films.result", job_id=heard.job_id)
        if heard.view is None:
            message = f"it is not spoken yet; its result will be at {where}"
            return accepted(where, {"job_id": heard.job_id, "status": "accepted", "message": message})
        if request.accept_mimetypes.best_match([WAV, JSON]) == JSON:
            return jsonify(heard.view), 200, {"Content-Location": where}
        return Response(previews.sound(OWNER, heard.job_id), mimetype=WAV, headers={"Content-Location": where})

    return routes
