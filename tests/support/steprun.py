"""A step to run handlers in, without a queue or a lease."""

from pathlib import Path

from common.storage.memory import MemoryStorage
from common.storage.port import Storage
from common.worker.steprun import Attempt, Places, StepRun


def step_run(
    workdir: Path, storage: Storage | None = None, step: str = "test", toolchain: str = "", ticket: str = ""
) -> StepRun:
    """`ticket` is that of an earlier run, after which the work went on elsewhere."""
    places = Places(storage or MemoryStorage(), "assets", "videos", workdir)
    return StepRun(Attempt("local", "job_test", step, "0" * 32, toolchain, ticket=ticket), places)
