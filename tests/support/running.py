"""The whole system for a test: the embedded stack with its real processes, and a client that waits for states."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from cli.embedded import EmbeddedStack

ENDED = {"completed", "partial", "failed", "cancelled"}
PATIENCE = 240.0
"Seconds after which a test gives up on a state; never what a test measures."


class Running:
    """A running stack and what a test asks of it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def generate(self, **body: Any) -> str:
        reply = requests.post(f"{self.url}/mcp/generate", json=body, timeout=30)
        assert reply.status_code in (200, 202), reply.text  # 200: it is cancelled already
        return str(reply.json()["job_id"])

    def status(self, job_id: str) -> dict[str, Any]:
        reply = requests.get(f"{self.url}/mcp/status/{job_id}", timeout=30)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def result(self, job_id: str) -> dict[str, Any]:
        reply = requests.get(f"{self.url}/mcp/result/{job_id}", timeout=30)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def post(self, path: str, **body: Any) -> requests.Response:
        return requests.post(f"{self.url}/mcp/{path}", json=body or None, timeout=30)

    def cancel(self, job_id: str) -> None:
        reply = self.post(f"cancel/{job_id}")
        assert reply.status_code in (200, 202), reply.text  # 200: it is cancelled already

    def resume(self, job_id: str) -> None:
        reply = self.post(f"resume/{job_id}")
        assert reply.status_code in (200, 202), reply.text  # 200: it is cancelled already

    def upload(self, data: bytes) -> str:
        reply = requests.post(f"{self.url}/mcp/assets", files={"file": data}, timeout=60)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["asset_id"])

    def wait(self, job_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Asks again and again until the status is as wanted; checks that progress never goes back meanwhile."""
        deadline = time.monotonic() + PATIENCE
        highest = -1
        while time.monotonic() < deadline:
            status = self.status(job_id)
            assert status["overall_progress"] >= highest, "progress went back"
            highest = status["overall_progress"]
            if until(status):
                return status
            time.sleep(0.1)
        raise AssertionError(f"the state did not come; the last one was {status}")

    def film(self, job_id: str, folder: Path) -> tuple[Path, dict[str, Any]]:
        """Waits for the film and downloads it."""
        status = self.wait(job_id, lambda now: now["status"] in ENDED)
        assert status["status"] == "completed", status
        result = self.result(job_id)
        path = folder / f"{job_id}.mp4"
        path.write_bytes(fetch(result["download_url"]))
        return path, result


def fetch(url: str) -> bytes:
    reply = requests.get(url, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.content


@contextmanager
def running_stack(folder: Path, **settings: str) -> Iterator[Running]:
    """A stack of its own, small pictures and short leases, with `settings` on top."""
    usual = {
        "TARGET_RESOLUTION": "270",
        "FFMPEG_PRESET": "ultrafast",
        "LEASE_SECONDS": "3",
        "BEAT_SECONDS": "0.3",
        "SELF_KILL_SECONDS": "2",
        "HINT_SECONDS": "1",
        "DRAIN_SECONDS": "2",
        "PEXELS_BACKOFF": "0.5",
    }
    before = dict(os.environ)
    os.environ.update(usual | settings)
    try:
        with EmbeddedStack(folder) as stack:
            yield Running(stack.url)
    finally:
        os.environ.clear()
        os.environ.update(before)
