"""Real workers on a real Redis and a real object store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.settings import Settings
from common.storage.s3 import S3Storage
from infra.chaos.site import COPIES, Site
from tests.support.redis_server import RedisServer
from tests.support.s3_server import s3_server
from tests.support.workers import Farm, short_leases


@pytest.fixture(scope="session")
def s3_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture
def settings(redis_here: RedisServer, s3_session: Settings, tmp_path: Path) -> Settings:
    return short_leases(redis_here, s3_session, tmp_path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole stack, which a test may harm but must leave as it found it."""
    with Site(tmp_path_factory.mktemp("site"), copies=COPIES) as site:
        yield site


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
