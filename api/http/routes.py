"""The addresses of the service."""

from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from api.assets import Assets
from api.batches import Batches
from api.edit.revisions import Revisions
from api.export.archive import Exports
from api.http.parsing import (
    UploadRequest,
    after_query,
    batch_request,
    edit_request,
    idempotency_key,
    page_query,
    regenerate_request,
    restore_request,
    uploaded,
    version_number,
    version_query,
    video_request,
)
from api.http.problems import RETRY_SECONDS, addresses, problem
from api.jobs import Jobs, missing_parts
from api.views.scenes import RENDERED
from common.contracts.job import ENDINGS_WITH_FILM
from common.jobs.store import JobStore
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage

OWNER = "local"
"Everybody is the same owner until there are keys."
FORM_OVERHEAD = 64 * 1024
"Bytes that a form may need around its file."
MAX_BATCH_BYTES = 16 * 2**20


def job_routes(jobs: Jobs) -> Blueprint:
    routes = Blueprint("jobs", __name__, url_prefix="/mcp")

    @routes.post("/generate")
    def generate() -> ResponseReturnValue:
        created = jobs.accept(OWNER, video_request(request), idempotency_key(request))
        where = url_for("jobs.status", job_id=created.answer)
        message = (
            "known already: this is the job your key made" if created.replayed else f"accepted; follow it at {where}"
        )
        return _accepted(where, {"job_id": created.answer, "status": "accepted", "message": message})

    @routes.get("/status/<job_id>")
    def status(job_id: str) -> ResponseReturnValue:
        return jsonify(_with_links(jobs.status(OWNER, job_id, after_query(request))))

    @routes.get("/result/<job_id>")
    def result(job_id: str) -> ResponseReturnValue:
        return jsonify(_with_links(jobs.result(OWNER, job_id, version_query(request))))

    @routes.get("/storyboard/<job_id>")
    def storyboard(job_id: str) -> ResponseReturnValue:
        return jsonify(jobs.storyboard(OWNER, job_id, version_query(request)))

    @routes.get("/versions/<job_id>")
    def versions(job_id: str) -> ResponseReturnValue:
        return jsonify(jobs.versions(OWNER, job_id))

    @routes.get("/scenes/<job_id>/<scene_id>")
    def scene(job_id: str, scene_id: str) -> ResponseReturnValue:
        view = jobs.scene(OWNER, job_id, scene_id, version_query(request))
        return jsonify(_with_link(view, job_id, view["version"]))

    @routes.get("/scenes/<job_id>/<scene_id>/video")
    def scene_video(job_id: str, scene_id: str) -> ResponseReturnValue:
        return redirect(jobs.scene_video(OWNER, job_id, scene_id, version_query(request)))

    @routes.post("/cancel/<job_id>")
    def cancel(job_id: str) -> ResponseReturnValue:
        state = jobs.cancel(OWNER, job_id)
        return jsonify(job_id=job_id, status=state, message="the job ends within a few seconds"), 202

    @routes.post("/resume/<job_id>")
    def resume(job_id: str) -> ResponseReturnValue:
        version, replayed = jobs.resume(OWNER, job_id, idempotency_key(request))
        where = url_for("jobs.status", job_id=job_id)
        word = "known already" if replayed else "accepted"
        message = f"{word}; only what is missing is done; follow it at {where}"
        return _accepted(where, {"job_id": job_id, "version": version, "status": "accepted", "message": message})

    @routes.get("/jobs")
    def listing() -> ResponseReturnValue:
        found, end = jobs.page(OWNER, *page_query(request))
        return jsonify(jobs=found, next_cursor=end or None)

    return routes


def revision_routes(revisions: Revisions) -> Blueprint:
    routes = Blueprint("revisions", __name__, url_prefix="/mcp")

    def accepted(answer: dict[str, Any]) -> ResponseReturnValue:
        return _accepted(url_for("jobs.status", job_id=answer["job_id"]), answer, 202 if answer["changed"] else 200)

    @routes.patch("/storyboard/<job_id>")
    def edit(job_id: str) -> ResponseReturnValue:
        return accepted(revisions.edit(OWNER, job_id, edit_request(request), idempotency_key(request)))

    @routes.post("/scenes/<job_id>/<scene_id>/regenerate")
    def regenerate(job_id: str, scene_id: str) -> ResponseReturnValue:
        wanted, key = regenerate_request(request), idempotency_key(request)
        return accepted(revisions.regenerate(OWNER, job_id, scene_id, wanted, key))

    @routes.post("/versions/<job_id>/<number>/restore")
    def restore(job_id: str, number: str) -> ResponseReturnValue:
        wanted, key = restore_request(request), idempotency_key(request)
        return accepted(revisions.restore(OWNER, job_id, version_number(job_id, number), wanted, key))

    return routes


def export_routes(exports: Exports) -> Blueprint:
    routes = Blueprint("exports", __name__, url_prefix="/mcp")

    @routes.get("/export/<job_id>")
    def export(job_id: str) -> ResponseReturnValue:
        pieces = exports.archive(OWNER, job_id, version_query(request))
        headers = {"Content-Disposition": f'attachment; filename="{job_id}.zip"'}
        return Response(pieces, mimetype="application/zip", headers=headers)

    return routes


def batch_routes(batches: Batches) -> Blueprint:
    routes = Blueprint("batches", __name__, url_prefix="/mcp")

    @routes.post("/batch")
    def create() -> ResponseReturnValue:
        request.max_content_length = MAX_BATCH_BYTES
        batch, replayed = batches.accept(OWNER, batch_request(request), idempotency_key(request))
        where = url_for("batches.status", batch_id=batch.id)
        message = "known already: this is the batch your key made" if replayed else f"accepted; follow it at {where}"
        jobs = [{"index": index, "job_id": job_id} for index, job_id in enumerate(batch.jobs)]
        return _accepted(where, {"batch_id": batch.id, "status": "accepted", "jobs": jobs, "message": message})

    @routes.get("/batch/<batch_id>")
    def status(batch_id: str) -> ResponseReturnValue:
        view = batches.status(OWNER, batch_id)
        for item in view["jobs"]:
            ended = item["status"] in ENDINGS_WITH_FILM
            item["result"] = url_for("jobs.result", job_id=item["job_id"], _external=True) if ended else None
        return jsonify(view)

    return routes


def _accepted(where: str, body: dict[str, Any], status: int = 202) -> ResponseReturnValue:
    return jsonify(body), status, {"Location": where}


def _with_links(view: dict[str, Any]) -> dict[str, Any]:
    """Every scene that is rendered says where it can be fetched. Signing all links at once would take too long."""
    view["scenes"] = [_with_link(scene, view["job_id"], view["version"]) for scene in view["scenes"]]
    return view


def _with_link(scene: dict[str, Any], job_id: str, version: int) -> dict[str, Any]:
    names = {"job_id": job_id, "scene_id": scene["id"], "version": version}
    rendered = scene["state"] == RENDERED
    return {**scene, "download_url": url_for("jobs.scene_video", **names, _external=True) if rendered else None}


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
        where = {"make": "POST /mcp/generate", "follow": "GET /mcp/status/<job_id>"}
        return jsonify(service="reelwright", **where, addresses=addresses(current_app.url_map))

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
