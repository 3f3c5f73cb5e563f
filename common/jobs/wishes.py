"""Writes of the API: jobs that are asked for, and wishes for jobs that are there."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from common.contracts.base import ObjectRef
from common.contracts.job import INTERACTIVE, QUEUED, Job
from common.contracts.job_kinds import JOB_KINDS, JobKind
from common.errors import InvalidRequest, ReelwrightError
from common.jobs.reads import Reads
from common.jobs.reopening import Reopening, Revision, WishOutcome, resumed, revised
from common.jobs.scripts import milliseconds

REQUEST_KEY_SECONDS = 24 * 3600
"An idempotency key is remembered for so long."
RETRY_SECONDS = 10
"A client is asked to wait so long when there is no room; a job ends about that often on a busy machine."


class KeyReused(ReelwrightError):
    """An idempotency key came again with another body."""

    code = "idempotency_key_reused"


class TooManyJobs(ReelwrightError):
    """There is no room for what was asked. `scope` says whose: `owner` or `server`."""

    code = "too_many_jobs"

    def __init__(self, scope: str, limit: int) -> None:
        full = "you may have {} unfinished jobs" if scope == "owner" else "{} jobs may wait on this server"
        super().__init__(f"{full.format(limit)}, and this would be more; try again when some have ended")
        self.scope, self.limit = scope, limit
        self.retry_after = RETRY_SECONDS


class Created(NamedTuple):
    answer: str
    "The job, or the batch, that the request made; for a repeated idempotency key what it made the first time."
    replayed: bool


class Limits(NamedTuple):
    """The most jobs that may wait on this server, and the most unfinished ones of one owner; 0 is no limit."""

    waiting: int = 0
    of_owner: int = 0


NO_LIMITS = Limits()


class RequestKey(NamedTuple):
    """An idempotency key, and the digest of the request that it came with."""

    key: str = ""
    digest: str = ""


NO_KEY = RequestKey()


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be made. `timeout` is what it may take once let in, `patience` what it may wait for that, in seconds."""

    id: str
    request: ObjectRef
    timeout: float
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    kind: str = JobKind.FILM
    lane: str = INTERACTIVE
    patience: float = 24 * 3600.0


class Wishes(Reads):
    """The writes of the API. A wish wakes the reconciler, which makes it come true."""

    def create(
        self,
        owner: str,
        jobs: Sequence[NewJob],
        *,
        answer: str,
        request_key: str = "",
        request_digest: str = "",
        limits: Limits = NO_LIMITS,
    ) -> Created:
        """Makes jobs that start by themselves: all of them or, when there is no room, none (`TooManyJobs`).

        A known `request_key` gives the answer it gave the first time; with another body, `KeyReused`.
        """
        if smallest := min((limit for limit in limits if 0 < limit < len(jobs)), default=0):
            raise InvalidRequest("requests", f"this server takes at most {smallest} requests at once; send fewer")
        heads = [{"id": job.id, "head": _new_head(owner, job)} for job in jobs]
        outcome, known = self.scripts.run(
            "create",
            owner,
            json.dumps(heads),
            answer,
            request_key,
            request_digest,
            REQUEST_KEY_SECONDS,
            limits.waiting,
            limits.of_owner,
        )
        _raise_if_refused(outcome, limits)
        return Created(known, outcome == WishOutcome.REPLAYED)

    def answered(self, owner: str, request_key: str, request_digest: str) -> str | None:
        """The answer that the very same request got under this key; None for a new key. Raises `KeyReused`."""
        names = ["digest", "answer"]
        digest, answer = self.scripts.ask(lambda client: client.hmget(f"request:{owner}:{request_key}", names))
        if digest not in (None, request_digest):
            _raise_if_refused("key_reused", NO_LIMITS)
        return answer

    def remember(self, owner: str, request: RequestKey, answer: str) -> None:
        """Keeps the answer to a request that changed nothing. Raises `KeyReused`."""
        outcome, _ = self.scripts.run("remember", owner, *request, answer, REQUEST_KEY_SECONDS)
        _raise_if_refused(outcome, NO_LIMITS)

    def wish_cancel(self, job_id: str) -> str | None:
        """Records the wish; returns the state the job is in now, or None when it is unknown."""
        return self.scripts.run("cancel", job_id) or None

    def resume(self, job_id: str, limits: Limits = NO_LIMITS, request: RequestKey = NO_KEY) -> WishOutcome:
        """Makes a job that failed, was cancelled or is partial run on; what is done stays done.

        A partial job gets a new version, so that its film stays readable.

        `OK`, `UNKNOWN`, `NOT_ENDED`, `COMPLETED`, `REPLAYED` or `UNARCHIVED`. Raises `TooManyJobs` and `KeyReused`.
        """
        return self._reopen(job_id, resumed, limits, request)

    def revise(
        self,
        job_id: str,
        version: int,
        revision: Revision,
        limits: Limits = NO_LIMITS,
        request: RequestKey = NO_KEY,
    ) -> WishOutcome:
        """Gives the job a new version. `version` is the one that the revision was made for.

        `OK`, `UNKNOWN`, `STALE`, `UNPLANNED`, `CANCELLING`, `REPLAYED` or `UNARCHIVED`. Raises `TooManyJobs` and
        `KeyReused`.
        """
        return self._reopen(job_id, lambda job: revised(job, version, revision), limits, request)

    def seed_work(self, owner: str, facts: Mapping[str, str], seconds: int) -> None:
        """Makes results known that an archived job has, so that a restored version need not make them again.

        `facts` are those of each fingerprint.
        """

        def write(client: Any) -> None:
            with client.pipeline(transaction=False) as pipe:
                for fingerprint, text in facts.items():
                    pipe.set(f"work:{owner}:{fingerprint}", text, nx=True, ex=seconds)
                pipe.execute()

        self.scripts.ask(write)

    def _reopen(
        self, job_id: str, decide: Callable[[Job], Reopening | WishOutcome], limits: Limits, request: RequestKey
    ) -> WishOutcome:
        """Decides again as long as the job changes in the meantime."""
        while True:
            job = self.load(job_id)
            if job is None:
                return WishOutcome.UNKNOWN
            reopening = decide(job)
            if isinstance(reopening, WishOutcome):
                return reopening
            outcome = self._write_reopening(job, reopening, limits, request)
            if outcome != WishOutcome.CONFLICT:
                return outcome

    def _write_reopening(self, job: Job, reopening: Reopening, limits: Limits, request: RequestKey) -> WishOutcome:
        answer = str(reopening.head.get("version", job.version))
        change = {
            "wish": reopening.wish,
            "head": reopening.head,
            "steps": reopening.steps,
            "saved": job.decisions,
            "most_waiting": limits.waiting,
            "most_of_owner": limits.of_owner,
            "request": {**request._asdict(), "answer": answer, "seconds": REQUEST_KEY_SECONDS},
        }
        rev = job.rev if job.terminal or reopening.steps else -1
        outcome = self.scripts.run("reopen", job.id, rev, job.version, int(job.terminal), json.dumps(change))
        _raise_if_refused(outcome, limits)
        return WishOutcome(outcome)


def _new_head(owner: str, job: NewJob) -> dict[str, Any]:
    return {
        "owner": owner,
        "state": QUEUED,
        "kind": job.kind,
        "aside": int(not JOB_KINDS[job.kind].listed),
        "lane": job.lane,
        "request": job.request.model_dump_json(),
        "title": job.title,
        "metadata": json.dumps(job.metadata),
        "timeout": milliseconds(job.timeout),
        "patience": milliseconds(job.patience),
        "rev": 0,
        "saved": 0,
        "version": 1,
        "cancel": 0,
        "pins": "{}",
        "seq": 0,
        "token": 0,
    }


def _raise_if_refused(outcome: str, limits: Limits) -> None:
    if outcome == "key_reused":
        raise KeyReused("this Idempotency-Key was used before with another request; use a new key")
    if outcome == "owner_full":
        raise TooManyJobs("owner", limits.of_owner)
    if outcome == "server_full":
        raise TooManyJobs("server", limits.waiting)
