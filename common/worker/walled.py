"""Runs one of our own programs that reads a stranger's file, within walls, and returns what it says.

The program may crash, hang, or run out of memory without harm.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from common import launcher
from common.errors import BadMedia, Retryable
from common.walls.environment import OF_PYTHON, environment
from common.walls.rules import SOURCES, Walls
from common.worker.steprun import Child

NO_MEMORY = ("MemoryError", "Memory allocation")
"Last words of Python and of numpy when there is none left."
TIMEOUT = 120.0
"Seconds of the clock, on a machine that has other things to do."


class Work(Protocol):
    """What a program is run for: a step, usually (`StepRun`)."""

    @property
    def workdir(self) -> Path:
        """The folder in which the program is at home."""
        ...

    def check(self) -> None: ...

    def adopt(self, child: Child) -> Callable[[], None]: ...


def told(module: str, arguments: Sequence[str], walls: Walls, run: Work) -> dict[str, Any]:
    """The JSON that `module` prints, run as a program with these arguments; its own `problem` is a `BadMedia`.

    Raises `BadMedia` also when it crashes or meets a limit, for which the file is to blame; when somebody kills it,
    nobody is (`Retryable`). Raises `Stopped` when the step is called off meanwhile.
    """
    run.check()
    process = _start([sys.executable, "-m", module, *arguments], walls, run)
    release = run.adopt(process)
    try:
        answer, complaint = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise BadMedia("the file takes too long to read") from None
    finally:
        process.kill()
        process.communicate()
        release()
    run.check()
    if process.returncode == -signal.SIGKILL:
        raise Retryable("the program that looks into the file was killed")
    if process.returncode < 0 or any(sign in complaint for sign in NO_MEMORY):
        raise BadMedia("the file cannot be read with the memory and time it may take")
    if process.returncode > 0:
        raise RuntimeError(f"{module} ended with code {process.returncode}: {complaint[-500:]}")
    facts: dict[str, Any] = json.loads(answer)
    if "problem" in facts:
        raise BadMedia(str(facts["problem"]))
    return facts


def _start(program: Sequence[str], walls: Walls, run: Work) -> subprocess.Popen[str]:
    return launcher.spawn(
        program,
        walls=walls,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=run.workdir,
        env=environment(run.workdir, PYTHONPATH=str(SOURCES), **OF_PYTHON),
    )
