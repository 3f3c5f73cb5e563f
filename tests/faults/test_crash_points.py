"""A worker may end at any moment of a step: one run for each point of its input and output, with the end there.

The points are found by a run that ends nowhere, so new input and output is covered by itself. After the end,
leases run out, and the pipeline goes on with other workers, until every job has its film.
"""

import hashlib
import json
import multiprocessing
import multiprocessing.context
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common import scratch
from common.contracts.base import ObjectRef
from common.contracts.job import COMPLETED, SETTLED, Job
from common.contracts.kinds import parse_facts
from common.contracts.names import StepName
from common.jobs.store import JobStore, connect
from common.settings import Settings
from common.storage.s3 import S3Storage
from common.worker.runner import StepRunner
from tests.support import crash, tiny_films
from tests.support.crash import DRAINS, FAILS, KILLED, WORKS
from tests.support.ready import TOOLCHAINS
from tests.support.tiny_films import Studio
from tests.support.waiting import eventually

NOWHERE = ""
Processes = multiprocessing.context.ForkServerContext


@pytest.fixture(scope="module")
def processes() -> Processes:
    """New processes are forked from one that has everything loaded, and no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.crash"])
    return context


@pytest.fixture
def trial(settings: Settings, storage: S3Storage, tmp_path: Path, processes: Processes) -> Iterator["Trial"]:
    (tmp_path / "scratch").mkdir()
    trial = Trial(
        replace(settings, lease_seconds=2.0, self_kill_seconds=1.5, beat_seconds=0.05), storage, tmp_path, processes
    )
    yield trial
    trial.store.close()


class Trial:
    """Jobs of which each meets the end of a worker at another point of one step."""

    def __init__(self, settings: Settings, storage: S3Storage, folder: Path, processes: Processes) -> None:
        self._settings, self._storage, self._processes = settings, storage, processes
        self.store: JobStore = connect(settings)
        self._folder, self.log = folder, folder / "log"
        self._studio = Studio(settings, self.store, storage, self._run)
        handlers = tiny_films.logged(tiny_films.handlers(settings), self.log)
        self._runner = StepRunner(settings, self.store, storage, handlers, TOOLCHAINS)
        self._ends: dict[str, tuple[str, str, str]] = {}
        self.exits: dict[str, int | None] = {}

    def points(self, *cases: tuple[str, str]) -> list[list[str]]:
        """For each kind of step and way of working, what it passes when it is ended nowhere."""
        jobs = [self.job(kind, how, NOWHERE) for kind, how in cases]
        self.finish()
        assert {self.exits[job] for job in jobs} == {0}
        return [json.loads(self._passed(job).read_text()) for job in jobs]

    def job(self, kind: str, how: str, end_at: str) -> str:
        job = self._studio.make(f"job_{len(self._ends)}")
        self._ends[job] = (kind, how, end_at)
        return job

    def finish(self) -> None:
        """Goes on until all jobs have ended."""

        def over() -> bool:
            if not self._studio.work():
                self._studio.wait()
            return all(self.load(job).terminal for job in self._ends)

        eventually(over, 240.0)

    def load(self, job_id: str) -> Job:
        job = self.store.load(job_id)
        assert job is not None
        return job

    def _run(self, job_id: str, step: str) -> None:
        kind, how, end_at = self._ends[job_id]
        if StepName(step).kind != kind or job_id in self.exits:
            self._runner.run(job_id, step)
            return
        rest = (self._settings, job_id, step, how, end_at, self.log, self._passed(job_id))
        process = self._processes.Process(target=crash.run_step, args=rest)
        process.start()
        process.join()
        self.exits[job_id] = process.exitcode

    def _passed(self, job_id: str) -> Path:
        return self._folder / f"passed by {job_id}"

    def check(self, job_id: str) -> None:
        """The film is there, each step has one result, and what was finished was not done again."""
        kind, how, end_at = self._ends[job_id]
        where = f"{how}: ended {end_at} of {kind}"
        job = self.load(job_id)
        assert self.exits[job_id] == KILLED, f"{where} was never reached"
        assert job.state == COMPLETED, where
        assert all(step.state in SETTLED for step in job.steps.values()), where
        told = [event.data for event in self.store.events(job_id, limit=10_000) if event.type == "step"]
        results = Counter(one["step"] for one in told if one["state"] == "done")
        assert set(results.values()) == {1}, where
        runs = Counter(run.step for run in tiny_films.runs(self.log, job_id))
        assert set(runs) | {"cast"} == set(job.steps), where
        again = {step: count for step, count in runs.items() if count > 1}
        assert all(StepName(step).kind == kind and count <= 3 for step, count in again.items()), where
        self._check_objects(job, where)

    def _check_objects(self, job: Job, where: str) -> None:
        """Everything the record refers to is stored as it was made."""
        for step in job.steps.values():
            facts = parse_facts(step.kind, step.facts)
            for ref in (value for value in dict(facts).values() if isinstance(value, ObjectRef)):
                data = self._storage.get_bytes(self._settings.assets_bucket, ref.key)
                assert hashlib.sha256(data).hexdigest() == ref.sha256, where


def try_all(trial: Trial, *cases: tuple[str, str, list[str]]) -> None:
    """Ends steps of a kind, working in some way, at each of the points, and checks what came of it."""
    jobs = [trial.job(kind, how, point) for kind, how, points in cases for point in points]
    trial.finish()
    for job in jobs:
        trial.check(job)


def test_the_end_at_any_point_of_a_step_costs_nothing_but_time(trial: Trial, tmp_path: Path) -> None:
    working, usual, failing, draining = trial.points(
        ("segment", WORKS), ("speak", WORKS), ("speak", FAILS), ("speak", DRAINS)
    )
    failing, draining = ([point for point in points if point not in usual] for points in (failing, draining))
    # What we know to be there; without it, this test would pass by trying nothing.
    for known in ("after claim 1", "before os.mkdir 1", "before subprocess.Popen 1", "after beat 1", "after commit 1"):
        assert known in working
    for known in ("before get_file 1", "after put_file 1", "after size 1", "before shutil.rmtree 1"):
        assert known in working
    assert failing == ["before fail 1", "after fail 1", "before delete 1", "after delete 1"]
    assert draining == ["before release 1", "after release 1", "before delete 1", "after delete 1"]
    try_all(trial, ("segment", WORKS, working), ("speak", FAILS, failing), ("speak", DRAINS, draining))
    scratch.sweep(tmp_path / "scratch")
    assert not list((tmp_path / "scratch").glob(f"{scratch.PREFIX}*"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plan", "speak", "search", "acquire", "mix", "assemble", "publish"])
def test_the_end_at_any_point_of_every_other_kind_of_step(trial: Trial, kind: str) -> None:
    (points,) = trial.points((kind, WORKS))
    assert "after commit 1" in points
    try_all(trial, (kind, WORKS, points))
