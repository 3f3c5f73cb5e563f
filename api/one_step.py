"""Jobs of one step, which are answered while their request waits: accepted, waited for, and told how they came out."""

from collections.abc import Callable
from typing import Any, NamedTuple

from api.errors import Conflict, Unknown
from api.records import Records
from api.submission import Submissions
from api.views.film_state import facts_of
from api.waiting import wait_until
from common.contracts.base import Contract
from common.contracts.job import COMPLETED, Job
from common.contracts.job_kinds import JobKind
from common.contracts.names import StepName
from common.jobs.ids import new_job_ids
from common.jobs.store import RequestStore


class OneStepKind(NamedTuple):
    """A kind of job of one step, and the words for it: the `sentence` is `spoken`."""

    kind: JobKind
    step: StepName
    what: str
    done: str


class Outcome(NamedTuple):
    """What a job has come to when the time of its request is up."""

    job_id: str
    view: dict[str, Any] | None
    "None while it is not finished."


class OneStepJobs:
    """The use cases of a kind of job of one step. `view` shows a job that is completed, and the facts of its step.

    Every job is reached through its owner.
    """

    def __init__(
        self,
        about: OneStepKind,
        store: RequestStore,
        records: Records,
        submissions: Submissions,
        view: Callable[[Job, Any], dict[str, Any]],
    ) -> None:
        self._about, self._store, self._records, self._submissions = about, store, records, submissions
        self._view = view

    def ask(
        self,
        owner: str,
        wanted: Contract,
        title: str,
        seconds: float,
        key: str = "",
        check: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Makes a job, unless this request made one under the same key, and waits up to `seconds` for it.

        `check` raises for a request that must not become a job. Raises `Conflict` if the job has ended without a
        result, `Unknown` if it is the job of a key and no longer kept, and what `Submissions.accept` raises.
        """
        job_id = self._submissions.answered(owner, wanted, key) or self._accept(owner, wanted, title, key, check)
        job = wait_until(self._store, job_id, lambda job: False, seconds)
        if job is None:
            raise Unknown("no_longer_kept", "the job that this key made is no longer kept; ask again with a new key")
        return Outcome(job_id, self._shown(job) if job.terminal else None)

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        """The view of a job that is completed. Raises `Conflict` while it is not, and if it never will be."""
        return self._shown(self._records.version_of(self._records.job(owner, job_id), version))

    def facts(self, owner: str, job_id: str) -> Any:
        """The facts of the step, as `result` raises."""
        return self._facts(self._records.job(owner, job_id))

    def _accept(self, owner: str, wanted: Contract, title: str, key: str, check: Callable[[], None]) -> str:
        check()
        (job_id,) = new_job_ids()
        job = self._submissions.new_job(owner, job_id, wanted, self._about.kind, title)
        return self._submissions.accept(owner, job, wanted, key).answer

    def _shown(self, job: Job) -> dict[str, Any]:
        return self._view(job, self._facts(job))

    def _facts(self, job: Job) -> Any:
        if job.state == COMPLETED:
            return facts_of(job.steps[self._about.step])
        _, _, what, done = self._about
        if job.terminal:
            why = job.failure.message if job.failure else f"it was {job.state}"
            raise Conflict(job.failure.code if job.failure else job.state, f"the {what} was not {done}: {why}")
        raise Conflict("not_finished", f"the {what} is not {done} yet (the job is {job.state})")
