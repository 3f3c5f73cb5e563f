"""The address of a film for editors."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from api.export.archive import Exports
from api.http.inputs import takes
from api.http.parameters import VERSION
from api.http.routes.shared import OWNER, PREFIX


def export_routes(exports: Exports) -> Blueprint:
    routes = Blueprint("exports", __name__, url_prefix=PREFIX)

    @routes.get("/export/<job_id>")
    @takes(version=VERSION)
    def export(job_id: str, version: int | None) -> ResponseReturnValue:
        pieces = exports.archive(OWNER, job_id, version)
        headers = {"Content-Disposition": f'attachment; filename="{job_id}.zip"'}
        return Response(pieces, mimetype="application/zip", headers=headers)

    return routes
