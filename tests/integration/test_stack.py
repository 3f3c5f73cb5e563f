"""The embedded stack: it comes up whole, ends whole, and leaves nothing behind however it ends."""

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import requests

from cli.embedded import EmbeddedStack
from cli.errors import BadInput
from common.errors import StorageUnavailable
from common.settings import Settings
from common.storage.s3 import S3Storage
from infra import repair
from infra.local import Plan, StackError, environment, redis_program, s3_program
from infra.stack import Stack
from infra.supervisor import Patience, Supervisor
from tests.support.api_server import ROOT
from tests.support.processes import ctrl_c_works, find, marked
from tests.support.redis_server import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
HASTY = Patience(first_pause=0.01, longest_pause=0.02)
MARK = "REEL_TEST_MARK"


class Reel:
    """A command of `reel`, and all processes that came of it."""

    def __init__(self, folder: Path, *arguments: object, **settings: str) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.said = folder / "said"
        env = {"PYTHONPATH": str(ROOT), MARK: self.mark, "TMPDIR": str(self.temporary), "TARGET_RESOLUTION": "180"}
        with self.said.open("wb") as said, ctrl_c_works():
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli", *(str(argument) for argument in arguments)],
                cwd=folder,
                env={**os.environ, **env, **settings},
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
        [sys.executable, "-m", "cli", "up", "--port", str(port)],
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
        [sys.executable, "-m", "cli", "up", "--port", str(free_port()), "--data", str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert third.returncode == 1
    assert "another Reelwright uses the data folder" in third.stderr

    job = requests.post(f"{url}/mcp/generate", json={"prompt": "waves", "metadata": {"mine": 1}}, timeout=30).json()
    (server,) = find("redis-server", under=reel.process.pid)
    os.kill(server, signal.SIGKILL)
    reel.says(r"redis +\| \S+ WARNING supervisor was killed by SIGKILL")
    eventually(
        lambda: requests.get(f"{url}/mcp/status/{job['job_id']}", timeout=30).json().get("metadata") == {"mine": 1}
    )

    for fall in ("", ", fall 2 in a row", ", fall 3 in a row", ", fall 4 in a row", ", fall 5 in a row"):
        service = eventually(lambda: find("retriever.main", under=reel.process.pid))[0]
        os.kill(service, signal.SIGKILL)
        reel.says(rf"retriever +\| .* was killed by SIGKILL after \d+ s{fall}; starting")
    reel.says(r"(?s)fall 5 in a row.*retriever-\w+@\S+ ready")
    assert requests.get(f"{url}/healthz", timeout=30).status_code == 200

    reel.process.send_signal(signal.SIGINT)
    assert reel.process.wait(90) == 0
    assert "Traceback" not in reel.said.read_text()
    assert reel.processes() == []
    assert (data / "redis").is_dir()
    assert list(reel.temporary.iterdir()) == []


def test_up_goes_by_its_settings_and_tells_what_it_ignores(started: list[Reel], tmp_path: Path) -> None:
    port = free_port()
    reel = Reel(tmp_path, "up", API_PORT=str(port), RENDER_SLOT="2", RENDER_SLOTS="1", WORK_DIR="", LOG_LEVEL="info")
    started.append(reel)
    assert reel.says(r"Reelwright is ready at (\S+)")[1] == f"http://127.0.0.1:{port}"
    reel.says(r"renderer +\| .* WARNING renderer RENDER_SLOT is ignored: .* RENDER_SLOTS\?")
    assert "ignored" not in reel.said.read_text().replace("RENDER_SLOT is ignored", "", 1)
    reel.process.send_signal(signal.SIGINT)
    assert reel.process.wait(90) == 0


def test_a_stack_that_is_started_for_a_command_hands_on_what_it_ignores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEXEL_API_KEY", "k")
    with EmbeddedStack(tmp_path / "data") as stack:
        assert [note.split()[0] for note in stack.notes] == ["PEXEL_API_KEY"]
    monkeypatch.setenv("JOB_TIMEOUT", "soon")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with (
        pytest.raises(BadInput, match=r"^JOB_TIMEOUT must be .*\nLOG_LEVEL must be .*$"),
        EmbeddedStack(tmp_path / "data"),
    ):
        pass


def test_wrong_settings_end_up_with_a_line_each(started: list[Reel], tmp_path: Path) -> None:
    reel = Reel(tmp_path, "up", "--port", free_port(), JOB_TIMEOUT="soon", RENDER_SLOTS="-1")
    started.append(reel)
    assert reel.process.wait(60) == 2
    lines = [line.split()[:2] for line in reel.said.read_text().splitlines() if "must be" in line]
    assert lines == [["reel:", "JOB_TIMEOUT"], ["reel:", "RENDER_SLOTS"]]


def test_links_of_an_earlier_answer_lead_to_the_film_after_a_restart(started: list[Reel], tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    url = f"http://127.0.0.1:{port}"
    film: dict[str, object] = {"scenes": [{"show": "waves", "duration": 1}], "music": "none", "footage": "scenery"}

    def up(number: int) -> Reel:
        folder = tmp_path / f"{number}"
        folder.mkdir()
        started.append(Reel(folder, "up", "--port", port, "--data", data))
        started[-1].says("Reelwright is ready")
        return started[-1]

    def ended(job: str) -> bool:
        return bool(requests.get(f"{url}/mcp/status/{job}", timeout=30).json()["status"] == "completed")

    first = up(1)
    job = requests.post(f"{url}/mcp/generate", json=film, timeout=30).json()["job_id"]
    eventually(lambda: ended(job), 120)
    result = requests.get(f"{url}/mcp/result/{job}", timeout=30).json()
    links = [result[name] for name in ("download_url", "thumbnail_download_url")]
    before = [requests.get(link, timeout=30).content for link in links]
    assert open_to_others(data) == []
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(90) == 0
    up(2)
    after = [requests.get(link, timeout=30) for link in links]
    assert [reply.status_code for reply in after] == [200, 200]
    assert [reply.content for reply in after] == before
    assert "Dir.Remove not empty" not in first.said.read_text()
    assert open_to_others(data) == []


def test_folders_that_an_earlier_release_left_open_are_closed(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir(mode=0o755)
    Plan.make(tmp_path, "127.0.0.1", 0).folder("objects")
    assert stat.S_IMODE((tmp_path / "objects").stat().st_mode) == 0o700


def open_to_others(data: Path) -> list[str]:
    """The files and folders that other users of the machine could get at; all that a stack keeps must be there."""
    found = [data, *data.rglob("*")]
    assert {path.name for path in found} >= {
        "redis",
        "objects",
        "work",
        "stack.json",
    }
    assert any("append" in path.name and path.is_file() for path in found)
    assert any("film" in path.parts and path.is_file() for path in found), "there is a film"
    return [f"{path} {path.stat().st_mode:o}" for path in found if path.exists() and path.stat().st_mode & 0o077]


def test_the_store_calls_nothing_an_error_that_is_none(tmp_path: Path) -> None:
    """To rclone, a folder that stays because there is something else in it is one."""
    lines: list[str] = []
    plan = Plan.make(tmp_path, "127.0.0.1", 0)
    storage = S3Storage(Settings.from_env(environment(plan, {})))

    def there() -> bool:
        with contextlib.suppress(StorageUnavailable):
            storage.make_buckets()
            return True
        return False

    supervisor = Supervisor(lambda _, line: lines.append(line))
    supervisor.start(s3_program(plan))
    try:
        eventually(there)
        for key in ("a/b/1", "a/b/2", "a/c/1"):
            storage.put_bytes("assets", key, b"x", "text/plain")
        for key in ("a/b/1", "a/c/1"):
            storage.delete("assets", key)
    finally:
        supervisor.stop()
    assert "Starting s3 server" in lines[0]
    assert not [line for line in lines if "ERROR" in line]


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


def test_a_stack_that_is_told_so_leaves_its_data_behind() -> None:
    with EmbeddedStack(None) as stack:
        folder = stack.keep()
    try:
        assert (folder / "objects" / "videos").is_dir()
    finally:
        shutil.rmtree(folder)


def test_make_says_in_one_line_why_its_stack_cannot_run(started: list[Reel], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reel = Reel(tmp_path, "make", "waves", "--data", tmp_path / "file")
    started.append(reel)
    assert reel.process.wait(60) == 2
    assert reel.said.read_text().splitlines()[-1].startswith("reel: ")
    assert "Traceback" not in reel.said.read_text()


@pytest.fixture
def damaged(tmp_path: Path) -> Plan:
    """The folder of a stack whose Redis has been given three keys, with a hole before the last of them."""
    plan = Plan.make(tmp_path, "127.0.0.1", 0)
    run_redis(plan, lambda client: [client.set(name, "x" * 100) for name in ("first", "second", "third")])
    file = tmp_path / "redis" / "appendonly.aof"
    data = file.read_bytes()
    hole = data.index(b"third") - 12
    file.write_bytes(data[:hole] + b"\x07" * 64 + data[hole + 64 :] + data)
    return plan


def run_redis(plan: Plan, use: Callable[[redis.Redis], object]) -> object:
    """What `use` returns of the embedded Redis, which ends afterwards."""
    supervisor = Supervisor(lambda *_: None)
    url = environment(plan, {})["STATE_URL"]
    try:
        supervisor.start(redis_program(plan))
        with redis.Redis.from_url(url, decode_responses=True) as client:
            eventually(lambda: answers(client))
            return use(client)
    finally:
        supervisor.stop()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_a_damaged_record_of_jobs_is_told_with_the_way_out(damaged: Plan) -> None:
    stack = Stack(damaged, {}, lambda *_: None, lambda seconds: time.sleep(seconds) or False, patience=HASTY)
    try:
        with pytest.raises(StackError, match=rf"is damaged; `./reel up --data {damaged.data} --repair` cuts it off"):
            stack.start()
    finally:
        stack.stop()


def test_a_damaged_record_of_jobs_is_cut_off_where_the_damage_begins(damaged: Plan) -> None:
    assert repair.damaged(damaged)
    before = (damaged.data / "redis" / "appendonly.aof").read_bytes()
    assert "ends now before the damage" in repair.repair(damaged)
    assert run_redis(damaged, lambda client: sorted(client.keys())) == ["first", "second"]
    (kept,) = damaged.data.glob("redis-damaged-*/appendonly.aof")
    assert kept.read_bytes() == before
    assert "nothing to repair" in repair.repair(damaged)


def test_a_record_that_is_damaged_from_its_beginning_is_left_as_it_is(damaged: Plan) -> None:
    file = damaged.data / "redis" / "appendonly.aof"
    file.write_bytes(b"REDIS" + bytes(500))
    with pytest.raises(StackError, match="move that folder away"):
        repair.repair(damaged)
    assert file.read_bytes() == b"REDIS" + bytes(500)


def test_a_repair_needs_a_folder(tmp_path: Path) -> None:
    reel = Reel(tmp_path, "up", "--repair", "--port", free_port())
    assert reel.process.wait(30) == 2
    assert "--repair goes with --data DIR" in reel.said.read_text()
