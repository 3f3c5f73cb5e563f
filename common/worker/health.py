"""The health port of a worker: is it alive, does it take hints, and what it is.

A worker is alive as long as the loop that reads its queue goes round. The loop stops while the broker is away, which
is no fault of the worker: it is only called dead if the broker answers and the loop has not gone round for a while.
Once it drains it takes nothing more, and is alive until it ends, which it does in time by itself.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from common.contracts.job import WorkerInfo
from common.settings import Settings
from common.worker.drain import Drain

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LATE_SECONDS = 5.0
"A loop that has not gone round for so long reads no hints."
DEAD_SECONDS = 60.0
BROKER_SECONDS = 1.0


class Pulse:
    """When the loop of a worker went round last; never, before it has begun."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._made = time.monotonic()

    def beat(self) -> None:
        self._at = time.monotonic()

    @property
    def began(self) -> bool:
        return self._at is not None

    @property
    def age(self) -> float:
        """Seconds since the last round, or since the start if there was none."""
        return time.monotonic() - (self._made if self._at is None else self._at)


class Health:
    """The answers of the port."""

    def __init__(self, worker: WorkerInfo, pulse: Pulse, drain: Drain, broker_answers: Callable[[], bool]) -> None:
        self._worker, self._pulse, self._drain, self._broker_answers = worker, pulse, drain, broker_answers
        self._registry = CollectorRegistry()
        self._registry.register(_Metrics(worker, self))

    @property
    def ready(self) -> bool:
        """True if it takes hints."""
        return self._pulse.began and self._pulse.age < LATE_SECONDS and not self._drain.began

    @property
    def alive(self) -> bool:
        return self._drain.began or self._pulse.age < DEAD_SECONDS or not self._broker_answers()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, media type and body."""
        if path == "/metrics":
            return 200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)
        if path not in ("/healthz", "/readyz"):
            return 404, "application/json", b'{"error": "there are /healthz, /readyz and /metrics"}'
        good = self.alive if path == "/healthz" else self.ready
        body = {"service": self._worker.service, "worker": self._worker.id, "ok": good, "last_round": self._pulse.age}
        return 200 if good else 503, "application/json", json.dumps(body).encode()


class _Metrics(Collector):
    def __init__(self, worker: WorkerInfo, health: Health) -> None:
        self._worker, self._health = worker, health

    def collect(self) -> Iterator[Metric]:
        labels = ["service"]
        for name, text, value in (
            ("reelwright_worker_slots", "Steps that it runs at once.", self._worker.slots),
            ("reelwright_worker_ready", "1 if it takes hints.", int(self._health.ready)),
        ):
            family = GaugeMetricFamily(name, text, labels=labels)
            family.add_metric([self._worker.service], value)
            yield family


def serving_health(worker: WorkerInfo, pulse: Pulse, drain: Drain) -> Callable[[Settings, threading.Event], None]:
    """The port as work beside the steps; nothing if METRICS_PORT is 0. It listens until it is stopped."""

    def serve(settings: Settings, stop: threading.Event) -> None:
        health = Health(worker, pulse, drain, lambda: broker_answers(settings.broker_url))
        server = _Server((settings.metrics_host, settings.metrics_port), _handler(health))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        thread.start()
        log.info("health and metrics at port %d", server.server_port)
        stop.wait()
        server.shutdown()
        server.server_close()

    return serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A probe hangs up once it has read the status; that is no error worth a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def broker_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            status, media_type, body = health.answer(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: it is asked every few seconds."""

    return Handler
