"""The real HTTP service, gunicorn and all, as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

import requests

from common.settings import Settings
from tests.support.redis_server import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a process read these settings."""
    return {field.name.upper(): str(getattr(settings, field.name)) for field in fields(settings)}


@contextmanager
def api_server(settings: Settings, log: Path) -> Iterator[str]:
    """Yields its address once it answers; it ends with the block, and must do so when asked politely."""
    settings = replace(settings, api_port=free_port())
    url = f"http://127.0.0.1:{settings.api_port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.main"],
            cwd=ROOT,
            env={**os.environ, **as_environment(settings)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: _answers(url))
        yield url
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):
        return False
