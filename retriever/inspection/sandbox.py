"""Inspects a stranger's file in a process of its own, which may crash, hang or run out of memory without harm."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from common import launcher
from common.errors import BadMedia, Retryable
from common.walls.environment import OF_PYTHON, environment
from common.walls.rules import SOURCES, Walls
from common.worker.steprun import StepRun
from retriever.inspection.program import Picture

TIMEOUT = 120.0
MAX_MEMORY = 3 * 1024**3
MAX_CPU_SECONDS = 60


def probe(path: Path, media_type: str, run: StepRun) -> Picture:
    """Raises `BadMedia` when the file cannot be shown, `Stopped` when the step is called off meanwhile.

    At its limits, and when it crashes, the file is to blame; when somebody kills it, nobody is (`Retryable`).
    """
    run.check()
    process = _start(path, media_type, run)
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
    if process.returncode < 0:
        raise BadMedia("the file cannot be read with the memory and time it may take")
    if process.returncode > 0:
        raise RuntimeError(f"the inspection ended with code {process.returncode}: {complaint[-500:]}")
    facts = json.loads(answer)
    if "problem" in facts:
        raise BadMedia(facts["problem"])
    return Picture(**facts | {"focus": tuple(facts["focus"])})


def _start(path: Path, media_type: str, run: StepRun) -> subprocess.Popen[str]:
    look = [sys.executable, "-m", "retriever.inspection.program", str(path), media_type]
    return launcher.spawn(
        look,
        walls=Walls(MAX_MEMORY, MAX_CPU_SECONDS, read=[path], code=["common", "retriever"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=run.workdir,
        env=environment(run.workdir, PYTHONPATH=str(SOURCES), **OF_PYTHON),
    )
