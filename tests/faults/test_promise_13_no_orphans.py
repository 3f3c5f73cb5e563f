"""Promise 13: no ffmpeg, and nothing else that a step has started, outlives its lease or its worker."""

import os
import signal
from collections.abc import Callable

import pytest

from common.contracts.job import READY, RUNNING
from tests.support import processes
from tests.support.ready import make_ready
from tests.support.waiting import eventually
from tests.support.workers import Farm, Worker

Ending = Callable[[Farm, Worker, str], None]


def the_service_is_killed(farm: Farm, worker: Worker, job: str) -> None:
    worker.kill()
    worker.wait()


def its_process_is_killed(farm: Farm, worker: Worker, job: str) -> None:
    os.kill(farm.runs(job)[0].pid, signal.SIGKILL)


def it_is_cancelled(farm: Farm, worker: Worker, job: str) -> None:
    farm.store.wish_cancel(job)


def its_lease_is_lost(farm: Farm, worker: Worker, job: str) -> None:
    make_ready(farm.store, job_id=job)


def its_process_sleeps_past_the_lease(farm: Farm, worker: Worker, job: str) -> None:
    pid = farm.runs(job)[0].pid
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: farm.step(job).lease < farm.store.now())
    os.kill(pid, signal.SIGCONT)


def redis_is_away(farm: Farm, worker: Worker, job: str) -> None:
    farm.store.scripts.client.execute_command("CLIENT", "PAUSE", 4000, "ALL")


ENDINGS: list[Ending] = [
    its_process_is_killed,
    it_is_cancelled,
    its_lease_is_lost,
    its_process_sleeps_past_the_lease,
    redis_is_away,
]


def test_ffmpeg_and_the_probe_die_with_their_service(farm: Farm) -> None:
    worker = farm.start(RENDER_SLOTS="2")
    farm.job("job_1", "encode")
    farm.job("job_2", "inspect")
    eventually(
        lambda: processes.find("ffmpeg", worker.pid) and processes.find("retriever.inspection.program", worker.pid)
    )
    worker.kill()
    worker.wait()
    eventually(lambda: not farm.processes())


def test_ffmpeg_dies_with_its_pool_child(farm: Farm) -> None:
    """... and the pool goes on."""
    worker = farm.start()
    job = farm.job("job_1", "encode")
    eventually(farm.started_by_steps)
    its_process_is_killed(farm, worker, job)
    eventually(lambda: not farm.started_by_steps())
    next_job = farm.job("job_2")
    farm.until(next_job, "done")


@pytest.mark.slow
@pytest.mark.parametrize("order", ["encode", "inspect"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_that_a_step_has_started_outlives_its_end(farm: Farm, ending: Ending, order: str) -> None:
    worker = farm.start()
    job = farm.job("job_1", order)
    eventually(farm.started_by_steps)
    ending(farm, worker, job)
    eventually(lambda: not farm.started_by_steps())
    assert farm.store.load(job).steps["mix"].state in (RUNNING, READY)  # type: ignore[union-attr]
    assert worker.poll() is None


@pytest.mark.slow
def test_ffmpeg_dies_with_a_process_that_hangs_past_the_hard_limit(farm: Farm) -> None:
    """The process cannot even beat or be asked to end: it is stopped altogether, and then killed by its service."""
    farm.start(STEP_TIMEOUT="3", OVERTIME="1", LEASE_SECONDS="2.5", SELF_KILL_SECONDS="2")
    job = farm.job("job_1", "encode")
    eventually(farm.started_by_steps)
    pid = farm.runs(job)[0].pid
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not farm.started_by_steps())
    eventually(lambda: pid not in farm.processes())
    farm.until(farm.job("job_2"), "done")
