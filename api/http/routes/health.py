"""Addresses of the service itself: an index, liveness and readiness."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from api.http.problems import RETRY_SECONDS, addresses, problem
from api.readiness import missing_parts
from common.jobs.store import RequestStore
from common.messaging.queues import QUEUES
from common.storage.port import Storage


def health_routes(store: RequestStore, storage: Storage) -> Blueprint:
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
            detail = f"missing: {', '.join(missing)}"
            return problem(503, "not_ready", detail, headers={"Retry-After": RETRY_SECONDS})
        return jsonify(service="reelwright", status="ready")

    return routes
