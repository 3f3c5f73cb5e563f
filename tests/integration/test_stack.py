"""The embedded stack: it comes up whole, ends whole, and leaves nothing behind however it ends."""

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.api_server import ROOT
from tests.support.processes import ctrl_c_works, find, marked
from tests.support.redis_server import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
MARK = "REEL_TEST_MARK"


class Reel:
    """A command of `reel`, and all processes that came of it."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.said = folder / "said"
        env = {"PYTHONPATH": str(ROOT), MARK: self.mark, "TMPDIR": str(self.temporary), "TARGET_RESOLUTION": "180"}
        with self.said.open("wb") as said, ctrl_c_works():
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "api.cli", *(str(argument) for argument in arguments)],
                cwd=folder,
                env={**os.environ, **env},
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def says(self, pattern: str) -> re.Match[str]:
        return eventually(lambda: re.search(pattern, self.said.read_text()))

    def processes(self) -> list[int]:
        return marked(MARK, self.mark, self.folder)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        eventually(lambda: not self.processes())


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Reel]]:
    started: list[Reel] = []
    yield started
    for reel in started:
        reel.end()


def test_up_serves_restarts_what_is_killed_and_ends_without_a_trace(started: list[Reel], tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    reel = Reel(tmp_path, "up", "--port", port, "--data", data)
    started.append(reel)
    reel.says("Reelwright is ready")
    url = f"http://127.0.0.1:{port}"
    assert requests.get(f"{url}/readyz", timeout=30).status_code == 200

    second = subprocess.run(
        [sys.executable, "-m", "api.cli", "up", "--port", str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second.returncode, second.stderr) == (
        2,
        f"reel: another Reelwright already uses port {port}; stop it or choose another with --port\n",
    )
    third = subprocess.run(
        [sys.executable, "-m", "api.cli", "up", "--port", str(free_port()), "--data", str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert third.returncode == 1
    assert "another Reelwright uses the data folder" in third.stderr

    job = requests.post(f"{url}/mcp/generate", json={"prompt": "waves", "metadata": {"mine": 1}}, timeout=30).json()
    (redis,) = find("redis-server", under=reel.process.pid)
    os.kill(redis, signal.SIGKILL)
    reel.says(r"redis +\| was killed by SIGKILL")
    eventually(
        lambda: requests.get(f"{url}/mcp/status/{job['job_id']}", timeout=30).json().get("metadata") == {"mine": 1}
    )

    reel.process.send_signal(signal.SIGINT)
    assert reel.process.wait(90) == 0
    assert reel.processes() == []
    assert (data / "redis").is_dir()
    assert list(reel.temporary.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_make_leaves_nothing_behind_however_it_ends(
    started: list[Reel], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    reel = Reel(tmp_path, "make", "waves", "--duration", "60")
    started.append(reel)
    reel.says(r"\d+ %  rendering")
    assert len(reel.processes()) > 8
    reel.process.send_signal(number)
    assert reel.process.wait(90) == code
    eventually(lambda: not reel.processes())
    eventually(lambda: not list(reel.temporary.iterdir()))
    assert list(tmp_path.glob("*.mp4")) == []


def test_make_says_in_one_line_why_its_stack_cannot_run(started: list[Reel], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reel = Reel(tmp_path, "make", "waves", "--data", tmp_path / "file")
    started.append(reel)
    assert reel.process.wait(60) == 2
    assert reel.said.read_text().splitlines()[-1].startswith("reel: ")
    assert "Traceback" not in reel.said.read_text()
