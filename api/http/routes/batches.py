"""Addresses of batches: start, follow."""

from functools import partial

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from api.batches import Batches, BatchRequest
from api.http.forms import BATCH
from api.http.inputs import Body, takes
from api.http.parameters import KEY
from api.http.routes.shared import OWNER, PREFIX, accepted
from common.contracts.job import ENDINGS_WITH_FILM

MAX_BATCH_BYTES = 16 * 2**20


def batch_routes(batches: Batches) -> Blueprint:
    routes = Blueprint("batches", __name__, url_prefix=PREFIX)

    @routes.post("/batch")
    @takes(wanted=Body(BATCH, partial(batches.faults, OWNER), most_bytes=MAX_BATCH_BYTES), key=KEY)
    def create(wanted: BatchRequest, key: str) -> ResponseReturnValue:
        batch, replayed = batches.accept(OWNER, wanted, key)
        where = url_for("batches.status", batch_id=batch.id)
        message = "known already: this is the batch your key made" if replayed else f"accepted; follow it at {where}"
        jobs = [{"index": index, "job_id": job_id} for index, job_id in enumerate(batch.jobs)]
        return accepted(where, {"batch_id": batch.id, "status": "accepted", "jobs": jobs, "message": message})

    @routes.get("/batch/<batch_id>")
    def status(batch_id: str) -> ResponseReturnValue:
        view = batches.status(OWNER, batch_id)
        for item in view["jobs"]:
            ended = item["status"] in ENDINGS_WITH_FILM
            item["result"] = url_for("films.result", job_id=item["job_id"], _external=True) if ended else None
        return jsonify(view)

    return routes
