"""The addresses of the service."""

from typing import cast

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from api.assets import Assets
from api.http.problems import RETRY_SECONDS, problem
from api.http.reading import UploadRequest, after_query, cursor_of, idempotency_key, page_query, uploaded, video_request
from api.jobs import Jobs, missing_parts
from common.jobs.store import JobStore
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage

OWNER = "local"
"Everybody is the same owner until there are keys."
FORM_OVERHEAD = 64 * 1024
"Bytes that a form may need around its file."


def job_routes(jobs: Jobs) -> Blueprint:
    routes = Blueprint("jobs", __name__, url_prefix="/mcp")

    @routes.post("/generate")
    def generate() -> ResponseReturnValue:
        created = jobs.accept(OWNER, video_request(request), idempotency_key(request))
        where = url_for("jobs.status", job_id=created.job_id)
        message = (
            "known already: this is the job your key made" if created.replayed else f"accepted; follow it at {where}"
        )
        body = {"job_id": created.job_id, "status": "accepted", "message": message}
        return jsonify(body), 202, {"Location": where}

    @routes.get("/status/<job_id>")
    def status(job_id: str) -> ResponseReturnValue:
        return jsonify(jobs.status(OWNER, job_id, after_query(request)))

    @routes.get("/result/<job_id>")
    def result(job_id: str) -> ResponseReturnValue:
        return jsonify(jobs.result(OWNER, job_id))

    @routes.get("/storyboard/<job_id>")
    def storyboard(job_id: str) -> ResponseReturnValue:
        return jsonify(jobs.storyboard(OWNER, job_id))

    @routes.post("/cancel/<job_id>")
    def cancel(job_id: str) -> ResponseReturnValue:
        state = jobs.cancel(OWNER, job_id)
        return jsonify(job_id=job_id, status=state, message="the job ends within a few seconds"), 202

    @routes.get("/jobs")
    def listing() -> ResponseReturnValue:
        found, end = jobs.page(OWNER, *page_query(request))
        return jsonify(jobs=found, next_cursor=cursor_of(end) if end is not None else None)

    return routes


def asset_routes(assets: Assets, settings: Settings) -> Blueprint:
    routes = Blueprint("assets", __name__, url_prefix="/mcp")

    @routes.post("/assets")
    def upload() -> ResponseReturnValue:
        request.max_content_length = settings.max_upload_mb * 2**20 + FORM_OVERHEAD
        file, name = uploaded(cast(UploadRequest, request))
        asset = assets.keep(OWNER, file, name)
        return jsonify(asset_id=asset.id, media_type=asset.media_type, size=asset.size), 201

    return routes


def health_routes(store: JobStore, storage: Storage) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/")
    def index() -> ResponseReturnValue:
        return jsonify(service="reelwright", make="POST /mcp/generate", follow="GET /mcp/status/<job_id>")

    @routes.get("/healthz")
    def alive() -> ResponseReturnValue:
        return jsonify(service="reelwright", status="ok")

    @routes.get("/readyz")
    def ready() -> ResponseReturnValue:
        missing = missing_parts(store, storage, {queue.consumer for queue in QUEUES.values()})
        if missing:
            return _not_ready(missing)
        return jsonify(service="reelwright", status="ready")

    return routes


def _not_ready(missing: list[str]) -> Response:
    return problem(503, "not_ready", f"missing: {', '.join(missing)}", headers={"Retry-After": RETRY_SECONDS})
