"""The address of the list of voices."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from api.http.parsing import voices_query
from api.http.routes.shared import PREFIX
from api.voices import Voices


def voice_routes(voices: Voices) -> Blueprint:
    routes = Blueprint("voices", __name__, url_prefix=PREFIX)

    @routes.get("/voices")
    def listing() -> ResponseReturnValue:
        return jsonify(voices=voices.listing(*voices_query(request)))

    return routes
