"""Promise 2, seen from a worker: a broker that was away at the worst moment is listened to again."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from common.settings import Settings
from common.storage.port import Storage
from tests.support.redis_server import free_port, program
from tests.support.waiting import eventually
from tests.support.workers import Farm

OVER = ("done", "failed")


class Broker:
    """A Redis that keeps its address through deaths."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            program(),
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_whose_step_ended_while_the_broker_was_away_reads_on(
    settings: Settings, storage: Storage, broker: Broker, tmp_path: Path, pool: str
) -> None:
    step = "mix" if pool == "prefork" else "plan"
    folder = tmp_path / "farm"
    folder.mkdir()
    farm = Farm(replace(settings, broker_url=broker.url), storage, folder)
    try:
        farm.start(pool)
        first = farm.job("job_1", "wait", step)
        farm.until(first, "running", step)
        broker.kill()
        farm.go(first)
        eventually(lambda: farm.step(first, step).state in OVER)
        eventually(lambda: "Couldn't ack" in farm.said() or "Connection to broker lost" in farm.said())
        broker.start()
        second = farm.job("job_2", "", step)
        eventually(lambda: farm.step(second, step).state in OVER)
    finally:
        farm.end()
