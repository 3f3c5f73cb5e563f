"""Waiting for a state, never for a clock."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 90.0) -> T:
    """What `look` returns once that is true. The limit only ends a hopeless wait."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for {look}"
        time.sleep(0.02)
    return found


def processes_with(variable: str, value: str) -> list[int]:
    """Ids of the living processes that were started with this in their environment."""
    wanted = f"{variable}={value}".encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _has(entry, wanted)]


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet collected does not."""
    try:
        return (Path(f"/proc/{pid}/stat")).read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _has(entry: Path, wanted: bytes) -> bool:
    try:
        return wanted in (entry / "environ").read_bytes().split(b"\0") and int(entry.name) != os.getpid()
    except OSError:
        return False
