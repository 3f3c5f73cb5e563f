"""Services that are asked to end, and services that die: what becomes of their steps and of what those started."""

import os
import signal
from pathlib import Path

import pytest

from common.contracts.job import DONE, READY, RUNNING
from common.storage.s3 import S3Storage
from tests.support.asking import dispatch
from tests.support.waiting import eventually
from tests.support.workers import Farm, Worker

NOTHING_COUNTED = (READY, 0, 0, 0, "")


def counted(farm: Farm, job_id: str, step: str = "mix") -> tuple[str, int, int, int, str]:
    now = farm.step(job_id, step)
    return now.state, now.attempt, now.losses, now.lease, now.worker


# the polite end


def test_a_step_that_cannot_finish_is_handed_back_and_its_ffmpeg_is_dead(farm: Farm, storage: S3Storage) -> None:
    worker = farm.start()
    job = farm.job("job_1", "encode")
    eventually(farm.started_by_steps)
    for _ in range(2):  # said twice, and to the pool children, too, as some supervisors do
        os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(60) == 0
    assert counted(farm, job) == NOTHING_COUNTED
    assert dispatch(farm.store, "render", 5, 10.0) == [(job, "mix")]
    eventually(lambda: not farm.processes())
    assert list(farm.scratch.iterdir()) == []
    assert list(storage.list("assets")) == []


def test_a_step_that_finishes_in_time_is_committed_and_nothing_new_is_started(farm: Farm) -> None:
    worker = farm.start(DRAIN_SECONDS="3600")
    job = farm.job("job_1", "wait")
    farm.until(job, RUNNING)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: not farm.registered())
    late = farm.job("job_2")
    farm.go(job)
    assert worker.wait(60) == 0
    assert counted(farm, job) == (DONE, 1, 0, 0, "")
    assert counted(farm, late) == NOTHING_COUNTED
    assert farm.runs(late) == []


def test_a_service_with_threads_hands_its_steps_back_too(farm: Farm) -> None:
    worker = farm.start("threads")
    job = farm.job("job_1", "wait", step="plan")
    farm.until(job, RUNNING, "plan")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert counted(farm, job, "plan") == NOTHING_COUNTED


def test_ctrl_c_ends_politely_and_a_second_one_at_once(farm: Farm) -> None:
    worker = farm.start(DRAIN_SECONDS="3600")
    job = farm.job("job_1", "encode")
    eventually(farm.started_by_steps)
    os.killpg(worker.pid, signal.SIGINT)
    eventually(lambda: not farm.registered())
    assert counted(farm, job)[0] == RUNNING
    assert farm.started_by_steps()
    os.killpg(worker.pid, signal.SIGINT)
    assert worker.wait(60) == 130
    eventually(lambda: not farm.processes())


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_service_without_work_does_not_wait_for_any(farm: Farm, pool: str) -> None:
    worker = farm.start(pool, DRAIN_SECONDS="3600")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert farm.registered() == set()


@pytest.mark.slow
def test_a_step_that_hears_nothing_does_not_keep_its_service_from_ending(farm: Farm) -> None:
    worker = farm.start()
    farm.job("job_1", "deaf")
    eventually(farm.started_by_steps)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 130
    eventually(lambda: not farm.processes())


@pytest.mark.slow
def test_a_film_is_made_while_its_workers_are_exchanged_again_and_again(farm: Farm) -> None:
    """Each step is handed back by one worker and done by the next: no attempt is counted, and no loss."""
    film = farm.film_by_many(asked_to_end)
    assert {(step.attempt, step.losses) for step in film.steps.values() if step.name != "cast"} == {(1, 0)}


def asked_to_end(worker: Worker) -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0


# the sudden end


def test_the_death_of_a_pool_child_is_known_at_once_and_leaves_nothing_behind(farm: Farm) -> None:
    farm.start(LEASE_SECONDS="3600", SELF_KILL_SECONDS="1800")
    job = farm.job("job_1", "die once")
    eventually(lambda: farm.step(job).worker and farm.step(job).lease <= farm.store.now())
    assert farm.step(job).worker.endswith(f":{farm.runs(job)[0].pid}")
    eventually(lambda: not list(farm.scratch.iterdir()))
    eventually(lambda: not farm.started_by_steps())


def test_scratch_folders_of_a_killed_service_are_removed_when_it_starts_again(farm: Farm, tmp_path: Path) -> None:
    """Those of its steps, and the one in which its libraries keep temporary files."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    worker = farm.start(TMPDIR=str(temporary))
    farm.job("job_1", "encode once")
    eventually(farm.started_by_steps)
    worker.kill()
    worker.wait()
    eventually(lambda: not farm.processes())
    (of_its_step,), (of_its_own,) = farm.scratch.iterdir(), temporary.iterdir()
    successor = farm.start(TMPDIR=str(temporary))
    assert not of_its_step.exists()
    assert not of_its_own.exists()
    successor.send_signal(signal.SIGTERM)
    assert successor.wait(60) == 0
    assert list(temporary.iterdir()) == []
