"""Addresses of what a job has made: result, storyboard, versions, scenes."""

from flask import Blueprint, jsonify, redirect
from flask.typing import ResponseReturnValue

from api.films import Films
from api.http.inputs import takes
from api.http.parameters import VERSION
from api.http.routes.shared import OWNER, PREFIX, with_link, with_links
from api.results import Results


def film_routes(films: Films, results: Results) -> Blueprint:
    routes = Blueprint("films", __name__, url_prefix=PREFIX)

    @routes.get("/result/<job_id>")
    @takes(version=VERSION)
    def result(job_id: str, version: int | None) -> ResponseReturnValue:
        return jsonify(with_links(results.result(OWNER, job_id, version)))

    @routes.get("/storyboard/<job_id>")
    @takes(version=VERSION)
    def storyboard(job_id: str, version: int | None) -> ResponseReturnValue:
        return jsonify(films.storyboard(OWNER, job_id, version))

    @routes.get("/versions/<job_id>")
    def versions(job_id: str) -> ResponseReturnValue:
        return jsonify(films.versions(OWNER, job_id))

    @routes.get("/scenes/<job_id>/<scene_id>")
    @takes(version=VERSION)
    def scene(job_id: str, scene_id: str, version: int | None) -> ResponseReturnValue:
        view = films.scene(OWNER, job_id, scene_id, version)
        return jsonify(with_link(view, job_id, view["version"]))

    @routes.get("/scenes/<job_id>/<scene_id>/video")
    @takes(version=VERSION)
    def scene_video(job_id: str, scene_id: str, version: int | None) -> ResponseReturnValue:
        return redirect(films.scene_video(OWNER, job_id, scene_id, version))

    return routes
