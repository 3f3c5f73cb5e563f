"""Looks into a stranger's file from a process of its own, which may crash, hang or eat memory for all we care."""

import json
import os
import subprocess
import sys
from pathlib import Path

import common
from common import launcher
from common.errors import BadMedia
from common.jobs.steprun import StepRun
from retriever.inspection import Picture

TIMEOUT = 120.0


def probe(path: Path, media_type: str, run: StepRun) -> Picture:
    """Raises `BadMedia` when the file cannot be shown, `Stopped` when the step is called off meanwhile."""
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
    if process.returncode < 0:
        raise BadMedia("the file cannot be read with the memory and time it may take")
    if process.returncode > 0:
        raise RuntimeError(f"the inspection ended with code {process.returncode}: {complaint[-500:]}")
    facts = json.loads(answer)
    if "problem" in facts:
        raise BadMedia(facts["problem"])
    return Picture(**facts)


def _start(path: Path, media_type: str, run: StepRun) -> subprocess.Popen[str]:
    root = Path(common.__file__).parents[1]
    starter = [sys.executable, "-I", "-S", str(Path(launcher.__file__)), str(os.getpid())]
    return subprocess.Popen(
        [*starter, sys.executable, "-m", "retriever.inspection", str(path), media_type],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=run.workdir,
        # No key or address of ours is in its environment.
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(run.workdir), "PYTHONPATH": str(root)},
        start_new_session=True,
    )
