"""The job record in Redis. Every write is one Lua script, so it happens whole or not at all.

Who writes what: the API `create` and `wish_cancel`; workers `claim`, `beat`, `commit`, `fail` to their
own step; the reconciler `save` and `dispatch`. Each script may be sent twice (a reply can get lost)
and has the same outcome.
"""

import functools
import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.contracts.base import ObjectRef
from common.contracts.job import Change, Event, Failure, Job, Step, WorkerInfo
from common.errors import ReelwrightError
from common.settings import Settings

REQUEST_KEY_SECONDS = 24 * 3600
"How long an idempotency key is remembered."
STEP = "step:"
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


class Created(NamedTuple):
    job_id: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a step, until the lease ends."""

    job_id: str
    step: str
    owner: str
    token: int
    attempt: int
    work: str


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
        job_id: str,
        owner: str,
        *,
        request: ObjectRef,
        timeout: float,
        title: str = "",
        metadata: Mapping[str, Any] | None = None,
        request_key: str = "",
        request_digest: str = "",
    ) -> Created:
        """Makes a job that starts by itself. A known `request_key` gives the job it made; another body, `KeyReused`."""
        head = {
            "owner": owner,
            "state": "queued",
            "request": request.model_dump_json(),
            "title": title,
            "metadata": json.dumps(metadata or {}),
            "rev": 0,
            "version": 1,
            "cancel": 0,
            "build": "",
            "pins": "{}",
            "finished": 0,
            "seq": 0,
            "token": 0,
        }
        outcome, known = self._run(
            "create", job_id, owner, json.dumps(head), _ms(timeout), request_key, request_digest, REQUEST_KEY_SECONDS
        )
        if outcome == "key_reused":
            raise KeyReused("this Idempotency-Key was used before with another body; use a new key")
        return Created(known, outcome == "replayed")

    def wish_cancel(self, job_id: str) -> str | None:
        """Records the wish; returns the state the job is in now, or None when it is unknown."""
        state = self._run("wish", job_id)
        return state or None

    # the workers' writes

    def claim(
        self, job_id: str, step: str, *, nonce: str, worker: str, lease: float, queue: str, build: str = ""
    ) -> Claim | str:
        """Takes a ready step. Returns the claim, or in one word why not."""
        reply = self._run("claim", job_id, step, nonce, worker, _ms(lease), queue, build)
        if reply[0] != "claimed":
            return str(reply[0])
        _, token, attempt, work, owner = reply
        return Claim(job_id, step, owner, int(token), int(attempt), work)

    def beat(self, claim: Claim, lease: float, done: float) -> str:
        """Renews the lease: `ok`, `lost` (somebody else has the step) or `called_off`."""
        return str(self._run("beat", claim.job_id, claim.step, claim.token, _ms(lease), done))

    def commit(self, claim: Claim, facts: str, reuse: int) -> bool:
        """Makes `facts` the result of the step; False when the claim is no longer valid.

        For `reuse` seconds they are the result of the same work in any other job, too.
        """
        return bool(self._run("commit", claim.job_id, claim.step, claim.token, facts, reuse) == "ok")

    def fail(self, claim: Claim, failure: Failure) -> bool:
        """Reports that this attempt failed. False when the claim is no longer valid."""
        return bool(self._run("fail", claim.job_id, claim.step, claim.token, failure.model_dump_json()) == "ok")

    # the reconciler's writes

    def take_due(self, limit: int, hold: float) -> list[str]:
        return list(self._run("take", limit, _ms(hold)))

    def save(self, job: Job, change: Change) -> bool:
        """Saves a decision made for `job`; False when the job has changed since it was loaded."""
        decision = {
            "head": dict(change.head),
            "steps": {name: dict(patch) for name, patch in change.steps.items()},
            "ready": dict(change.ready),
            "unready": dict(change.unready),
            "events": [{"type": kind, "data": json.dumps(data)} for kind, data in change.events],
            "look": change.look,
        }
        return self._run("save", job.id, job.rev, json.dumps(decision)) == 1

    def dispatch(self, queue: str, room: int, again: float) -> list[tuple[str, str]]:
        """Picks up to `room` steps to hint, fairly; none of them is picked again for `again` seconds."""
        if room <= 0:
            return []
        flat = self._run("dispatch", queue, room, _ms(again))
        return list(zip(flat[::2], flat[1::2], strict=True))

    def wait_for_wake(self, seconds: int) -> None:
        """Sleeps until a script wakes the reconcilers, at most `seconds`."""
        self._ask(lambda: self.client.blpop(["wake"], timeout=seconds))

    def revive(self) -> int:
        """Makes every active job that has lost its next look due again. Returns how many jobs are active."""

        def scan() -> int:
            count = 0
            for job_id in self.client.sscan_iter("active", count=500):
                self.client.zadd("due", {job_id: 0}, nx=True)
                count += 1
            return count

        return self._ask(scan)

    # reads

    def load(self, job_id: str) -> Job | None:
        fields = self._ask(lambda: self.client.hgetall(f"job:{job_id}"))
        return _job(job_id, fields) if fields else None

    def events(self, job_id: str, after: int = 0, limit: int = 200) -> list[Event]:
        rows = self._ask(lambda: self.client.xrange(f"job:{job_id}:ev", min=f"({after}-0", count=limit))
        return [_event(entry, fields) for entry, fields in rows]

    def latest_events(self, job_id: str, limit: int = 50) -> list[Event]:
        """The newest events, oldest of them first."""
        rows = self._ask(lambda: self.client.xrevrange(f"job:{job_id}:ev", count=limit))
        return [_event(entry, fields) for entry, fields in reversed(rows)]

    def jobs(self, owner: str, before: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        """Newest first, `(created ms, id)`; `before` is the last pair of the page before."""
        top = f"{before[0]}" if before else "+inf"
        rows: list[tuple[int, str]] = []
        start = 0
        while len(rows) < limit:
            page = self._ask(
                lambda offset=start: self.client.zrevrangebyscore(
                    f"jobs:{owner}", top, "-inf", start=offset, num=limit + 1, withscores=True
                )
            )
            pairs = [(int(score), str(name)) for name, score in page]
            rows += [pair for pair in pairs if before is None or pair < before]
            start += len(pairs)
            if len(pairs) <= limit:
                break
        return rows[:limit]

    def known_work(self, owner: str, works: Iterable[str]) -> dict[str, str | None]:
        """For each fingerprint the facts of work already done, or None."""
        names = list(works)
        if not names:
            return {}
        found = self._ask(lambda: self.client.mget([f"work:{owner}:{work}" for work in names]))
        return dict(zip(names, found, strict=True))

    def now(self) -> int:
        """Milliseconds of Redis' clock, the only clock that counts."""
        seconds, micros = self._ask(lambda: self.client.time())
        return int(seconds) * 1000 + int(micros) // 1000

    def ping(self) -> None:
        self._ask(lambda: self.client.ping())

    # workers

    def register(self, worker: WorkerInfo, seconds: float) -> None:
        """Says that the worker lives, for the next `seconds`."""
        until = self.now() + _ms(seconds)
        about = json.dumps({"service": worker.service, "slots": worker.slots, "engines": dict(worker.engines)})

        def write() -> None:
            with self.client.pipeline(transaction=True) as pipe:
                pipe.zadd("workers", {worker.id: until})
                pipe.hset("worker_info", worker.id, about)
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
        return [_worker(name, json.loads(row)) for name, row in zip(names, rows, strict=True) if row]

    # plumbing

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
    return (folder / "_prelude.lua").read_text() + (folder / f"{name}.lua").read_text()


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _job(job_id: str, fields: Mapping[str, str]) -> Job:
    head = json.loads(fields["head"])
    pins = json.loads(head["pins"])
    return Job(
        id=job_id,
        owner=head["owner"],
        state=head["state"],
        request=ObjectRef.model_validate_json(head["request"]),
        created=head["created"],
        deadline=head["deadline"],
        title=head["title"],
        metadata=json.loads(head["metadata"]),
        rev=head["rev"],
        version=head["version"],
        cancel=bool(head["cancel"]),
        pins=pins,
        failure=_failure(head.get("failure")),
        finished=head["finished"],
        seq=head["seq"],
        token=head["token"],
        steps={key[len(STEP) :]: _step(key, text) for key, text in sorted(fields.items()) if key.startswith(STEP)},
    )


def _step(key: str, text: str) -> Step:
    data = json.loads(text)
    return Step(
        name=key[len(STEP) :],
        state=data["state"],
        work=data.get("work", ""),
        attempt=data["attempt"],
        losses=data.get("losses", 0),
        token=data["token"],
        lease=data["lease"],
        not_before=data["not_before"],
        done=data["done"],
        facts=data.get("facts", ""),
        failure=_failure(data.get("failure")),
        reused=bool(data.get("reused")),
        worker=data.get("worker", ""),
    )


def _failure(text: str | None) -> Failure | None:
    return Failure.model_validate_json(text) if text else None


def _event(entry: str, fields: Mapping[str, str]) -> Event:
    return Event(int(entry.partition("-")[0]), int(fields["at"]), fields["type"], json.loads(fields["data"]))


def _worker(name: str, about: Mapping[str, Any]) -> WorkerInfo:
    return WorkerInfo(name, about["service"], about["slots"], about["engines"])
