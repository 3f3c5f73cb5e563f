"""Waiting until a new version is planned."""

from api.waiting import wait_until
from common.contracts.job import Job
from common.jobs.store import RequestStore

PLAN_SECONDS = 3.0
"Longest wait; an answer without the plan cannot name the steps that are done again."


def soon_planned(store: RequestStore, job_id: str, version: int) -> Job | None:
    """The job as soon as this version of it is planned; as it is after a few seconds if that takes longer.

    Returns at once when there is nothing to wait for: the job has ended, is gone (None) or has another version.
    """
    return wait_until(store, job_id, lambda job: job.version != version or is_planned(job), PLAN_SECONDS)


def is_planned(job: Job) -> bool:
    """True if the record shows which steps are done again; without the storyboard it has only few of them."""
    return job.decided_version >= job.version and job.storyboard is not None
