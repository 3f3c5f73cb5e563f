"""Addresses of jobs: start, follow, cancel, resume, list."""

from functools import partial

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from api.http.forms import FILM
from api.http.inputs import Body, takes
from api.http.parameters import AFTER, CURSOR, KEY, LIMIT, STATUS
from api.http.routes.shared import OWNER, PREFIX, accepted, with_links
from api.jobs import Jobs
from common.contracts.job import CANCELLED
from common.contracts.request import VideoRequest


def job_routes(jobs: Jobs) -> Blueprint:
    routes = Blueprint("jobs", __name__, url_prefix=PREFIX)

    @routes.post("/generate")
    @takes(wanted=Body(FILM, partial(jobs.faults, OWNER)), key=KEY)
    def generate(wanted: VideoRequest, key: str) -> ResponseReturnValue:
        created = jobs.accept(OWNER, wanted, key)
        where = url_for("jobs.status", job_id=created.answer)
        message = (
            "known already: this is the job your key made" if created.replayed else f"accepted; follow it at {where}"
        )
        return accepted(where, {"job_id": created.answer, "status": "accepted", "message": message})

    @routes.get("/status/<job_id>")
    @takes(after=AFTER)
    def status(job_id: str, after: int | None) -> ResponseReturnValue:
        return jsonify(with_links(jobs.status(OWNER, job_id, after)))

    @routes.post("/cancel/<job_id>")
    def cancel(job_id: str) -> ResponseReturnValue:
        state, known = jobs.cancel(OWNER, job_id)
        if state == CANCELLED:
            return jsonify(job_id=job_id, status=state, message="the job has been cancelled already"), 200
        message = "the job is being cancelled already" if known else "the job is being cancelled"
        return jsonify(job_id=job_id, status=state, message=f"{message}; it ends within a few seconds"), 202

    @routes.post("/resume/<job_id>")
    @takes(key=KEY)
    def resume(job_id: str, key: str) -> ResponseReturnValue:
        version, replayed = jobs.resume(OWNER, job_id, key)
        where = url_for("jobs.status", job_id=job_id)
        word = "known already" if replayed else "accepted"
        message = f"{word}; only what is missing is done; follow it at {where}"
        return accepted(where, {"job_id": job_id, "version": version, "status": "accepted", "message": message})

    @routes.get("/jobs")
    @takes(cursor=CURSOR, limit=LIMIT, state=STATUS)
    def listing(cursor: str, limit: int, state: str) -> ResponseReturnValue:
        views, end = jobs.page(OWNER, cursor, limit, state)
        return jsonify(jobs=views, next_cursor=end or None)

    return routes
