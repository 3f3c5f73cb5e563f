"""Addresses of what a job has made: result, storyboard, versions, scenes."""

from flask import Blueprint, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from api.films import Films
from api.http.parsing import version_query
from api.http.queries import takes
from api.http.routes.shared import OWNER, PREFIX, with_link, with_links
from api.results import Results


def film_routes(films: Films, results: Results) -> Blueprint:
    routes = Blueprint("films", __name__, url_prefix=PREFIX)

    @routes.get("/result/<job_id>")
    @takes("version")
    def result(job_id: str) -> ResponseReturnValue:
        return jsonify(with_links(results.result(OWNER, job_id, version_query(request))))

    @routes.get("/storyboard/<job_id>")
    @takes("version")
    def storyboard(job_id: str) -> ResponseReturnValue:
        return jsonify(films.storyboard(OWNER, job_id, version_query(request)))

    @routes.get("/versions/<job_id>")
    def versions(job_id: str) -> ResponseReturnValue:
        return jsonify(films.versions(OWNER, job_id))

    @routes.get("/scenes/<job_id>/<scene_id>")
    @takes("version")
    def scene(job_id: str, scene_id: str) -> ResponseReturnValue:
        view = films.scene(OWNER, job_id, scene_id, version_query(request))
        return jsonify(with_link(view, job_id, view["version"]))

    @routes.get("/scenes/<job_id>/<scene_id>/video")
    @takes("version")
    def scene_video(job_id: str, scene_id: str) -> ResponseReturnValue:
        return redirect(films.scene_video(OWNER, job_id, scene_id, version_query(request)))

    return routes
