"""Fixtures that more than one kind of test needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.jobs.store import JobStore, connect
from common.settings import Settings
from tests.support.redis_server import RedisServer, redis_server


@pytest.fixture(scope="session")
def redis_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_here(redis_session: RedisServer) -> RedisServer:
    """A running Redis without a key in it."""
    with redis_session.client() as client:
        client.flushall()
    return redis_session


@pytest.fixture
def quick(redis_here: RedisServer, tmp_path: Path) -> Settings:
    """Settings with leases short enough for a test to outlive them."""
    return Settings(
        state_url=redis_here.url,
        broker_url=redis_here.url,
        lease_seconds=1.2,
        beat_seconds=0.1,
        self_kill_seconds=0.8,
        retry_seconds=0.05,
        hint_seconds=0.5,
        target_resolution=360,
        work_dir=str(tmp_path),
    )


@pytest.fixture
def store(quick: Settings) -> Iterator[JobStore]:
    jobs = connect(quick)
    yield jobs
    jobs.close()
