"""Inspects a stranger's file in a process of its own, within walls."""

from pathlib import Path

from common.walls.rules import Walls
from common.worker.steprun import StepRun
from common.worker.walled import told
from retriever.inspection.program import Picture

MAX_MEMORY = 2 * 1024**3
"Bytes of address space; the largest pictures and videos that are let in take half of it."
MAX_CPU_SECONDS = 60


def probe(path: Path, media_type: str, run: StepRun) -> Picture:
    """Raises `BadMedia` when the file cannot be shown, and what `told` raises."""
    walls = Walls(MAX_MEMORY, MAX_CPU_SECONDS, read=[path], code=["common", "retriever"])
    facts = told("retriever.inspection.program", [str(path), media_type], walls, run)
    return Picture(**facts | {"focus": tuple(facts["focus"])})
