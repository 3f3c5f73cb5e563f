"""A step to run handlers in, without a queue or a lease."""

from pathlib import Path

from common.storage.memory import MemoryStorage
from common.storage.port import Storage
from common.worker.steprun import StepRun


def step_run(workdir: Path, storage: Storage | None = None, step: str = "test") -> StepRun:
    return StepRun(
        owner="local",
        job_id="job_test",
        step=step,
        work="0" * 32,
        storage=storage or MemoryStorage(),
        buckets=("assets", "videos"),
        workdir=workdir,
    )
