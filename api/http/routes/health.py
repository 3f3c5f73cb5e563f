"""Addresses of the service itself: an index, liveness, readiness and metrics."""

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from api.errors import Forbidden
from api.http.problems import RETRY_SECONDS, addresses, problem
from api.metrics import MEDIA_TYPE, Metrics, Readers
from api.readiness import ReadinessCheck
from common.jobs.store import RequestStore
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage


def health_routes(store: RequestStore, storage: Storage, settings: Settings) -> Blueprint:
    routes = Blueprint("health", __name__)
    readiness = ReadinessCheck(store, storage, {queue.consumer for queue in QUEUES.values()})
    metrics, readers = Metrics(store), Readers(settings.metrics_token, settings.metrics_networks)

    @routes.get("/")
    def index() -> ResponseReturnValue:
        where = {"make": "POST /mcp/generate", "follow": "GET /mcp/status/<job_id>"}
        return jsonify(service="reelwright", **where, addresses=addresses(current_app.url_map))

    @routes.get("/healthz")
    def alive() -> ResponseReturnValue:
        return jsonify(service="reelwright", status="ok")

    @routes.get("/readyz")
    def ready() -> ResponseReturnValue:
        stores, workers = readiness.look()
        if stores:
            detail = f"missing: {', '.join(stores)}"
            return problem(503, "not_ready", detail, headers={"Retry-After": RETRY_SECONDS})
        return jsonify(service="reelwright", status="ready", missing_workers=workers)

    @routes.get("/metrics")
    def figures() -> ResponseReturnValue:
        if not readers.admit(request.remote_addr or "", request.headers.get("Authorization", "")):
            raise Forbidden("metrics are for holders of METRICS_TOKEN, and for METRICS_NETWORKS")
        return Response(metrics.text(), content_type=MEDIA_TYPE)

    return routes
