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
from typing import NamedTuple

import pytest

from common import scratch
from common.contracts.base import ObjectRef
from common.contracts.job import COMPLETED, SETTLED, UNKNOWN, Job
from common.contracts.kinds import parse_facts
from common.contracts.names import StepName
from common.jobs.store import JobStore, connect
from common.settings import Settings
from common.storage.s3 import S3Storage
from common.worker.runner import StepRunner
from infra.chaos.far_provider import FarProvider
from infra.chaos.far_studio import FarStudio, open_studio
from infra.chaos.run import small_clip
from tests.support import crash, tiny_films
from tests.support.crash import CERTAIN_SECONDS, DRAINS, FAILS, KILLED, WORKS
from tests.support.ready import TOOLCHAINS
from tests.support.tiny_films import Studio
from tests.support.waiting import eventually

NOWHERE = ""
PAINTED, ORDERED_ONCE, ORDERED_UNSURELY = 1, 0, 2
"Seeds of films with painted footage, and with footage of the far studio that is ordered in one way or the other."
MOST_RUNS, MOST_LOOKS = 3, 12
"Of a step, and of one whose work goes on elsewhere: most of those only look after it."
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
    # Longer than a busy machine keeps a process from its turn: a step that lost its lease never comes to its end.
    quick = replace(settings, lease_seconds=4.0, self_kill_seconds=3.5, beat_seconds=0.05)
    with open_studio(FarStudio(small_clip(), shortest=0.0, longest=0.0)) as studio:
        trial = Trial(quick, storage, tmp_path, processes, studio)
        yield trial
    trial.store.close()


class End(NamedTuple):
    """The place where a worker ends."""

    kind: str
    "Of the step that it works on."
    how: str
    at: str
    run: int = 1
    "The how manieth run of the step in its job."


class Trial:
    """Jobs of which each meets the end of a worker at another point of one step."""

    def __init__(
        self, settings: Settings, storage: S3Storage, folder: Path, processes: Processes, studio: FarStudio
    ) -> None:
        self._settings, self._storage, self._processes, self.far = settings, storage, processes, studio
        self.store: JobStore = connect(settings)
        self._folder, self.log = folder, folder / "log"
        self._studio = Studio(settings, self.store, storage, self._run, ("far", "scenery"))
        far = FarProvider(studio.url, CERTAIN_SECONDS)
        handlers = tiny_films.logged(tiny_films.handlers(settings, far), self.log)
        self._runner = StepRunner(settings, self.store, storage, handlers, TOOLCHAINS)
        self._ends: dict[str, End] = {}
        self._seeds: dict[str, int] = {}
        self._runs = Counter[str]()
        "Runs of the kind of step that is to be ended, by job."
        self.exits: dict[str, int | None] = {}

    def points(self, *cases: tuple[str, str], seed: int = PAINTED, run: int = 1) -> list[list[str]]:
        """For each kind of step and way of working, what a run of it passes when it is ended nowhere."""
        jobs = [self.job(End(kind, how, NOWHERE, run), seed) for kind, how in cases]
        self.finish()
        assert {self.exits[job] for job in jobs} == {0}
        return [json.loads(self._passed(job).read_text()) for job in jobs]

    def job(self, end: "End", seed: int = PAINTED) -> str:
        job = self._studio.make(f"job_{len(self._ends)}", {**tiny_films.ONE_SCENE, "seed": seed})
        self._ends[job], self._seeds[job] = end, seed
        return job

    def finish(self) -> None:
        """Goes on until all jobs have ended."""

        def over() -> bool:
            if not self._studio.work():
                self._rouse()
                self._studio.wait()
            return all(self.load(job).terminal for job in self._ends)

        eventually(over, 240.0)

    def load(self, job_id: str) -> Job:
        job = self.store.load(job_id)
        assert job is not None
        return job

    def _run(self, job_id: str, step: str) -> None:
        end = self._ends[job_id]
        self._runs[job_id] += StepName(step).kind == end.kind
        if StepName(step).kind != end.kind or job_id in self.exits or self._runs[job_id] < end.run:
            self._runner.run(job_id, step)
            return
        passed = self._passed(job_id)
        rest = (self._settings, job_id, step, end.how, end.at, self.log, passed, self.far.url)
        process = self._processes.Process(target=crash.run_step, args=rest)
        process.start()
        process.join()
        self.exits[job_id] = process.exitcode

    def _rouse(self) -> None:
        """Whatever does not know its outcome looks again, as if somebody had sent for it."""
        for job in map(self.load, self._ends):
            for step in job.steps.values():
                if step.state == UNKNOWN:
                    self.store.rouse(job.id, step.name, step.ticket)

    def _passed(self, job_id: str) -> Path:
        return self._folder / f"passed by {job_id}"

    def check(self, job_id: str) -> None:
        """The film is there, each step has one result, and what was finished was not done again."""
        kind, how, end_at, run = self._ends[job_id]
        where = f"{how}: ended {end_at} of {kind} in run {run}"
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
        most = MOST_RUNS if self._seeds[job_id] == PAINTED else MOST_LOOKS
        assert all(StepName(step).kind == kind and count <= most for step, count in again.items()), where
        assert not any(step.ticket for step in job.steps.values()), where
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
    try_ends(trial, [End(kind, how, point) for kind, how, points in cases for point in points])


def try_ends(trial: Trial, ends: list[End], seed: int = PAINTED) -> None:
    jobs = [trial.job(end, seed) for end in ends]
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


@pytest.mark.parametrize("seed", [ORDERED_ONCE, ORDERED_UNSURELY])
def test_the_end_at_any_point_of_an_order_elsewhere_buys_nothing_twice(trial: Trial, seed: int) -> None:
    """The run that orders, and the run that finds it done and fetches it."""
    (ordering,) = trial.points(("acquire", WORKS), seed=seed, run=1)
    (looking,) = trial.points(("acquire", WORKS), seed=seed, run=2)
    for known in (
        "before keep_ticket 1",
        "after keep_ticket 1",
        "after send 1",
        "before defer 1",
        "after defer 1",
    ):
        assert known in ordering
    for known in ("after send 1", "after download 1", "after put_file 1", "before commit 1", "after commit 1"):
        assert known in looking
    ends = [End("acquire", WORKS, at, run) for run, points in ((1, ordering), (2, looking)) for at in points]
    try_ends(trial, ends, seed)
    assert list(trial.far.faults()) == []
    assert len(trial.far.orders) == len(ends) + 2
