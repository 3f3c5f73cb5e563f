"""Names of jobs and batches. Sorted as text, they are in the order of time."""

import re
import secrets
import time

JOB_ID = re.compile(r"job_[0-9a-f]{32}")
BATCH_ID = re.compile(r"batch_[0-9a-f]{32}")


def new_job_ids(count: int = 1) -> list[str]:
    """New names, sorted."""
    return sorted(f"job_{_digits()}" for _ in range(count))


def new_batch_id() -> str:
    return f"batch_{_digits()}"


def _digits() -> str:
    """12 hexadecimal digits of milliseconds (enough for some thousand years) and 20 that nobody can guess."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
