"""The walls around programs that decode strangers' bytes, tried from the inside."""

import ctypes
import json
import os
import platform
import socket
import struct
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from common import launcher
from common.errors import NotConfigured
from common.settings import Settings
from common.walls import kernel
from common.walls.__main__ import ALWAYS, OPEN, SECRET, WITH_LANDLOCK, holds, tried
from common.walls.environment import OF_PYTHON, environment
from common.walls.inside import REFUSED
from common.walls.rules import SOURCES, Walls, check_walls
from renderer import tasks as renderer
from retriever import tasks as retriever

ROOM = 512 * 1024**2
NOBODY = 65_534
needs_landlock = pytest.mark.skipif(
    not kernel.landlock_version(), reason="this kernel has no Landlock for us, so files are not walled off"
)


@pytest.fixture(scope="module")
def came() -> dict[str, str]:
    return tried()


def self_check(
    *, before: str = "", python: str = sys.executable, **options: object
) -> subprocess.CompletedProcess[str]:
    """`python -m common.walls`, after the statements `before`, which have `kernel`."""
    script = f"import runpy, sys\nfrom common.walls import kernel\n{before}\nsys.argv[1:] = []\n"
    script += "runpy.run_module('common.walls', run_name='__main__')"
    return subprocess.run(
        [python, "-P", "-c", script],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def walled(folder: Path, script: str, walls: Walls) -> subprocess.CompletedProcess[str]:
    command = launcher.launched([sys.executable, "-P", "-c", script], walls=walls)
    env = {**environment(folder, PYTHONPATH=str(SOURCES), **OF_PYTHON), SECRET: "canary", "REDIS_URL": "canary"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("wall", ALWAYS)
def test_what_holds_on_every_kernel(came: dict[str, str], wall: str) -> None:
    assert {name: came[name] for name in ALWAYS[wall]} == dict.fromkeys(ALWAYS[wall], REFUSED)


@needs_landlock
@pytest.mark.parametrize("wall", WITH_LANDLOCK)
def test_what_holds_with_landlock(came: dict[str, str], wall: str) -> None:
    assert {name: came[name] for name in WITH_LANDLOCK[wall]} == dict.fromkeys(WITH_LANDLOCK[wall], REFUSED)


@pytest.mark.parametrize("name", [name for name, _ in OPEN.values()])
def test_what_is_left_open(came: dict[str, str], name: str) -> None:
    assert dict(OPEN.values())[name] == came[name]


def test_no_attempt_is_refused_to_a_program_without_walls(tmp_path: Path) -> None:
    """... but for files larger than a limit it has not: so each of them would be seen to succeed if a wall fell."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "canary").write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as trap:
        words = [str(outside), str(trap.getsockname()[1]), str(ROOM // 64)]
        program = [sys.executable, "-P", "-m", "common.walls.inside", *words]
        env = {"PYTHONPATH": str(SOURCES), "PATH": os.environ["PATH"], SECRET: "canary"}
        said = subprocess.run(program, cwd=inside, env=env, capture_output=True, text=True, check=True).stdout
    # Some machines and containers have no rings.
    found = {name: what for name, what in json.loads(said).items() if name != "ring"}
    assert {name: what for name, what in found.items() if not what.startswith("got")} == {}
    assert found["environment"] != "got []"


def test_every_wall_is_tried(came: dict[str, str]) -> None:
    named = {name for names in (*ALWAYS.values(), *WITH_LANDLOCK.values()) for name in names}
    assert named | {name for name, _ in OPEN.values()} == came.keys()
    for name in named:
        fallen = {wall for wall, held in holds({**came, name: "got 1"}).items() if not held}
        assert fallen >= {wall for wall, names in (*ALWAYS.items(), *WITH_LANDLOCK.items()) if name in names}


def test_the_check_says_what_holds_and_ends_well() -> None:
    done = self_check()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILS" not in done.stdout
    assert len(done.stdout.splitlines()) == 1 + len(ALWAYS) + len(WITH_LANDLOCK) + len(OPEN)


REFUSING = """
import errno, struct
refuse = lambda number: kernel._if(kernel.EQUAL, number, 0, 1) + kernel._return(kernel.REFUSE | errno.{error})
kernel._libc.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
kernel._restrict_calls(kernel._load(kernel.NUMBER) + refuse({number}) + kernel._return(kernel.ALLOW))
"""


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM", "EOPNOTSUPP"])
def test_on_a_kernel_without_landlock_the_rest_holds(error: str) -> None:
    """Old kernels do not know it, some containers forbid it, and it may be turned off at boot."""
    done = self_check(before=REFUSING.format(error=error, number=kernel.CREATE_RULESET))
    assert done.returncode == 0, done.stdout + done.stderr
    said = {line[9:]: line[:9].strip() for line in done.stdout.splitlines()[1:]}
    assert {wall for wall, how in said.items() if how == "missing"} <= set(WITH_LANDLOCK)
    assert {said[wall] for wall in ALWAYS} == {"holds"}
    # The environment of another process is there to be read then.
    assert said[next(iter(WITH_LANDLOCK))] == "missing"
    assert "Landlock: none for us" in done.stdout


def test_on_a_kernel_without_filters_nothing_is_started() -> None:
    # Not all of prctl is refused: the launcher needs it for other things.
    refuse = """
import errno, os
column = list(kernel.MACHINES).index(os.uname().machine)
refuse = kernel._return(kernel.REFUSE | errno.EINVAL)
program = kernel._load(kernel.NUMBER) + kernel._if(kernel.EQUAL, kernel.SECCOMP[column], 0, 1) + refuse
program += kernel._if(kernel.EQUAL, (157, 167)[column], 0, 3) + kernel._load(kernel.ARGUMENT)
program += kernel._if(kernel.EQUAL, kernel.PR_SET_SECCOMP, 0, 1) + refuse + kernel._return(kernel.ALLOW)
kernel._libc.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
kernel._restrict_calls(program)
"""
    done = self_check(before=refuse)
    assert done.returncode == 1
    assert "the kernel takes no filter of system calls" in done.stdout


def test_a_kernel_that_does_not_know_the_flag_has_the_same_filter() -> None:
    done = self_check(
        before=REFUSING.format(error="EINVAL", number=kernel.SECCOMP[list(kernel.MACHINES).index(platform.machine())])
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILS" not in done.stdout


def test_a_filter_for_another_machine_is_not_guessed() -> None:
    with pytest.raises(kernel.WallMissing, match="riscv64"):
        kernel.refusals("riscv64", 1)


@pytest.mark.parametrize("machine", kernel.MACHINES)
def test_a_filter_is_a_sound_program(machine: str) -> None:
    """The kernel refuses one that jumps too far; here also that of the processor we do not run on."""
    program = kernel.refusals(machine, 1)
    steps = [struct.unpack("=HBBI", program[at : at + 8]) for at in range(0, len(program), 8)]
    assert len(program) % 8 == 0
    assert len(steps) < 4096
    assert steps[-1][0] == kernel.RETURN
    for at, (code, then, otherwise, _) in enumerate(steps):
        if code in (kernel.EQUAL, kernel.AT_LEAST, kernel.HAS_BIT):
            assert at + 1 + max(then, otherwise) < len(steps)


def test_threads_and_its_own_end_are_its_own_business(tmp_path: Path) -> None:
    script = """
import os, threading
thread = threading.Thread(target=print, args=("hello",), kwargs={"flush": True})
thread.start()
thread.join()
os.abort()
"""
    done = walled(tmp_path, script, Walls(ROOM, 10, code=["common"]))
    assert (done.stdout, done.returncode) == ("hello\n", -6)


def test_whatever_it_is_started_with_it_sees_none_of_our_settings(tmp_path: Path) -> None:
    done = walled(tmp_path, "import os; print('canary' in os.environ.values())", Walls(ROOM, 10, code=["common"]))
    assert done.stdout == "False\n", done.stderr


@needs_landlock
def test_what_may_be_read_need_not_be_written_and_the_other_way_round(tmp_path: Path) -> None:
    for name in ("given", "work", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    script = """
from pathlib import Path
for name in ("given", "work", "other"):
    for what in (lambda p: p.read_text(), lambda p: p.write_text("x")):
        try:
            what(Path("..", name, "file"))
            print(name, "yes")
        except PermissionError:
            print(name, "no")
"""
    walls = Walls(ROOM, 10, 1 << 16, read=[tmp_path / "given"], write=[tmp_path / "work"], code=["common"])
    done = walled(tmp_path / "work", script, walls)
    assert done.stdout.split("\n")[:-1] == ["given yes", "given no", "work yes", "work yes", "other no", "other no"]


@needs_landlock
def test_a_folder_may_be_named_from_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from where the program is: it starts elsewhere."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path)
    walls = Walls(ROOM, 10, 1 << 16, write=["work"], code=["common"])
    script = "from pathlib import Path; print(Path('file').write_text('x'))"
    assert walled(tmp_path / "work", script, walls).stdout == "1\n"


@needs_landlock
def test_a_single_file_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one")
    (tmp_path / "two").write_text("two")
    walls = Walls(ROOM, 10, read=[tmp_path / "one"], code=["common"])
    assert walled(tmp_path, "print(open('one').read())", walls).stdout == "one\n"
    assert "PermissionError" in walled(tmp_path, "print(open('two').read())", walls).stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_they_hold_for_a_user_without_rights() -> None:
    python = next(filter(runs_for_nobody, (sys.executable, "/usr/bin/python3")), "")
    if not python:
        pytest.skip("no Python here can be run by another user")
    done = self_check(python=python, user=NOBODY, group=NOBODY, extra_groups=(), cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILS" not in done.stdout


def runs_for_nobody(python: str) -> bool:
    """True for a Python that is new enough and can be run, with our packages, by a user without rights."""
    look = [python, "-P", "-c", "import sys; from common import launcher; sys.exit(sys.version_info < (3, 11))"]
    env = {"PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return not subprocess.run(look, user=NOBODY, group=NOBODY, extra_groups=(), env=env, cwd="/").returncode
    except OSError:
        return False


def test_the_kernels_word_is_the_one_we_go_by() -> None:
    """What is asked in another way than `kernel` asks it."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert kernel.landlock_version() == max(0, libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def test_a_service_says_once_that_files_are_not_walled_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kernel, "landlock_version", lambda: 0)
    check_walls()
    assert ["no Landlock" in record.message for record in caplog.records] == [True]
    monkeypatch.setattr(kernel, "landlock_version", lambda: 1)
    check_walls()
    assert len(caplog.records) == 1


def test_a_service_does_not_start_without_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    check_walls()
    monkeypatch.setattr(kernel.os, "uname", lambda: Mock(machine="riscv64"))
    with pytest.raises(NotConfigured, match="seccomp"):
        check_walls()
    with pytest.raises(NotConfigured, match="seccomp"):
        retriever.engines(Settings())
    with pytest.raises(NotConfigured, match="seccomp"):
        renderer.engines(Settings())


def test_a_filter_is_there_or_not_as_the_kernel_says() -> None:
    assert kernel.has_filter() == ("Seccomp:" in Path("/proc/self/status").read_text())
