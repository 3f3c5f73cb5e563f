"""Supervision with real child programs: restarts, the order of the end, and that nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.supervisor import GaveUp, Patience, Program, Supervisor
from tests.support.waiting import alive, eventually

ROOT = Path(__file__).resolve().parents[2]
QUICK = Patience(first_pause=0.01, longest_pause=0.02, steady=60.0, max_falls=3, grace=1.0)

# A program that notes that it lives, ends politely when asked to, and notes that too.
POLITE = """
import os, signal, sys, time
def end(*_):
    print(f"{name} ends", file=open("order", "a"), flush=True)
    sys.exit(0)
name = sys.argv[1]
signal.signal(signal.SIGTERM, end)
open(name, "w").write(str(os.getpid()))
while True:
    time.sleep(60)
"""
# One that cannot be asked, with a child of its own.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf])
open("child", "w").write(str(child.pid))
open(sys.argv[1], "w").write(str(os.getpid()))
while True:
    time.sleep(60)
"""


class Lines(list[tuple[str, str]]):
    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def supervisor(lines: Lines) -> Iterator[Supervisor]:
    supervisor = Supervisor(lines, QUICK)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(name: str, source: str = POLITE, group: int = 0) -> Program:
        return Program(name, [sys.executable, "-c", source, name], dict(os.environ), tmp_path, group)

    return make


def pid_in(path: Path) -> int:
    """The process id a program has written down, once it has."""
    return int(eventually(lambda: path.exists() and path.read_text()))


def given_up(supervisor: Supervisor) -> str:
    """What is said when a program is given up."""

    def last_word() -> str:
        try:
            supervisor.tend()
        except GaveUp as failure:
            return str(failure)
        return ""

    return eventually(last_word)


def test_what_a_program_writes_comes_out_line_by_line_with_its_name(
    supervisor: Supervisor, lines: Lines, program: Callable[..., Program]
) -> None:
    source = "import sys, time; print('one', flush=True); print('two', file=sys.stderr, flush=True); time.sleep(60)"
    supervisor.start(program("talker", source))
    eventually(lambda: lines == [("talker", "one"), ("talker", "two")])


def test_lines_that_mean_nothing_are_not_told(supervisor: Supervisor, lines: Lines, tmp_path: Path) -> None:
    say = "print('ERROR : x: a folder is in use'); print('ERROR : x: the disk is full', flush=True); input()"
    noisy = Program("noisy", [sys.executable, "-c", say], dict(os.environ), tmp_path, noise=re.compile("in use"))
    supervisor.start(noisy)
    eventually(lambda: lines)
    assert lines[0] == ("noisy", "ERROR : x: the disk is full")


def test_a_program_that_was_killed_is_started_again(
    supervisor: Supervisor, lines: Lines, program: Callable[..., Program], tmp_path: Path
) -> None:
    supervisor.start(program("worker"))
    first = pid_in(tmp_path / "worker")
    (tmp_path / "worker").unlink()
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        supervisor.tend()
        return (tmp_path / "worker").exists()

    eventually(again)
    assert pid_in(tmp_path / "worker") != first
    assert any("was killed by SIGKILL" in line for _, line in lines)


def test_what_a_fallen_program_left_running_ends_before_its_successor_starts(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    supervisor.start(program("worker", STUBBORN))
    os.kill(pid_in(tmp_path / "worker"), signal.SIGKILL)
    child = pid_in(tmp_path / "child")

    def gone() -> bool:
        supervisor.tend()
        return not alive(child)

    eventually(gone)


def test_a_program_that_cannot_stay_up_is_given_up_with_its_last_words(
    supervisor: Supervisor, program: Callable[..., Program]
) -> None:
    supervisor.start(program("broken", "raise SystemExit('no such setting')"))
    assert given_up(supervisor) == "broken cannot stay up: no such setting"


def test_the_last_words_of_a_program_are_the_error_it_named_and_not_what_closes_its_log(
    supervisor: Supervisor, program: Callable[..., Program]
) -> None:
    code = "print('OSError: no space left', 'details [', ']', sep=chr(10)); raise SystemExit(1)"
    supervisor.start(program("broken", code))
    assert given_up(supervisor) == "broken cannot stay up: OSError: no space left"


def test_with_endless_patience_a_program_is_started_again_however_often_it_falls(
    lines: Lines, program: Callable[..., Program]
) -> None:
    supervisor = Supervisor(lines, replace(QUICK, max_falls=None))
    supervisor.start(program("broken", "raise SystemExit('no such setting')"))

    def falls() -> int:
        supervisor.tend()
        return sum("ended with code 1" in line for _, line in lines)

    try:
        assert QUICK.max_falls is not None
        eventually(lambda: falls() > 2 * QUICK.max_falls)
    finally:
        supervisor.stop()


def test_from_a_word_on_no_program_is_given_up_and_its_falls_are_counted(
    supervisor: Supervisor, lines: Lines, program: Callable[..., Program]
) -> None:
    supervisor.start(program("broken", "raise SystemExit('no such setting')"))
    supervisor.endure()
    assert QUICK.max_falls is not None
    wanted = rf"ended with code 1 after \d+ s, fall {QUICK.max_falls + 2} in a row; starting it again in 0\.02 s"

    def fallen() -> bool:
        supervisor.tend()
        return any(re.fullmatch(wanted, line) for _, line in lines)

    eventually(fallen)


def test_a_program_that_has_been_steady_is_never_given_up(
    lines: Lines, program: Callable[..., Program], tmp_path: Path
) -> None:
    source = "import pathlib, time; time.sleep(0 if pathlib.Path('bad').exists() else 60)"
    supervisor = Supervisor(lines, replace(QUICK, steady=0.5))
    supervisor.start(program("worker", source))

    def falls(how: str) -> int:
        supervisor.tend()
        return sum(how in line for _, line in lines)

    try:
        time.sleep(1.0)  # it is steady
        (tmp_path / "bad").touch()
        os.kill(supervisor.pids()["worker"], signal.SIGKILL)
        assert QUICK.max_falls is not None
        eventually(lambda: falls("ended with code 0") > 2 * QUICK.max_falls)
        (tmp_path / "bad").unlink()
        eventually(lambda: falls("") and supervisor.pids())
    finally:
        supervisor.stop()


def test_it_tells_the_process_ids_of_what_runs_now(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    supervisor.start(program("worker"))
    first = pid_in(tmp_path / "worker")
    assert supervisor.pids() == {"worker": first}
    (tmp_path / "worker").unlink()
    os.kill(first, signal.SIGKILL)

    def fallen() -> bool:
        supervisor.tend()
        return supervisor.pids() != {"worker": first}

    def again() -> bool:
        supervisor.tend()
        return (tmp_path / "worker").exists()

    eventually(fallen)
    eventually(again)
    assert supervisor.pids() == {"worker": pid_in(tmp_path / "worker")}
    supervisor.stop()
    assert supervisor.pids() == {}


def test_groups_end_one_after_the_other_highest_first(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    for group, name in enumerate(("redis", "s3", "service")):
        supervisor.start(program(name, group=group))
    pids = [pid_in(tmp_path / name) for name in ("redis", "s3", "service")]
    supervisor.stop()
    assert (tmp_path / "order").read_text().split("\n")[:3] == ["service ends", "s3 ends", "redis ends"]
    assert not any(alive(pid) for pid in pids)


def test_a_program_that_will_not_end_is_killed_with_all_it_started(
    supervisor: Supervisor, lines: Lines, program: Callable[..., Program], tmp_path: Path
) -> None:
    supervisor.start(program("stubborn", STUBBORN))
    pids = [pid_in(tmp_path / "stubborn"), pid_in(tmp_path / "child")]
    supervisor.stop()
    eventually(lambda: not any(alive(pid) for pid in pids))
    assert ("stubborn", "did not end when asked to; killed") in lines


def test_its_programs_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    owner = textwrap.dedent(
        f"""
        import os, sys, time
        from pathlib import Path
        from infra.supervisor import Program, Supervisor
        supervisor = Supervisor(lambda *_: None)
        for name in ("one", "two"):
            command = [sys.executable, "-c", {POLITE!r}, name]
            supervisor.start(Program(name, command, dict(os.environ), Path({str(tmp_path)!r})))
        while True:
            time.sleep(60)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", owner], cwd=ROOT)
    try:
        pids = [pid_in(tmp_path / name) for name in ("one", "two")]
    finally:
        process.kill()
        process.wait()
    eventually(lambda: not any(alive(pid) for pid in pids))
    assert not (tmp_path / "order").exists()
