"""All services of the pipeline as processes of their own (`tiny_worker`), under the eyes of a test that kills them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from common.contracts.base import canonical_json
from common.contracts.job import COMPLETED, Job
from common.contracts.request import VideoRequest
from common.jobs.ids import new_job_ids
from common.jobs.store import JobStore, connect
from common.jobs.wishes import NewJob
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.s3 import S3Storage
from tests.support import tiny_films
from tests.support.ended_jobs import put
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually
from tests.support.workers import short_leases

ROOT = Path(__file__).resolve().parents[2]
SERVICES = tuple(queue.consumer for queue in QUEUES.values())


@contextmanager
def tiny_fleet(redis: RedisServer, s3: Settings, folder: Path) -> Iterator["TinyFleet"]:
    """A fleet with the stores to itself, until the block ends."""
    with redis.client() as client:
        client.flushall()
    fleet = TinyFleet(short_leases(redis, s3, folder), folder)
    try:
        fleet.mend()
        yield fleet
    finally:
        fleet.end()


class TinyFleet:
    """One process of each service, and the jobs they work on."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.store: JobStore = connect(settings)
        self._storage = S3Storage(settings)
        self._folder = folder
        (folder / "held").mkdir()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    # processes

    def start(self, names: Iterable[str] = SERVICES) -> None:
        """Starts these services, and waits until they say that they are there."""
        before = {worker.id for worker in self.store.workers()}
        env = {field.name.upper(): str(getattr(self.settings, field.name)) for field in fields(self.settings)}
        for name in names:
            with (self._folder / f"{name}.log").open("ab") as said:
                self._running[name] = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.tiny_worker", name],
                    cwd=ROOT,
                    env={**os.environ, **env, "FOLDER": str(self._folder)},
                    stdout=said,
                    stderr=subprocess.STDOUT,
                )
        wanted = set(names)
        eventually(lambda: {one.service for one in self.store.workers() if one.id not in before} >= wanted)

    def mend(self) -> None:
        """All services run, and nothing is held."""
        self.let_go()
        self.start([name for name in SERVICES if name not in self._running])

    def kill(self, names: Iterable[str] = SERVICES) -> None:
        """SIGKILL, all at once."""
        processes = [self._running.pop(name) for name in names if name in self._running]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """They do nothing during the block, like processes of a machine that swaps; thawed unless killed in it."""
        for name in names:
            self._running[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                if name in self._running:
                    self._running[name].send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.kill()
        self.store.close()

    # jobs

    def order(self, count: int = 1, hold: str = "", **request: Any) -> list[str]:
        """New jobs, each with an owner of its own, so that none finds its work done by another.

        Steps whose names begin with `hold` wait where they are.
        """
        names = new_job_ids(count)
        for name in names:
            (self._folder / "held" / name).write_text(hold)
            self._make(name, {**tiny_films.ONE_SCENE, **request})
        return names

    def _make(self, name: str, request: Mapping[str, Any]) -> None:
        owner = f"owner-{name[-8:]}"
        ref = put(self._storage, "request", canonical_json(VideoRequest.model_validate(request)).encode(), owner)
        self.store.create(owner, [NewJob(name, ref, timeout=self.settings.job_timeout)], answer=name)

    def let_go(self) -> None:
        """Nothing is held any more."""
        for file in (self._folder / "held").iterdir():
            file.unlink()

    def job(self, job_id: str) -> Job:
        job = self.store.load(job_id)
        assert job is not None
        return job

    def is_in(self, job_id: str, step: str, state: str) -> bool:
        return any(one.state == state for name, one in self.job(job_id).steps.items() if name.startswith(step))

    def completed(self, jobs: Iterable[str]) -> bool:
        """Waits for the end of these jobs."""
        names = list(jobs)
        eventually(lambda: self.ended(names))
        return all(self.job(name).state == COMPLETED for name in names)

    def ended(self, jobs: Iterable[str]) -> bool:
        return all(self.job(name).terminal for name in jobs)

    def runs(self, job_id: str) -> list[str]:
        """The steps of the job that were started, in order."""
        return [run.step for run in tiny_films.runs(self._folder / "log", job_id)]

    # messages

    def messages(self) -> int:
        """How many the broker has: waiting, and held by workers."""
        client = self.store.scripts.client
        return sum(int(client.llen(name)) for name in QUEUES) + int(client.hlen("unacked"))

    def delete_messages(self) -> int:
        """Deletes all that the broker has, and what it knows of them. Returns how many there were."""
        with self.store.scripts.client.pipeline(transaction=True) as pipe:
            for name in QUEUES:
                pipe.llen(name)
            pipe.hlen("unacked")
            pipe.delete(*QUEUES, "unacked", "unacked_index")
            return sum(pipe.execute()[:-1])

    @contextmanager
    def taken(self, queue: str) -> Iterator[Callable[[], bool]]:
        """Yields how to ask whether anybody has taken a message from the queue since the block began."""
        client = self.store.scripts.client
        before = client.config_get("notify-keyspace-events")
        client.config_set("notify-keyspace-events", "Kl")
        with client.pubsub(ignore_subscribe_messages=True) as events:
            events.subscribe(f"__keyspace@0__:{queue}")

            def seen() -> bool:
                while (event := events.get_message(timeout=0.05)) is not None:
                    if event["data"] == "rpop":
                        return True
                return False

            yield seen
        client.config_set(*before.popitem())
