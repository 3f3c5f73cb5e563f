"""Use cases of one job: start, follow, stop, resume, list."""

from typing import Any

from api.errors import Conflict, FieldError, Unknown, changing, raise_if_any, unknown_job
from api.records import Records, keyed
from api.submission import Submissions
from api.views.status import status_view, summary_view
from common.contracts.job import CANCELLED, COMPLETED, TERMINAL, Job
from common.contracts.job_kinds import kind_of_job
from common.contracts.request import VideoRequest
from common.documents import UnreadableDocument
from common.errors import ReelwrightError
from common.jobs.ids import new_job_ids
from common.jobs.reopening import WishOutcome
from common.jobs.store import RequestStore
from common.jobs.wishes import Created, RequestKey

PAGE = 100
MOST_LOOKED_AT = 200
"Jobs that one listing reads; a reader of rare ones gets short pages and goes on."


class Jobs:
    """The use cases of jobs. Every job is reached through its owner."""

    def __init__(self, store: RequestStore, records: Records, submissions: Submissions) -> None:
        self._store, self._records, self._submissions = store, records, submissions

    def faults(self, owner: str, request: VideoRequest) -> list[FieldError]:
        """The faults of a request that only this server can see."""
        return self._submissions.checks(owner).of_request(request)

    def accept(self, owner: str, request: VideoRequest, key: str = "") -> Created:
        """Makes a job of a request."""
        # First of all: what was accepted once stays so, even if a voice or a file has gone since.
        if known := self._submissions.answered(owner, request, key):
            return Created(known, replayed=True)
        raise_if_any(self.faults(owner, request))
        (job_id,) = new_job_ids()
        return self._submissions.accept(owner, self._submissions.new_film(owner, job_id, request), request, key)

    def status(self, owner: str, job_id: str, after: int | None = None) -> dict[str, Any]:
        """The state, with the newest log lines, or with those that follow event number `after`."""
        job = self._records.job(owner, job_id)
        return status_view(job, self._records.plan(job), self._records.events(job, after))

    def cancel(self, owner: str, job_id: str) -> tuple[str, bool]:
        """Asks for the end of a job. Returns the state it is in now, and whether somebody had asked before."""
        job = self._records.job(owner, job_id)
        if job.state in TERMINAL - {CANCELLED}:
            raise Conflict("already_ended", f"the job has already ended ({job.state}) and cannot be cancelled")
        return self._store.wish_cancel(job_id) or job.state, job.cancel or job.terminal

    def resume(self, owner: str, job_id: str, key: str = "") -> tuple[int, bool]:
        """Makes a job that ended without a whole film run on: only what is missing is done.

        Returns the version that runs, and whether this is a repeat of a request with the same idempotency key.
        """
        job, request = self._records.job(owner, job_id), keyed(key, "resume", job_id)
        known = self._records.answered(owner, request)
        if known is None:
            outcome = self._resumed(owner, job, request)
            if outcome == WishOutcome.OK:
                return self._records.job(owner, job_id).version, False
            known = self._records.answered(owner, request)  # it may have come twice at once
        if known is None:
            raise not_resumed(job_id, outcome)
        return known[0], True

    def _resumed(self, owner: str, job: Job, request: RequestKey) -> WishOutcome:
        """The outcome of the store. A job that will not run again is not brought back for it."""
        if not job.terminal:
            return WishOutcome.NOT_ENDED
        if job.state == COMPLETED:
            return WishOutcome.COMPLETED
        return self._records.change(
            owner, job.id, lambda: self._store.resume(job.id, self._submissions.limits, request)
        )

    def page(self, owner: str, before: str, limit: int, state: str) -> tuple[list[dict[str, Any]], str]:
        """Up to `limit` jobs older than `before`, newest first, and where the next page begins (empty: nowhere).

        Fewer, and yet a next page, when jobs in `state` are so rare that it looked at enough others.
        """
        views: list[dict[str, Any]] = []
        for _ in range(MOST_LOOKED_AT // PAGE):
            names = self._records.ids(owner, before, PAGE)
            for before in names:
                job = self._listed(owner, before)
                if job is not None and state in ("", job.state):
                    views.append(summary_view(job, self._records.outline(job)))
                if len(views) == limit:
                    return views, before
            if len(names) < PAGE:
                return views, ""
        return views, before

    def _listed(self, owner: str, job_id: str) -> Job | None:
        try:
            job = self._records.job(owner, job_id)
        except (Unknown, UnreadableDocument):  # forgotten since it was listed, or damaged: it must not hide the others
            return None
        return job if kind_of_job(job.kind).listed else None


def not_resumed(job_id: str, outcome: WishOutcome) -> ReelwrightError:
    """The error for an outcome of the store that is no success."""
    if outcome == WishOutcome.UNKNOWN:
        return unknown_job(job_id)
    if outcome == WishOutcome.NOT_ENDED:
        return Conflict("still_running", "the job has not ended; there is nothing to resume")
    if outcome == WishOutcome.COMPLETED:
        return Conflict("completed", "the job is completed; nothing of it is missing")
    return changing()
