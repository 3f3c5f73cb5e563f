"""Addresses that change a film: edit, regenerate, restore."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from api.edit.revisions import Revisions
from api.http.parsing import edit_request, idempotency_key, regenerate_request, restore_request, version_number
from api.http.routes.shared import OWNER, PREFIX, accepted


def revision_routes(revisions: Revisions) -> Blueprint:
    routes = Blueprint("revisions", __name__, url_prefix=PREFIX)

    @routes.patch("/storyboard/<job_id>")
    def edit(job_id: str) -> ResponseReturnValue:
        return _revised(revisions.edit(OWNER, job_id, edit_request(request), idempotency_key(request)))

    @routes.post("/scenes/<job_id>/<scene_id>/regenerate")
    def regenerate(job_id: str, scene_id: str) -> ResponseReturnValue:
        wanted, key = regenerate_request(request), idempotency_key(request)
        return _revised(revisions.regenerate(OWNER, job_id, scene_id, wanted, key))

    @routes.post("/versions/<job_id>/<number>/restore")
    def restore(job_id: str, number: str) -> ResponseReturnValue:
        wanted, key = restore_request(request), idempotency_key(request)
        return _revised(revisions.restore(OWNER, job_id, version_number(job_id, number), wanted, key))

    return routes


def _revised(answer: dict[str, Any]) -> ResponseReturnValue:
    return accepted(url_for("jobs.status", job_id=answer["job_id"]), answer, 202 if answer["changed"] else 200)
