"""Addresses that change a film: edit, regenerate, restore."""

from functools import partial
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from api.edit.revisions import Revisions
from api.http.forms import EDIT, REGENERATE, RESTORE
from api.http.inputs import Body, takes
from api.http.parameters import KEY
from api.http.parsing import version_number
from api.http.routes.shared import OWNER, PREFIX, accepted
from common.contracts.edit import EditRequest, RegenerateRequest, RestoreRequest


def revision_routes(revisions: Revisions) -> Blueprint:
    routes = Blueprint("revisions", __name__, url_prefix=PREFIX)
    edits = Body(EDIT, partial(revisions.edit_faults, OWNER))
    wishes = Body(REGENERATE, partial(revisions.regenerate_faults, OWNER), optional=True)

    @routes.patch("/storyboard/<job_id>")
    @takes(wanted=edits, key=KEY)
    def edit(job_id: str, wanted: EditRequest, key: str) -> ResponseReturnValue:
        return _revised(revisions.edit(OWNER, job_id, wanted, key))

    @routes.post("/scenes/<job_id>/<scene_id>/regenerate")
    @takes(wanted=wishes, key=KEY)
    def regenerate(job_id: str, scene_id: str, wanted: RegenerateRequest, key: str) -> ResponseReturnValue:
        return _revised(revisions.regenerate(OWNER, job_id, scene_id, wanted, key))

    @routes.post("/versions/<job_id>/<number>/restore")
    @takes(wanted=Body(RESTORE, optional=True), key=KEY)
    def restore(job_id: str, number: str, wanted: RestoreRequest, key: str) -> ResponseReturnValue:
        return _revised(revisions.restore(OWNER, job_id, version_number(job_id, number), wanted, key))

    return routes


def _revised(answer: dict[str, Any]) -> ResponseReturnValue:
    return accepted(url_for("jobs.status", job_id=answer["job_id"]), answer, 202 if answer["changed"] else 200)
