"""A request that waits for a job, while the state store does not answer."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from api.waiting import wait_until
from common.contracts.job import Job
from common.jobs.scripts import StateUnavailable
from common.jobs.store import JobStore, connect
from common.jobs.wishes import NewJob
from common.settings import Settings
from tests.support.ready import REQUEST
from tests.support.redis_server import RedisServer, redis_server
from tests.support.waiting import eventually


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def store(redis: RedisServer, settings: Settings) -> Iterator[JobStore]:
    """One with a job, that gives up soon."""
    store = connect(replace(settings, state_url=redis.url), timeout=0.2)
    store.create("local", [NewJob("job_1", REQUEST, timeout=600.0)], answer="job_1")
    yield store
    store.close()


@contextmanager
def silent(redis: RedisServer) -> Iterator[None]:
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)


def test_it_goes_on_once_the_store_answers_again(redis: RedisServer, store: JobStore) -> None:
    looks, ready = threading.Semaphore(0), threading.Event()

    def is_ready(_: Job) -> bool:
        looks.release()
        return ready.is_set()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_until, store, "job_1", is_ready, 600.0)
        with silent(redis):
            eventually(lambda: not looks.acquire(timeout=1.0))  # it has no answer
            with pytest.raises(StateUnavailable):
                store.load("job_1")
            assert not waiting.done()
        ready.set()
        job = waiting.result()
    assert job is not None
    assert job.id == "job_1"


def test_it_says_that_the_store_does_not_answer_when_its_time_is_up(redis: RedisServer, store: JobStore) -> None:
    with silent(redis), pytest.raises(StateUnavailable):
        wait_until(store, "job_1", lambda job: False, 0.5)
