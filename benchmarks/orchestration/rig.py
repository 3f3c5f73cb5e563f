"""The real reconciler, step runners, scripts and Redis in one process.

The layers between them are left out: hints go through queues of this process and not through Celery, objects stay in
its memory, and steps do nothing.
"""

import functools
import hashlib
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from benchmarks.orchestration.counting import Log, NotedReconciler, NotedStore, Reading
from benchmarks.orchestration.handlers import HANDLERS, film_request
from common import launcher
from common.contracts.base import ObjectRef, canonical_json
from common.contracts.job import COMPLETED, READY, WorkerInfo
from common.contracts.voice import SpeechEngine
from common.jobs.ids import new_job_ids
from common.jobs.store import connect
from common.jobs.wishes import NewJob
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.outcome import Outcome
from common.worker.runner import StepRunner
from common.worker.service import toolchains
from infra.local import free_ports, redis_server
from orchestrator.job_cache import JobCache

THREADS = 2
"Workers of each service, and the slots it claims to have."
ABOUT = {"ffmpeg": "none", "speech": [SpeechEngine(name="none", version="1", voices=()).model_dump()]}
"What the workers say of themselves."
TOOLCHAINS = {kind: chains for one in QUEUES for kind, chains in toolchains(one, ABOUT).items()}
OWNER = "local"
CREATED_AT_ONCE = 100
LONG = 86_400.0
"Seconds: longer than any benchmark."
PATIENCE = 60.0
"Seconds without a finished step after which something is wrong."
LOOK = 0.005
"Seconds between two checks whether enough has been done."
OPTIONS = "--bind 127.0.0.1 --appendonly yes --appendfsync everysec"

Queue = queue.SimpleQueue[tuple[str, str] | None]
"A queue of hints: job and step; None ends the thread that takes it."


class Hints:
    """The equivalent of `common.messaging.app.Hints` for the reconciler, within this process."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.queues = {name: Queue() for name in QUEUES}

    def send(self, name: str, job_id: str, step: str) -> None:
        self.queues[name].put((job_id, step))

    def waiting(self, name: str) -> int:
        return self.queues[name].qsize()


class Rig:
    """The system: it accepts jobs at any time, and works on them while it is `running`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = connect(settings)
        self._redis = redis.Redis.from_url(settings.state_url, decode_responses=True)
        self.log = Log()
        self.around: Callable[[Callable[[], None]], None] = lambda work: work()
        "Runs the loop of the reconciler; replace it to profile that."
        self._storage, self._hints = MemoryStorage(), Hints()
        self._reconciler = NotedReconciler(self.log, settings, self._noted("reconciler"), self._storage, self._hints)
        self._wrong: list[BaseException] = []
        self._films = 0
        self._stop = threading.Event()
        self._register()

    def accept(self, count: int, scenes: int) -> None:
        """Accepts jobs, each for a film of its own."""
        jobs = [self._new_job(job_id, scenes) for job_id in new_job_ids(count)]
        for start in range(0, count, CREATED_AT_ONCE):
            some = jobs[start : start + CREATED_AT_ONCE]
            self.store.create(OWNER, some, answer=some[0].id)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Reconciler and workers work during the block."""
        self._stop.clear()
        threads = [self._thread(lambda: self.around(self._reconcile))]
        for hints in self._hints.queues.values():
            threads += [self._thread(functools.partial(self._work, hints)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for hints in self._hints.queues.values():
                for _ in range(THREADS):
                    hints.put(None)
            for thread in threads:
                thread.join()
            self._hints.forget()

    def do_a_step(self) -> None:
        """Does one step of the only job, while nothing else runs."""
        job = self.store.load(self._only_job)
        step = next(step.name for step in job.steps.values() if step.state == READY) if job else ""
        if self._runner().run(self._only_job, step) != Outcome.DONE:
            raise RuntimeError(f"{step} was not done")

    def look(self, cache: JobCache) -> float:
        """Looks at the only job, while nothing else runs. Returns the processor seconds that took."""
        started = time.thread_time()
        self._reconciler.decide_and_save(self._only_job, cache)
        return time.thread_time() - started

    @property
    def _only_job(self) -> str:
        (job_id,) = self.store.jobs(OWNER, "", 2)
        return job_id

    def until(self, enough: Callable[[], bool]) -> None:
        """Waits while the system works; raises when something is wrong with it."""
        done, patience = -1, 0.0
        while not enough():
            if self._wrong:
                raise self._wrong[0]
            if set(self.log.ended) - {COMPLETED}:
                raise RuntimeError("a job was not completed")
            if done != len(self.log.done):
                done, patience = len(self.log.done), time.monotonic() + PATIENCE
            if time.monotonic() > patience:
                waiting = len(self.store.active())
                raise TimeoutError(f"no step was done for {PATIENCE:g} s, and {waiting} jobs have not ended")
            time.sleep(LOOK)

    def read(self) -> Reading:
        return self.log.read(self._redis)

    # threads

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._wrong.append(error)

        return threading.Thread(target=run, daemon=True)

    def _reconcile(self) -> None:
        """The loop of `orchestrator.reconciler.reconcile`."""
        store, started = self._noted("reconciler"), time.thread_time() - self.log.reconciling
        while not self._stop.is_set():
            store.wait_for_wake(0.1)
            self._reconciler.look()
            self.log.reconciling = time.thread_time() - started

    def _work(self, hints: Queue) -> None:
        runner = self._runner()
        while (hint := hints.get()) is not None and not self._stop.is_set():
            if runner.run(*hint) == Outcome.DONE:
                self.log.done.append(hint[1])

    # parts

    def _runner(self) -> StepRunner:
        return StepRunner(self.settings, self._noted("worker"), self._storage, HANDLERS, TOOLCHAINS)

    def _noted(self, who: str) -> Any:
        return NotedStore(connect(self.settings), who, self.log)

    def _register(self) -> None:
        for one in QUEUES.values():
            engines = {**ABOUT, "offers": toolchains(one.name, ABOUT), "sources": ["pexels", "scenery"]}
            self.store.register(WorkerInfo(f"{one.consumer}-1", one.consumer, THREADS, engines), LONG)

    def _new_job(self, job_id: str, scenes: int) -> NewJob:
        self._films += 1
        body = canonical_json(film_request(f"film {self._films}", scenes)).encode()
        digest = hashlib.sha256(body).hexdigest()
        ref = ObjectRef(key=f"{OWNER}/request/{job_id}", sha256=digest, size=len(body), media_type="application/json")
        self._storage.put_bytes(self.settings.assets_bucket, ref.key, body, ref.media_type)
        return NewJob(job_id, ref, timeout=LONG)


@contextmanager
def rig(places: int) -> Iterator[Rig]:
    """A system with a Redis of its own that lets `places` jobs run at once (0: all of them)."""
    with tempfile.TemporaryDirectory(prefix="reel-bench-") as folder, _redis(Path(folder)) as url:
        yield Rig(Settings(state_url=url, broker_url=url, work_dir=folder, max_concurrent_jobs=places))


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """The address of a server that keeps its log as ours does, but syncs it once a second."""
    port = free_ports(1)[0]
    command = [redis_server(), *OPTIONS.split(), "--save", "", "--port", str(port), "--dir", str(folder)]
    process = subprocess.Popen(launcher.launched(command), stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        patience = Retry(ConstantBackoff(0.05), 200, supported_errors=(redis.ConnectionError,))
        with redis.Redis.from_url(url, retry=patience) as client:
            client.ping()
        yield url
    finally:
        process.kill()
        process.wait()
