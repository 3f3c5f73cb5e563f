"""Waiting, for as long as a request may take, until something has come of a job."""

import time
from collections.abc import Callable

from common.contracts.job import Job
from common.jobs.scripts import StateUnavailable
from common.jobs.store import RequestStore

LOOK_SECONDS = 0.25
"Longest pause between two looks: not every change of a record is an event."


def wait_until(store: RequestStore, job_id: str, ready: Callable[[Job], bool], seconds: float) -> Job | None:
    """The job as soon as it is `ready` or has ended, or as it is after `seconds`. None: it is gone.

    A store that does not answer for a moment is waited for, too; raises `StateUnavailable` if it does not in time.
    """
    give_up = time.monotonic() + seconds
    while True:
        left = give_up - time.monotonic()
        try:
            job = store.load(job_id)
            if job is None or job.terminal or ready(job) or left <= 0:
                return job
            store.wait_for_event(job_id, job.seq, min(left, LOOK_SECONDS))
        except StateUnavailable:
            if left <= 0:
                raise
            time.sleep(min(left, LOOK_SECONDS))
