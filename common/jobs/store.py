"""The job record in Redis. Every write is one Lua script, so it happens whole or not at all.

Who writes what: the API `create` and the wishes (`wish_cancel`, `resume`, `revise`); workers `claim`, `beat`,
`commit`, `fail`, `release` to their own step, and `lost` for a process of theirs that died; the reconciler `admit`,
`save` and `dispatch`; the janitor `archived` and `forget`. Each script may be sent twice (a reply can get lost) and
has the same outcome.
"""

import functools
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.contracts.base import ObjectRef, fingerprint
from common.contracts.job import (
    COMPLETED,
    DONE,
    FAILED,
    INTERACTIVE,
    JOB_MOVES,
    LANES,
    PARTIAL,
    QUEUED,
    REGENERATE,
    SKIPPED,
    STEP_MOVES,
    TERMINAL,
    WAITING,
    Change,
    Event,
    Failure,
    Job,
    Pins,
    Step,
    WorkerInfo,
)
from common.contracts.names import Kind, StepName
from common.contracts.steps import LATE, STEP_KINDS
from common.errors import InvalidRequest, ReelwrightError
from common.jobs.record import Reader, event_of, job_of, pins_json, worker_of
from common.settings import Settings

REQUEST_KEY_SECONDS = 24 * 3600
"How long an idempotency key is remembered."
RETRY_SECONDS = 10
"What a client is told to wait when there is no room; a job ends about that often on a busy machine."
SHORTEST_SLEEP = 0.01
"Seconds; to Redis 0 is for ever."
PAGE = 500
OFFER_MS = 24 * 3600 * 1000
CONFLICT = "conflict"
NO_STEP = Step("")
REFUSALS = re.compile(r"\b(OOM|MISCONF|READONLY|LOADING|BUSY|NOREPLICAS|MASTERDOWN)\b")
"Answers of a Redis that is there but cannot write now, out of a script or plain."
REFUSED = (redis.exceptions.OutOfMemoryError, redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)
"The client turns some of them into errors of their own, without the word."


class StateUnavailable(ReelwrightError):
    """Redis does not answer, or refuses to write."""

    code = "state_unavailable"


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
    """How many jobs may wait on this server, and how many of one owner may be there at all; 0 is no limit."""

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
    lane: str = INTERACTIVE
    patience: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a step, until the lease ends."""

    job_id: str
    step: str
    owner: str
    token: int
    attempt: int
    work: str
    spec: str
    "What to do, as JSON of the kind's spec."
    nonce: str = ""
    last: bool = False
    "No other step waits in the queue, and none of the same kind is still to come in this job."


def connect(settings: Settings, timeout: float = 2.0) -> "JobStore":
    """A store on its own connection pool. It gives up after `timeout` seconds and never retries by itself."""
    client = redis.Redis.from_url(
        settings.state_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=10,
        decode_responses=True,
        protocol=2,
    )
    return JobStore(client)


class JobStore:
    """Jobs, their steps and events. Raises `StateUnavailable` whenever Redis does not do as asked."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._scripts: dict[str, Any] = {}
        self._lock = threading.Lock()

    # the API's writes

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
        outcome, known = self._run(
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
        return Created(known, outcome == "replayed")

    def answered(self, owner: str, request_key: str, request_digest: str) -> str | None:
        """What the very same request was answered under this key; None for a new key. Raises `KeyReused`."""
        names = ["digest", "answer"]
        digest, answer = self._ask(lambda: self.client.hmget(f"request:{owner}:{request_key}", names))
        if digest not in (None, request_digest):
            _raise_if_refused("key_reused", NO_LIMITS)
        return answer

    def remember(self, owner: str, request: RequestKey, answer: str) -> None:
        """Keeps what a request was answered that changed nothing. Raises `KeyReused`."""
        outcome, _ = self._run("remember", owner, *request, answer, REQUEST_KEY_SECONDS)
        _raise_if_refused(outcome, NO_LIMITS)

    def wish_cancel(self, job_id: str) -> str | None:
        """Records the wish; returns the state the job is in now, or None when it is unknown."""
        state = self._run("cancel", job_id)
        return state or None

    def resume(self, job_id: str, limits: Limits = NO_LIMITS, request: RequestKey = NO_KEY) -> str:
        """Makes a job that failed, was cancelled or is partial run on; what is done stays done.

        A partial job gets a new version, so that its film stays readable.

        `ok`, `unknown`, `not_ended`, `completed`, `replayed` (the key of the `request` is known: `answered` has the
        version), or `unarchived`: it must be archived before. Raises `TooManyJobs` and `KeyReused`.
        """
        while True:
            job = self.load(job_id)
            if job is None:
                return "unknown"
            if not job.terminal:
                return "not_ended"
            if job.state == COMPLETED:
                return "completed"
            head: dict[str, Any] = {"pins": pins_json(replace(job.pins, left_out={}))}
            if job.state == PARTIAL and job.storyboard is not None:
                # The film that was delivered stays a version of its own, whatever becomes of a better one.
                base = job.storyboard.model_dump_json()
                head |= {"version": job.version + 1, "base": base, "edit": "", "storyboard": ""}
            change = {"wish": "resume", "head": head, "steps": _fresh_attempts(job)}
            outcome = self._reopen(job, change, limits, request)
            if outcome != CONFLICT:
                return outcome

    def revise(
        self,
        job_id: str,
        version: int,
        *,
        cause: str,
        base: ObjectRef,
        edit: ObjectRef | None,
        pins: Pins | None = None,
        cast: str | None = None,
        limits: Limits = NO_LIMITS,
        request: RequestKey = NO_KEY,
    ) -> str:
        """Gives the job a new version: `base` with the changes of `edit`. `version` is the one they were made for.

        `pins` and `cast` (facts of the casting) replace those of the job, so that a restored version comes out as it
        was. `ok`, `unknown`, `stale` (there is a newer version), `unplanned` (this version has no storyboard yet that
        could be edited), `cancelling`, `replayed` (the key of the `request` is known: `answered` has the version), or
        `unarchived`: an ended version must be archived before. Raises `TooManyJobs` and `KeyReused`.
        """
        while True:
            job = self.load(job_id)
            if job is None:
                return "unknown"
            if job.version != version:
                same = job.version == version + 1 and (job.base, job.edit) == (base, edit)
                return "ok" if same else "stale"
            if job.storyboard is None and edit is not None:
                return "unplanned"
            kept = replace(job.pins, left_out={}) if pins is None else pins
            head = {
                "version": version + 1,
                "base": base.model_dump_json(),
                "edit": edit.model_dump_json() if edit is not None else "",
                "storyboard": "",
                "pins": pins_json(kept),
            }
            steps = _fresh_attempts(job) if job.terminal else {}
            if cast is not None:
                steps[StepName.of(Kind.CAST)] = {
                    "state": DONE,
                    "facts": cast,
                    "work": fingerprint(Kind.CAST, cast),
                    "done": 1,
                }
            if job.terminal:
                head["lane"] = REGENERATE
            outcome = self._reopen(job, {"wish": cause, "head": head, "steps": steps}, limits, request)
            if outcome != CONFLICT:
                return outcome

    def _reopen(self, job: Job, change: dict[str, Any], limits: Limits, request: RequestKey) -> str:
        """`CONFLICT` when the job has moved since it was loaded."""
        change |= {"saved": job.decisions, "most_waiting": limits.waiting, "most_of_owner": limits.of_owner}
        version = change["head"].get("version", job.version)
        change["request"] = {**request._asdict(), "answer": str(version), "seconds": REQUEST_KEY_SECONDS}
        rev = job.rev if job.terminal or change["steps"] else -1
        outcome = self._run("reopen", job.id, rev, job.version, int(job.terminal), json.dumps(change))
        _raise_if_refused(outcome, limits)
        return str(outcome)

    # the workers' writes

    def claim(
        self, job_id: str, step: str, *, nonce: str, worker: str, lease: float, queue: str, offer: str
    ) -> Claim | str:
        """Takes a ready step. Returns the claim, or in one word why not."""
        reply = self._run("claim", job_id, step, nonce, worker, _ms(lease), queue, offer)
        if reply[0] != "claimed":
            return str(reply[0])
        _, token, attempt, work, owner, spec, last = reply
        return Claim(job_id, step, owner, int(token), int(attempt), work, spec, nonce, last == "1")

    def beat(self, claim: Claim, lease: float, done: float) -> str:
        """Renews the lease: `ok`, `lost` (somebody else has the step) or `called_off`."""
        return str(self._run("beat", claim.job_id, claim.step, claim.token, _ms(lease), done))

    def commit(self, claim: Claim, facts: str, reuse: int) -> str:
        """Makes `facts` the result of the step, and for `reuse` seconds of the same work in any other job.

        `ok`; `known` when another job's attempt at the same work was first, whose facts count; `lost` when the claim
        is no longer valid.
        """
        return str(self._run("commit", claim.job_id, claim.step, claim.token, facts, reuse))

    def fail(self, claim: Claim, failure: Failure) -> bool:
        """Reports that this attempt failed. False when the claim is no longer valid."""
        return bool(self._run("fail", claim.job_id, claim.step, claim.token, failure.model_dump_json()) == "ok")

    def release(self, claim: Claim) -> bool:
        """Hands the step back unfinished; it is ready at once and nothing is counted. False when the claim is over."""
        queue = STEP_KINDS[StepName(claim.step).kind].queue
        return bool(self._run("release", claim.job_id, claim.step, claim.token, queue) == "ok")

    def lost(self, job_id: str, step: str, worker: str) -> bool:
        """Ends the lease of a worker that is known to be dead. False when it held none on this step."""
        return self._run("lost", job_id, step, worker) == 1

    # the reconciler's writes

    def admit(self, places: int) -> int:
        """Lets waiting jobs in, up to `places` running ones per lane (0: any number). Returns how many."""
        return int(self._run("admit", places))

    def take_due(self, limit: int, hold: float) -> list[str]:
        return list(self._run("take", "due", limit, _ms(hold)))

    def look_later(self, job_id: str, seconds: float) -> None:
        """Puts off the next look at a job, unless it is due even later."""
        self._run("look_later", job_id, _ms(seconds))

    def save(self, job: Job, change: Change, ending: Mapping[str, Any] | None = None) -> bool:
        """Saves a decision made for `job`; False when the job has changed under it since it was loaded.

        `ending` goes into the record of the version.
        """
        seen = {name: job.steps.get(name, NO_STEP) for name in change.steps}
        # A look that changes nothing has the time to repair what got lost; any other only moves what it changed.
        ready = {name: queue for name, queue in change.ready.items() if name in change.steps or not change.steps}
        decision = {
            "rev": job.rev,
            "token": job.token,
            "saved": job.decisions,
            "version": job.version,
            "cancel": int(job.cancel),
            "head": dict(change.head),
            "waiting": _kinds_waiting(job, change),
            "steps": {name: dict(patch) for name, patch in change.steps.items()},
            "seen": {name: [step.state if step is not NO_STEP else "", step.token] for name, step in seen.items()},
            "specs": dict(change.specs),
            "ready": ready,
            "unready": dict(change.unready),
            "events": [{"type": kind, "data": json.dumps(data)} for kind, data in change.events],
            "known": [f"work:{job.owner}:{work}" for work in change.forget],
            "ending": dict(ending or {}),
            "look": change.look,
        }
        return self._run("save", job.id, json.dumps(decision)) == 1

    def dispatch(self, rooms: Mapping[str, int], again: float) -> list[tuple[str, str, str]]:
        """Picks steps to hint, fairly, up to so many for each queue: queue, job and step of each pick.

        None of them is picked again for `again` seconds.
        """
        free = [part for queue, room in rooms.items() if room > 0 for part in (queue, room)]
        flat = self._run("dispatch", _ms(again), *free) if free else []
        return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))

    def wait_for_wake(self, seconds: float) -> None:
        """Sleeps until a script wakes the reconcilers or the next job is due, at most `seconds`."""
        first, now = self._with_now(lambda pipe: pipe.zrange("due", 0, 0, withscores=True))
        pause = min(seconds, (first[0][1] - now) / 1000) if first else seconds
        if pause > 0:
            self._ask(lambda: self.client.blpop(["wake"], timeout=max(pause, SHORTEST_SLEEP)))

    def purge(self, job_id: str) -> None:
        """Takes a job that has ended, or has no record, off the lists of those that run."""
        self._run("purge", job_id)

    def revive(self) -> int:
        """Gives every active job back what it lost: its next look, its place. Returns how many jobs are active."""

        def scan() -> int:
            count = 0
            for jobs in self._pages("active"):
                self._run("revive", *jobs)
                count += len(jobs)
            for owners in self._pages("owners"):
                self._run("mend", *owners)
            return count

        return self._ask(scan)

    # ended jobs

    def to_archive(self, limit: int, hold: float) -> list[str]:
        """Ended jobs without a manifest; each is given out again after `hold` seconds, until it is `archived`."""
        return list(self._run("take", "archive", limit, _ms(hold)))

    def archived(self, job_id: str, rev: int, keep_seconds: float) -> bool:
        """Says that revision `rev` of an ended job is in storage. False when the job has changed since."""
        return self._run("archived", job_id, rev, _ms(keep_seconds)) == 1

    def expired(self, limit: int) -> list[str]:
        now = self.now()
        return list(self._ask(lambda: self.client.zrangebyscore("expiry", "-inf", now, start=0, num=limit)))

    def forget(self, job_id: str) -> bool:
        """Removes an archived job whose time is over. False when it must stay."""
        return self._run("forget", job_id) == 1

    def record(self, job_id: str) -> dict[str, str] | None:
        """The raw fields of the record, for a manifest."""
        return self._ask(lambda: self.client.hgetall(f"job:{job_id}")) or None

    def put_back(self, job_id: str, owner: str, fields: Mapping[str, str], keep_seconds: float = 86_400.0) -> bool:
        """Makes the record of a forgotten job anew. False when it is there."""
        flat = [part for pair in fields.items() for part in pair]
        return self._run("put_back", job_id, owner, _ms(keep_seconds), *flat) == 1

    # reads

    def load(self, job_id: str, reader: Reader | None = None) -> Job | None:
        """The record. With a `reader` that has read it before, what has not changed is the same object."""
        fields = self._ask(lambda: self.client.hgetall(f"job:{job_id}"))
        return job_of(job_id, fields, reader) if fields else None

    def load_now(self, job_id: str, reader: Reader | None = None) -> tuple[Job | None, int]:
        """The record, and the time when it was read."""
        fields, now = self._with_now(lambda pipe: pipe.hgetall(f"job:{job_id}"))
        return job_of(job_id, fields, reader) if fields else None, now

    def events(self, job_id: str, after: int = 0, limit: int = 200) -> list[Event]:
        rows = self._ask(lambda: self.client.xrange(f"job:{job_id}:ev", min=f"({after}-0", count=limit))
        return [event_of(entry, fields) for entry, fields in rows]

    def latest_events(self, job_id: str, limit: int = 50) -> list[Event]:
        """The newest events, oldest of them first."""
        rows = self._ask(lambda: self.client.xrevrange(f"job:{job_id}:ev", count=limit))
        return [event_of(entry, fields) for entry, fields in reversed(rows)]

    def jobs(self, owner: str, before: str, limit: int) -> list[str]:
        """Ids, newest first; `before` is the last one of the page before, or empty."""
        top = f"({before}" if before else "+"
        return list(self._ask(lambda: self.client.zrevrangebylex(f"jobs:{owner}", top, "-", start=0, num=limit)))

    def seed_work(self, owner: str, facts: Mapping[str, str], seconds: int) -> None:
        """Makes results known that an archived job has, so that a restored version need not make them again."""

        def write() -> None:
            with self.client.pipeline(transaction=False) as pipe:
                for work, text in facts.items():
                    pipe.set(f"work:{owner}:{work}", text, nx=True, ex=seconds)
                pipe.execute()

        self._ask(write)

    def known_work(self, owner: str, works: Iterable[str]) -> dict[str, str | None]:
        """For each fingerprint the facts of work already done, or None."""
        names = list(works)
        if not names:
            return {}
        found = self._ask(lambda: self.client.mget([f"work:{owner}:{work}" for work in names]))
        return dict(zip(names, found, strict=True))

    def now(self) -> int:
        """Milliseconds of Redis' clock, the only clock that counts."""
        return _now(self._ask(lambda: self.client.time()))

    def ping(self) -> None:
        self._ask(lambda: self.client.ping())

    # workers

    def register(self, worker: WorkerInfo, seconds: float) -> None:
        """Says that the worker lives, for the next `seconds`."""
        now = self.now()
        about = json.dumps({"service": worker.service, "slots": worker.slots, "engines": dict(worker.engines)})
        offers = {f"{kind} {offer}": now for kind, offer in worker.engines.get("offers", {}).items()}

        def write() -> None:
            with self.client.pipeline(transaction=True) as pipe:
                pipe.zadd("workers", {worker.id: now + _ms(seconds)})
                pipe.hset("worker_info", worker.id, about)
                if offers:
                    pipe.zadd("offers", offers)
                    pipe.zremrangebyscore("offers", "-inf", now - OFFER_MS)
                pipe.execute()

        self._ask(write)

    def unregister(self, worker_id: str) -> None:
        self._ask(lambda: (self.client.zrem("workers", worker_id), self.client.hdel("worker_info", worker_id)))

    def workers(self) -> list[WorkerInfo]:
        """Workers that live; what the dead said of themselves is removed."""
        now = self.now()
        for gone in self._ask(lambda: self.client.zrangebyscore("workers", "-inf", now)):
            self.unregister(gone)
        names = self._ask(lambda: self.client.zrangebyscore("workers", f"({now}", "+inf"))
        if not names:
            return []
        rows = self._ask(lambda: self.client.hmget("worker_info", names))
        return [worker_of(name, json.loads(row)) for name, row in zip(names, rows, strict=True) if row]

    def offers(self) -> dict[str, dict[str, int]]:
        """When each offer was last made, in milliseconds: kind -> offer -> time. Old ones are forgotten."""
        found: dict[str, dict[str, int]] = {}
        for member, seen in self._ask(lambda: self.client.zrange("offers", 0, -1, withscores=True)):
            kind, _, offer = member.partition(" ")
            found.setdefault(kind, {})[offer] = int(seen)
        return found

    # plumbing

    def _pages(self, name: str) -> Iterator[list[str]]:
        """The members of a set, some hundred at a time; whoever comes or goes meanwhile may be among them or not."""
        cursor = -1
        while cursor:
            cursor, members = self.client.sscan(name, max(cursor, 0), count=PAGE)
            if members:
                yield members

    def _with_now(self, ask: Callable[[Any], Any]) -> tuple[Any, int]:
        """The answer to what `ask` puts into a pipeline, and the time, for one trip to Redis."""

        def both() -> Any:
            with self.client.pipeline(transaction=False) as pipe:
                ask(pipe)
                return pipe.time().execute()

        answer, now = self._ask(both)
        return answer, _now(now)

    def _run(self, name: str, *arguments: Any) -> Any:
        return self._ask(lambda: self._script(name)(args=arguments))

    def _script(self, name: str) -> Any:
        with self._lock:
            if name not in self._scripts:
                self._scripts[name] = self.client.register_script(_source(name))
            return self._scripts[name]

    def _ask(self, call: Any) -> Any:
        try:
            return call()
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise StateUnavailable("the state store does not answer") from error
        except redis.ResponseError as error:
            if isinstance(error, REFUSED) or REFUSALS.search(str(error)):
                raise StateUnavailable("the state store cannot write now") from error
            raise


@functools.cache
def _source(name: str) -> str:
    folder = Path(__file__).parent / "lua"
    return constants() + (folder / "_prelude.lua").read_text() + (folder / f"{name}.lua").read_text()


def constants() -> str:
    """The tables of the contracts as Lua, so that scripts and decisions go by the same ones."""
    return "".join(
        f"local {name} = {table}\n"
        for name, table in {
            "TERMINAL": _lua_set(TERMINAL),
            "WEIGHT": _lua_table({lane: str(weight) for lane, weight in LANES.items()}),
            "LATE": _lua_set(LATE),
            "JOB_MOVES": _lua_moves(JOB_MOVES, QUEUED),
            "STEP_MOVES": _lua_moves(STEP_MOVES, WAITING),
        }.items()
    )


def _lua_moves(moves: Mapping[str, frozenset[str]], initial: str) -> str:
    """`initial` is the state of what has none yet."""
    return _lua_table({"initial": f"'{initial}'"} | {state: _lua_set(to) for state, to in moves.items()})


def _lua_set(names: Iterable[str]) -> str:
    return _lua_table(dict.fromkeys(sorted(names), "true"))


def _lua_table(rows: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{name} = {value}' for name, value in rows.items())} }}"


def _now(time: tuple[int, int]) -> int:
    """Milliseconds, of the seconds and microseconds that Redis says."""
    seconds, micros = time
    return int(seconds) * 1000 + int(micros) // 1000


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _new_head(owner: str, job: NewJob) -> dict[str, Any]:
    return {
        "owner": owner,
        "state": QUEUED,
        "lane": job.lane,
        "request": job.request.model_dump_json(),
        "title": job.title,
        "metadata": json.dumps(job.metadata),
        "timeout": _ms(job.timeout),
        "patience": _ms(job.patience),
        "rev": 0,
        "saved": 0,
        "version": 1,
        "cancel": 0,
        "pins": "{}",
        "seq": 0,
        "token": 0,
    }


def _kinds_waiting(job: Job, change: Change) -> str:
    """The kinds of which steps wait for others once the change is made, separated by spaces."""
    states = {name: step.state for name, step in job.steps.items()}
    states |= {name: patch["state"] for name, patch in change.steps.items() if "state" in patch}
    return " ".join(sorted({StepName(name).kind for name, state in states.items() if state == WAITING}))


def _fresh_attempts(job: Job) -> dict[str, dict[str, Any]]:
    """Patches that let every step that was given up be tried again, and forget how often others got lost."""
    fresh = {"state": WAITING, "attempt": 0, "losses": 0, "not_before": 0, "failure": ""}
    patches: dict[str, dict[str, Any]] = {name: {"losses": 0} for name, step in job.steps.items() if step.losses}
    return patches | {name: dict(fresh) for name, step in job.steps.items() if step.state in (FAILED, SKIPPED)}


def _raise_if_refused(outcome: str, limits: Limits) -> None:
    if outcome == "key_reused":
        raise KeyReused("this Idempotency-Key was used before with another request; use a new key")
    if outcome == "owner_full":
        raise TooManyJobs("owner", limits.of_owner)
    if outcome == "server_full":
        raise TooManyJobs("server", limits.waiting)
