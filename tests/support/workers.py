"""Real service processes under the eyes of a test, with steps that do as they are told (`obedient_worker`).

A `Farm` has them work either on single steps that a test makes ready, or on tiny films under a real reconciler,
whose other steps are done in this process.
"""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from common.contracts.job import COMPLETED, Job, Step
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName
from common.contracts.steps import PlanSpec
from common.jobs.store import JobStore, connect
from common.messaging.app import Hints
from common.settings import Settings
from common.storage.port import Storage
from common.worker.runner import StepRunner
from tests.support import processes, tiny_films
from tests.support.ready import REQUEST, TOOLCHAINS, load, make_job, make_ready, mix_spec, step_of
from tests.support.redis_server import RedisServer
from tests.support.tiny_films import ONE_SCENE, Run, Studio
from tests.support.waiting import eventually

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
MARK = "REEL_TEST_MARK"
Worker = subprocess.Popen[bytes]
"The main process of a service."


def short_leases(redis: RedisServer, s3: Settings, folder: Path) -> Settings:
    """Leases short enough to outlive, and long enough for a machine that is busy with other things."""
    return replace(
        s3,
        state_url=redis.url,
        broker_url=redis.url,
        lease_seconds=3.0,
        beat_seconds=0.2,
        self_kill_seconds=2.0,
        retry_seconds=0.05,
        hint_seconds=0.5,
        drain_seconds=1.0,
        work_dir=str(folder / "scratch"),
    )


class Farm:
    """Workers on one Redis and one object store, the jobs they work on, and what they were seen to do."""

    def __init__(self, settings: Settings, storage: Storage, folder: Path) -> None:
        self._settings = settings
        self.store: JobStore = connect(settings)
        self.hints_at_once = 1
        "How often every hint for a film is sent."
        self._hints = Hints(settings)
        self._orders = folder / "orders"
        self._orders.mkdir()
        self._log = self._orders / "log"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._said = folder / "said"
        self._mark = uuid.uuid4().hex
        self._workers: list[Worker] = []
        handlers = tiny_films.logged(tiny_films.handlers(settings), self._log)
        self._runner = StepRunner(settings, self.store, storage, handlers, TOOLCHAINS)
        self._studio = Studio(settings, self.store, storage, self._pass_on)

    # workers

    def start(self, pool: str = "prefork", **more: str) -> Worker:
        """Starts a service and waits until it says that it is there."""
        before = self.registered()
        ours = {field.name.upper(): str(getattr(self._settings, field.name)) for field in fields(self._settings)}
        ours |= {"WORK_DIR": str(self.scratch), "RENDER_SLOTS": "1", "ORDERS": str(self._orders), MARK: self._mark}
        with self._said.open("ab") as said, processes.ctrl_c_works():
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.obedient_worker", pool],
                cwd=ROOT,
                env={**os.environ, **ours, **more},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._workers.append(process)
        eventually(lambda: process.poll() is not None or self.registered() - before)
        assert process.poll() is None, self.said()
        return process

    def end(self) -> None:
        for process in self._workers:
            process.kill()
            process.wait()
        self.store.close()
        try:
            eventually(lambda: not self.processes(), 10.0)
        finally:
            for pid in self.processes():  # a test has shown that they can be left behind; it must not do so itself
                os.kill(pid, signal.SIGKILL)

    def registered(self) -> set[str]:
        """The workers that say that they are there."""
        return {worker.id for worker in self.store.workers() if not worker.id.startswith("stand-in")}

    def said(self) -> str:
        return self._said.read_text()

    def processes(self) -> list[int]:
        """All that live: the services, their pool children, and what those started, which works in their scratch."""
        return processes.marked(MARK, self._mark, self.scratch)

    def started_by_steps(self) -> list[int]:
        """The programs that steps run: ffmpeg and the like."""
        return processes.working_in(self.scratch)

    # single steps

    def job(self, name: str, order: str = "", step: str = "mix") -> str:
        """A job whose one step is ready; it will do as ordered. Its hint is on the way. No two want the same work."""
        make_job(self.store, name)
        self.order(name, StepName(step).kind, order)
        request = REQUEST.model_copy(update={"key": f"local/request/{name}"})
        make_ready(self.store, step, PlanSpec(request=request) if step == "plan" else mix_spec(int(name[4:])), name)
        self.hint(name, step)
        return name

    def step(self, job_id: str, step: str = "mix") -> Step:
        return step_of(self.store, step, job_id)

    def until(self, job_id: str, state: str, step: str = "mix") -> Step:
        def there() -> Step | None:
            now = self.step(job_id, step)
            return now if now.state == state else None

        found = eventually(there)
        assert found is not None
        return found

    # films

    def film(self, name: str, request: dict[str, Any] | None = None) -> str:
        return self._studio.make(name, request or ONE_SCENE)

    def watch(self, look: Callable[[], T]) -> T:
        """Moves films on until `look` returns something true, which it returns."""

        def moved() -> T:
            if not self._studio.work():
                self._studio.wait()
            return look()

        return eventually(moved)

    def film_by_many(self, end: Callable[[Worker], None]) -> Job:
        """A film during each of whose renderings its worker is ended, while ffmpeg runs, and another one started."""
        job = self.film("job_1")
        kinds = ("segment", "mix", "assemble")
        for kind in kinds:
            self.order(job, kind, "encode once")
        for _ in kinds:
            worker = self.start()
            self.watch(partial(processes.find, "ffmpeg", worker.pid))
            end(worker)
        self.start()
        film = self.watch(lambda: self.ended(job))
        assert film is not None
        assert film.state == COMPLETED
        return film

    def ended(self, job_id: str) -> Job | None:
        job = load(self.store, job_id)
        return job if job.terminal else None

    def _pass_on(self, job_id: str, step: str) -> None:
        for _ in range(self.hints_at_once):
            if STEP_KINDS[StepName(step).kind].queue == "render":
                self.hint(job_id, step)
            else:
                self._runner.run(job_id, step)

    # both

    def order(self, job_id: str, kind: str, order: str) -> None:
        self._orders.joinpath(f"{job_id}.{kind}").write_text(order)

    def go(self, job_id: str) -> None:
        """Ends an order to wait."""
        self._orders.joinpath(f"{job_id}.go").touch()

    def hint(self, job_id: str, step: str = "mix") -> None:
        self._hints.send(STEP_KINDS[StepName(step).kind].queue, job_id, step)

    def runs(self, job_id: str) -> list[Run]:
        return tiny_films.runs(self._log, job_id)

    def results(self, job_id: str) -> list[str]:
        """The steps that were said to be done, as often as that was said."""
        told = self.store.events(job_id, limit=10_000)
        return [str(one.data["step"]) for one in told if one.type == "step" and one.data["state"] == "done"]
