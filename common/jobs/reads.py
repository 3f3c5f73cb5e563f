"""Reads of jobs, for everybody. Nothing here changes anything."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from common.contracts.job import LANES, Event, Job
from common.jobs.record import Reader, event_of, job_of
from common.jobs.scripts import Part, milliseconds
from common.net.breaker import open_breakers
from common.net.tally import calls

AT_ONCE = 200
"Values that Redis is asked for together."


class Reads(Part):
    """Jobs, their steps and events, and the results of finished work."""

    def load(self, job_id: str, reader: Reader | None = None) -> Job | None:
        """The record. With a `reader` that has read it before, what has not changed is the same object."""
        fields = self.scripts.ask(lambda client: client.hgetall(f"job:{job_id}"))
        return job_of(job_id, fields, reader) if fields else None

    def load_now(self, job_id: str, reader: Reader | None = None) -> tuple[Job | None, int]:
        """The record, and the time when it was read."""
        fields, now = self.scripts.ask_with_time(lambda pipe: pipe.hgetall(f"job:{job_id}"))
        return job_of(job_id, fields, reader) if fields else None, now

    def events(self, job_id: str, after: int = 0, limit: int = 200) -> list[Event]:
        """The events that follow number `after`, oldest first."""
        rows = self.scripts.ask(lambda client: client.xrange(f"job:{job_id}:ev", min=f"({after}-0", count=limit))
        return [event_of(entry, fields) for entry, fields in rows]

    def latest_events(self, job_id: str, limit: int = 50) -> list[Event]:
        """The newest events, oldest of them first."""
        rows = self.scripts.ask(lambda client: client.xrevrange(f"job:{job_id}:ev", count=limit))
        return [event_of(entry, fields) for entry, fields in reversed(rows)]

    def wait_for_event(self, job_id: str, after: int, seconds: float) -> None:
        """Returns when an event follows number `after`, or after so many seconds, which must be fewer than the time-out
        of the connection.
        """
        self.scripts.ask(
            lambda client: client.xread(
                {f"job:{job_id}:ev": f"{after}-0"}, count=1, block=max(1, milliseconds(seconds))
            )
        )

    def jobs(self, owner: str, before: str, limit: int) -> list[str]:
        """Ids, newest first; `before` is the last one of the page before, or empty."""
        top = f"({before}" if before else "+"
        found = self.scripts.ask(lambda client: client.zrevrangebylex(f"jobs:{owner}", top, "-", start=0, num=limit))
        return list(found)

    def active(self) -> list[str]:
        """Ids of all jobs that have not ended, in order."""
        return sorted(self.scripts.ask(lambda client: client.smembers("active")))

    def known_work(self, owner: str, fingerprints: Iterable[str]) -> dict[str, str | None]:
        """For each fingerprint the facts of work already done, or None."""
        names = list(fingerprints)
        facts = self._values([f"work:{owner}:{name}" for name in names])
        return dict(zip(names, facts, strict=True))

    def all_known_work(self) -> Iterator[str]:
        """The facts of all results that are known for reuse, of every owner.

        Like `all_records` this is read in small batches: what comes or goes meanwhile may be among them or not.
        """
        for keys in self.scripts.in_batches(lambda client: client.scan_iter("work:*", AT_ONCE), AT_ONCE):
            yield from (facts or "" for facts in self._values(keys))

    def all_records(self) -> Iterator[tuple[Mapping[str, str], bool]]:
        """The raw fields of each job's record, and of its specs; each with True if the job is archived."""
        for keys in self.scripts.in_batches(lambda client: client.scan_iter("job:*", AT_ONCE, "hash"), AT_ONCE):
            yield from self._with_ends(keys)

    def loads(self, queues: Iterable[str]) -> dict[str, int]:
        """By queue, the number of steps that are ready or running."""
        names = list(queues)

        def ask(client: Any) -> Any:
            with client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.scard(f"load:{name}")
                return pipe.execute()

        return dict(zip(names, self.scripts.ask(ask), strict=True))

    def jobs_by_lane(self) -> dict[str, int]:
        """By lane, the number of jobs that were let in; under an empty name those that wait for that."""

        def ask(client: Any) -> Any:
            with client.pipeline(transaction=False) as pipe:
                pipe.scard("active")
                for lane in LANES:
                    pipe.scard(f"running:{lane}")
                return pipe.execute()

        active, *running = self.scripts.ask(ask)
        return {"": max(0, active - sum(running)), **dict(zip(LANES, running, strict=True))}

    def overdue(self) -> float:
        """Seconds for which the job that is due longest has waited for a reconciler; 0 if none has."""
        first, now = self.scripts.ask_with_time(lambda pipe: pipe.zrange("due", 0, 0, withscores=True))
        return max(0.0, (now - first[0][1]) / 1000) if first else 0.0

    def speech_calls(self) -> Mapping[tuple[str, str], int]:
        """How often speech services were called, by service and outcome."""
        return self.scripts.ask(calls)

    def open_breakers(self) -> Mapping[str, bool]:
        """The circuit breakers that have opened, by name; True while they let nothing through."""
        return self.scripts.ask(open_breakers)

    def now(self) -> int:
        """Milliseconds of Redis' clock, the only clock that counts."""
        return self.scripts.now()

    def ping(self) -> None:
        """Raises `StateUnavailable` unless Redis answers."""
        self.scripts.ask(lambda client: client.ping())

    def _values(self, keys: list[str]) -> list[str | None]:
        return list(self.scripts.ask(lambda client: client.mget(keys))) if keys else []

    def _with_ends(self, keys: list[str]) -> Iterator[tuple[Mapping[str, str], bool]]:
        def read(client: Any) -> Any:
            with client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.hgetall(key)
                return pipe.execute()

        def read_ends(client: Any) -> Any:
            with client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.sismember("active", key.split(":")[1])
                    pipe.zscore("archive", key.split(":")[1])
                return pipe.execute()

        records = self.scripts.ask(read)
        # Asked afterwards: whatever was archived by now has a manifest that can still be read.
        ends = self.scripts.ask(read_ends)
        for record, active, waits in zip(records, ends[::2], ends[1::2], strict=True):
            yield record, not active and waits is None
