"""Carrying out a wish for a new version once: the protocol of all of them.

1. A request that was answered before (the same idempotency key) gets the same answer again.
2. Otherwise it is decided, for the newest version of the job, what the next one is made of, or that nothing changes.
3. The new version is written, unless somebody has written another one since that decision. Then a wish that names no
   version is decided anew, and a wish that names one is refused.
4. The answer is remembered under the key. It waits for the plan, so that it can name the steps that are done again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.edit.waiting import is_planned, soon_planned
from api.errors import Conflict, Stale, changing, unknown_job
from api.records import Records
from api.views.status import steps_view
from common.contracts.job import Job
from common.contracts.names import Kind, StepName
from common.jobs.reopening import Revision, WishOutcome
from common.jobs.store import RequestStore
from common.jobs.wishes import Limits, RequestKey

TRIES = 10
"So often a wish that names no version is decided anew, when others change the video in the same moment."
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for a new version of a job."""

    owner: str
    job_id: str
    version: int | None
    "The version somebody looked at before wishing for changes; None: whichever is the newest."
    request: RequestKey
    "The idempotency key, with all that was asked."


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A decision: what the next version of a job is made of."""

    job: Job
    "In its newest version, for which this was decided."
    revision: Revision


@dataclass(frozen=True, slots=True)
class NoChange:
    """A decision: all is as wished already."""

    job: Job
    "In its newest version."
    why: str


Decide = Callable[[], NewVersion | NoChange]
"Decides for the version that is the newest now. Raises the error that the client gets, if it cannot."


class Once:
    """Carries out wishes."""

    def __init__(self, store: RequestStore, records: Records, limits: Limits) -> None:
        self._store, self._records, self._limits = store, records, limits

    def carry_out(self, wish: Wish, decide: Decide) -> Answer:
        """The answer to the wish. Raises `Conflict` if the job cannot be changed now, and `KeyReused` if the key of
        the wish came with another request before.
        """
        known = self._records.answered(wish.owner, wish.request)
        if known is None:
            try:
                return self._first_answer(wish, decide)
            except Conflict:
                # It may have come twice at once, and the other one was faster.
                known = self._records.answered(wish.owner, wish.request)
                if known is None:
                    raise
        return self._repeated_answer(wish, *known)

    def _first_answer(self, wish: Wish, decide: Decide) -> Answer:
        if wish.version is not None:
            return self._settle(wish, decide())
        for _ in range(TRIES):
            try:
                return self._settle(wish, decide())
            except Stale:
                pass  # another version came in between
        raise changing()

    def _settle(self, wish: Wish, decision: NewVersion | NoChange) -> Answer:
        """Writes and remembers what was decided. Raises `Stale` when that was for a version of the past."""
        version = decision.job.version
        if isinstance(decision, NoChange):
            self._records.remember(wish.owner, wish.request, version, changed=False)
            return _unchanged(wish, version, f"{decision.why}; there is no new version")
        self._write(wish, decision)
        self._records.remember(wish.owner, wish.request, version + 1, changed=True)
        return self._changed(wish, version + 1, "accepted")

    def _write(self, wish: Wish, new: NewVersion) -> None:
        outcome = self._records.change(
            wish.owner,
            wish.job_id,
            lambda: self._store.revise(wish.job_id, new.job.version, new.revision, self._limits, wish.request),
        )
        if outcome == WishOutcome.UNKNOWN:
            raise unknown_job(wish.job_id)
        if outcome == WishOutcome.CANCELLING:
            raise Conflict("cancelled", "the job is being cancelled; change it when it has ended")
        if outcome != WishOutcome.OK:
            check_version(self._records.film(wish.owner, wish.job_id), new.job.version)
            raise changing()

    def _repeated_answer(self, wish: Wish, version: int, changed: bool) -> Answer:
        self._records.film(wish.owner, wish.job_id)  # it may be gone by now
        if not changed:
            return _unchanged(wish, version, f"known already: this changed nothing, and left version {version}")
        return self._changed(wish, version, "known already: this is the version your key made")

    def _changed(self, wish: Wish, version: int, word: str) -> Answer:
        """The answer for a new version; it names the steps that are done again if the plan is there soon."""
        job = soon_planned(self._store, wish.job_id, version)
        if job is not None and job.version == version and is_planned(job):
            steps = steps_view(job)
            # A search that runs again may find something else, and what shows that is made anew.
            sure = all(StepName(name).kind != Kind.SEARCH for name in steps["running_again"])
            message = f"{word}; {len(steps['reused'])} steps are {'' if sure else 'expected to be '}reused"
        else:
            steps = None
            message = f"{word}; what is done again is in the status once the version is planned"
        return {"job_id": wish.job_id, "version": version, "changed": True, "steps": steps, "message": message}


def check_version(job: Job, version: int | None) -> None:
    """Raises `Stale` unless the job, in its newest version, has the one that is meant (None: any)."""
    if version not in (None, job.version):
        raise Stale(f"version {version} is not the newest; that is {job.version}")


def _unchanged(wish: Wish, version: int, message: str) -> Answer:
    return {"job_id": wish.job_id, "version": version, "changed": False, "steps": None, "message": message}
