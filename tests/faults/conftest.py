"""Real workers on a real Redis and a real object store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.settings import Settings
from common.storage.s3 import S3Storage
from tests.support.redis_server import RedisServer
from tests.support.s3_server import s3_server
from tests.support.workers import Farm


@pytest.fixture(scope="session")
def s3_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture
def settings(redis_here: RedisServer, s3_session: Settings, tmp_path: Path) -> Settings:
    """Leases short enough to outlive, and long enough for a machine that is busy with other things."""
    return replace(
        s3_session,
        state_url=redis_here.url,
        broker_url=redis_here.url,
        lease_seconds=3.0,
        beat_seconds=0.2,
        self_kill_seconds=2.0,
        retry_seconds=0.05,
        hint_seconds=0.5,
        drain_seconds=1.0,
        work_dir=str(tmp_path / "scratch"),
    )


@pytest.fixture
def storage(settings: Settings) -> Iterator[S3Storage]:
    """The object store, empty at first and in the end."""
    storage = S3Storage(settings)
    yield storage
    for bucket in (settings.assets_bucket, settings.videos_bucket):
        for one in list(storage.list(bucket)):
            storage.delete(bucket, one.key)


@pytest.fixture
def farm(settings: Settings, storage: S3Storage, tmp_path: Path) -> Iterator[Farm]:
    farm = Farm(settings, storage, tmp_path)
    yield farm
    farm.end()
