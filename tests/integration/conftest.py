"""The HTTP service on a real Redis and objects in memory."""

import pytest
from flask.testing import FlaskClient

from api.http.app import create_app
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage


@pytest.fixture
def settings(quick: Settings) -> Settings:
    return quick


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def client(settings: Settings, store: JobStore, storage: MemoryStorage) -> FlaskClient:
    return create_app(settings, store, storage).test_client()
