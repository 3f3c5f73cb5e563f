"""Runs programs for as long as its owner wants them, and leaves none of them running.

Each program starts through `common/launcher.py`, so the kernel kills it however we die, and in a session of its
own, so that stopping it also stops everything it started. One that ends by itself is started again, after a pause
that grows. A program that never stays up is reported instead of being tried for ever; for one that has shown that
it can, something around it must have changed, and may change back.

Everything here runs in one thread, the one that made the supervisor: the kernel ties a child to the
*thread* that started it.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common import launcher

Sink = Callable[[str, str], None]
"Takes the name of a program and one line it wrote. Must not raise."
PUMP_SECONDS = 1.0
"Seconds to wait for the last lines of an ended program; something it started may hold the pipe open."
MAX_DOUBLINGS = 16
"Most doublings of the pause between two starts; endless falls must not make the number overflow."

TROUBLE = re.compile(r"[\w.]*(Error|Exception|Exit): ")
"The beginning of a line that says what went wrong, such as the last one of a traceback."


class GaveUp(Exception):
    """A program ended too often, too soon. The message names it and has its last words."""

    def __init__(self, name: str, last_words: str) -> None:
        super().__init__(f"{name} cannot stay up: {last_words or 'it says nothing'}")
        self.name = name


@dataclass(frozen=True)
class Program:
    """A program to run. `group` orders the stop: the highest ends first. Lines that contain `noise` are dropped."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    group: int = 0
    noise: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Patience:
    """The waiting times of a supervisor, in seconds."""

    first_pause: float = 0.5
    longest_pause: float = 10.0
    steady: float = 20.0
    "A program that ran this long is healthy again: its count of falls starts over."
    max_falls: int | None = 4
    "Falls in a row after which a program that was never steady is given up; None: none is ever given up."
    grace: float = 10.0
    "Time between asking a program to end and killing it."


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    pump: "_Pump"
    falls: int = 0
    proven: bool = False
    "True if it has been steady once."
    restart_at: float | None = None
    "Time to start it again; None while it runs."


class Supervisor:
    """Keeps programs running. `start` them, call `tend` a few times a second, and `stop` at the end."""

    def __init__(self, sink: Sink, patience: Patience | None = None, line_of: Callable[[str], str] = str) -> None:
        """`line_of` makes a line of the supervisor's own words, as the programs make theirs."""
        self._sink, self._line_of = sink, line_of
        self._patience = patience or Patience()
        self._children: dict[str, _Child] = {}

    def grant(self, seconds: float) -> None:
        """Gives programs at least this long to end when they are asked to."""
        self._patience = replace(self._patience, grace=max(self._patience.grace, seconds))

    def endure(self) -> None:
        """From now on no program is given up, however often it falls."""
        self._patience = replace(self._patience, max_falls=None)

    def start(self, program: Program) -> None:
        self._children[program.name] = self._spawn(program)

    def pids(self) -> dict[str, int]:
        """The process id of every program that runs now, by name. May be asked from any thread."""
        return {
            name: child.process.pid
            for name, child in list(self._children.items())
            if child.restart_at is None and child.process.returncode is None
        }

    def tend(self) -> None:
        """Restarts programs that have ended. Raises `GaveUp` for one that cannot stay up."""
        for child in list(self._children.values()):
            if child.restart_at is None and child.process.poll() is not None:
                self._fallen(child)
            elif child.restart_at is not None and time.monotonic() >= child.restart_at:
                again = self._spawn(child.program)
                again.falls, again.proven = child.falls, child.proven
                self._children[child.program.name] = again

    def stop(self) -> None:
        """Ends everything, group by group: asks first, then kills. Returns when nothing is left."""
        for group in sorted({child.program.group for child in self._children.values()}, reverse=True):
            self._end([child for child in self._children.values() if child.program.group == group])
        self._children.clear()

    def _spawn(self, program: Program) -> _Child:
        process = launcher.spawn(
            program.command,
            env=dict(program.env),
            cwd=program.cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return _Child(program, process, time.monotonic(), _Pump(program, process, self._sink))

    def _fallen(self, child: _Child) -> None:
        _kill_group(child.process)  # what it started must not work beside its successor
        lived = time.monotonic() - child.started
        steady = lived >= self._patience.steady
        child.proven = child.proven or steady
        child.falls = 1 if steady else child.falls + 1
        if not child.proven and self._patience.max_falls is not None and child.falls >= self._patience.max_falls:
            child.pump.join(PUMP_SECONDS)
            raise GaveUp(child.program.name, child.pump.last_words)
        pause = min(self._patience.longest_pause, self._patience.first_pause * 2 ** min(child.falls - 1, MAX_DOUBLINGS))
        child.restart_at = time.monotonic() + pause
        how = _ending(child.process.returncode)
        again = f", fall {child.falls} in a row" if child.falls > 1 else ""
        self._say(child, f"{how} after {lived:.0f} s{again}; starting it again in {pause:g} s")

    def _say(self, child: _Child, text: str) -> None:
        self._sink(child.program.name, self._line_of(text))

    def _end(self, members: list[_Child]) -> None:
        children = [child for child in members if child.restart_at is None]  # the others have ended already
        for child in children:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + self._patience.grace
        for child in children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(child, "did not end when asked to; killed")
        for child in children:
            _kill_group(child.process)
            child.process.wait()
            child.pump.join(PUMP_SECONDS)


class _Pump(threading.Thread):
    """Carries what a program writes to the sink, line by line, so that a full pipe never blocks it."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], sink: Sink) -> None:
        super().__init__(daemon=True)
        assert process.stdout is not None
        self._program, self._lines, self._sink = program, process.stdout, sink
        self._trouble = self._last = ""
        self.start()

    @property
    def last_words(self) -> str:
        """The last line that names an error, else the last one with a word in it."""
        return self._trouble or self._last

    def run(self) -> None:
        with self._lines as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                if self._program.noise is None or not self._program.noise.search(text):
                    self._heed(text)
                    self._sink(self._program.name, text)

    def _heed(self, text: str) -> None:
        if TROUBLE.match(text):
            self._trouble = text
        if re.search(r"\w", text):
            self._last = text


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the program and all it started; the session it leads has its process id."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # nobody is left
