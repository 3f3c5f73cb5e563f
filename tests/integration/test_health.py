"""The health port of a worker: while all is well, the broker is away, the loop has stopped, or the worker drains."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import requests

from common.contracts.job import WorkerInfo
from common.settings import Settings
from common.storage.s3 import S3Storage
from common.worker import health
from common.worker.drain import Drain
from common.worker.health import DEAD_SECONDS, LATE_SECONDS, Health, Pulse
from tests.support.api_server import ROOT
from tests.support.redis_server import RedisServer, free_port, redis_server
from tests.support.s3_server import s3_server
from tests.support.waiting import eventually
from tests.support.workers import Farm, short_leases

WORKER = WorkerInfo("renderer-1", "renderer", 2, {})


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(health.time, "monotonic", lambda: self.now)


def states(health: Health) -> tuple[int, int]:
    return health.answer("/healthz")[0], health.answer("/readyz")[0]


@pytest.mark.parametrize("broker", [True, False])
def test_a_worker_is_dead_only_if_its_loop_stands_while_the_broker_answers(
    monkeypatch: pytest.MonkeyPatch, broker: bool
) -> None:
    clock, pulse = Clock(monkeypatch), Pulse()
    found = Health(WORKER, pulse, Drain(), lambda: broker)
    assert states(found) == (200, 503), "it has not begun to read"
    pulse.beat()
    assert states(found) == (200, 200)
    clock.now += LATE_SECONDS + 0.1
    assert states(found) == (200, 503)
    clock.now += DEAD_SECONDS
    assert states(found) == (503 if broker else 200, 503)
    pulse.beat()
    assert states(found) == (200, 200)


def test_a_worker_that_never_begins_is_dead_some_day(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    found = Health(WORKER, Pulse(), Drain(), lambda: True)
    clock.now += DEAD_SECONDS + 0.1
    assert states(found) == (503, 503)


def test_a_worker_that_drains_takes_no_hints_and_is_never_called_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop stands: it waits for the last steps, and ends in time by itself."""
    clock, pulse, drain = Clock(monkeypatch), Pulse(), Drain()
    found = Health(WORKER, pulse, drain, lambda: True)
    pulse.beat()
    assert states(found) == (200, 200)
    drain.begin(3600.0)
    assert states(found) == (200, 503)
    clock.now += DEAD_SECONDS + 0.1
    assert states(found) == (200, 503)


def test_its_figures_have_its_service_and_slots() -> None:
    pulse = Pulse()
    pulse.beat()
    status, media_type, body = Health(WORKER, pulse, Drain(), lambda: True).answer("/metrics")
    assert (status, media_type.partition(";")[0]) == (200, "text/plain")
    assert 'reelwright_worker_slots{service="renderer"} 2.0' in body.decode().splitlines()
    assert 'reelwright_worker_ready{service="renderer"} 1.0' in body.decode().splitlines()


def test_another_address_is_told_what_there_is() -> None:
    status, _, body = Health(WORKER, Pulse(), Drain(), lambda: True).answer("/")
    assert (status, b"/healthz" in body) == (404, True)


class Waiting:
    """Stands for a worker's health: it answers when whoever asked has gone, or not as it should."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        assert self.gone.wait(10)
        if path == "/defect":
            raise ValueError("a defect of ours")
        return 200, "text/plain", bytes(2**24)


@pytest.mark.parametrize(("path", "traced"), [("/readyz", False), ("/defect", True)])
def test_a_probe_that_hangs_up_leaves_no_traceback(path: str, traced: bool, capsys: pytest.CaptureFixture[str]) -> None:
    answers: Any = Waiting()
    server = health._Server(("127.0.0.1", 0), health._handler(answers))
    server.daemon_threads = False  # so that closing waits for the answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection(server.server_address[:2]) as probe:
        probe.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        eventually(lambda: vars(server).get("_threads"), 10)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
    answers.gone.set()
    server.shutdown()
    server.server_close()
    assert ("Traceback" in capsys.readouterr().err) == traced


@contextmanager
def worker(settings: Settings, name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {field.name.upper(): str(getattr(settings, field.name)) for field in fields(settings)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.tiny_worker", name],
            cwd=ROOT,
            env={**os.environ, **env, "FOLDER": str(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["orchestrator", "retriever"])
def test_a_real_worker_answers_and_is_not_called_dead_for_a_broker_that_is_away(
    tmp_path: Path, settings: Settings, name: str
) -> None:
    with redis_server(tmp_path) as redis:
        port = free_port()
        own: dict[str, Any] = {"broker_url": redis.url, "state_url": redis.url, "metrics_port": port}
        with worker(Settings(**{**vars(settings), **own}), name, tmp_path):
            eventually(lambda: status(port, "/readyz") == 200, 60)
            assert status(port, "/healthz") == 200
            redis.process.send_signal(signal.SIGSTOP)
            eventually(lambda: status(port, "/readyz") == 503, 60)
            assert status(port, "/healthz") == 200
            redis.process.send_signal(signal.SIGCONT)
            eventually(lambda: status(port, "/readyz") == 200, 90)


def test_all_that_a_worker_says_until_its_end_is_json_if_that_is_wished(tmp_path: Path, settings: Settings) -> None:
    with redis_server(tmp_path) as redis:
        port = free_port()
        own: dict[str, Any] = {"broker_url": redis.url, "state_url": redis.url, "metrics_port": port}
        with worker(Settings(**{**vars(settings), **own, "log_format": "json"}), "retriever", tmp_path) as process:
            eventually(lambda: status(port, "/readyz") == 200, 60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines
    assert {json.loads(line)["service"] for line in lines} == {"retriever"}


@pytest.mark.parametrize(("pool", "step"), [("prefork", "mix"), ("threads", "plan")])
def test_the_port_of_a_real_worker_is_open_until_its_last_step_has_ended(
    tmp_path: Path, redis_here: RedisServer, pool: str, step: str
) -> None:
    """Else whoever asks whether it lives would kill it in the middle of that step."""
    port = free_port()
    with s3_server(tmp_path / "s3") as s3:
        settings = short_leases(redis_here, s3, tmp_path)
        farm = Farm(settings, S3Storage(settings), tmp_path)
        try:
            process = farm.start(pool, DRAIN_SECONDS="3600", METRICS_PORT=str(port))
            eventually(lambda: status(port, "/readyz") == 200)
            job = farm.job("job_1", "wait", step)
            farm.until(job, "running", step)
            process.send_signal(signal.SIGTERM)
            eventually(lambda: status(port, "/readyz") != 200)
            eventually(lambda: not farm.registered())
            assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 503)
            farm.go(job)
            assert process.wait(60) == 0
        finally:
            farm.end()


def status(port: int, path: str) -> int:
    """What the port answers; 0 if it does not."""
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code
    except requests.RequestException:
        return 0
