"""Waiting for a state, never for a clock."""

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


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet collected does not."""
    try:
        return (Path(f"/proc/{pid}/stat")).read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
