"""The address that lets a voice be heard."""

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from api.http.parsing import idempotency_key, preview_request, wait_query
from api.http.routes.shared import OWNER, PREFIX, accepted
from api.previews import WAV, Previews

JSON = "application/json"


def preview_routes(previews: Previews) -> Blueprint:
    routes = Blueprint("previews", __name__, url_prefix=PREFIX)

    @routes.post("/voices/preview")
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
