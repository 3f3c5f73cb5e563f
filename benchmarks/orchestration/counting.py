"""Notes of the work of each part, read as figures."""

import functools
import operator
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis

from common.contracts.job import TERMINAL, Change, Job
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from orchestrator.job_cache import JobCache
from orchestrator.reconciler import Reconciler

OURS = "cmdstat_info"
"The command that only our reading uses."


@dataclass(frozen=True)
class Reading:
    """The figures so far or, as a difference, between two moments."""

    seconds: float
    reconciler: float
    "Processor seconds, as `workers` and `redis`."
    workers: float
    redis: float
    looks: int
    "Looks at jobs, by the reconciler."
    reads: int
    "Reads of stored objects, by the reconciler."
    calls: Counter[str]
    "Calls of the store, by caller and method."
    commands: Counter[str]
    "Commands that Redis carried out, those within scripts too."
    done: int
    "Steps done."
    memory: int
    "Bytes that Redis uses, without what it holds for its clients and its log."

    def since(self, before: "Reading") -> "Reading":
        pairs = {name: (value, getattr(before, name)) for name, value in vars(self).items()}
        return Reading(**{name: now - then for name, (now, then) in pairs.items()})

    @property
    def cpu(self) -> float:
        return self.reconciler + self.workers + self.redis


def total(readings: Sequence[Reading]) -> Reading:
    """The sum of differences; at least one."""
    names = vars(readings[0])
    return Reading(**{name: functools.reduce(operator.add, (vars(one)[name] for one in readings)) for name in names})


class Log:
    """The events so far, in lists, because many threads write to them."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.reads: list[str] = []
        self.calls: list[str] = []
        self.done: list[str] = []
        self.planned: list[str] = []
        "Jobs whose storyboard has been seen."
        self.ended: list[str] = []
        "Final state of each job that ended."
        self.reconciling = 0.0
        "Processor seconds that the reconciler's thread has used."

    def read(self, client: redis.Redis) -> Reading:
        """The figures so far. To be called by the thread that started the others; its own use is left out."""
        cpu, memory, commands = client.info("cpu"), client.info("memory"), client.info("commandstats")
        reconciling = self.reconciling
        return Reading(
            seconds=time.monotonic(),
            reconciler=reconciling,
            # The use of the threads that keep leases alive belongs to the workers, too.
            workers=time.process_time() - time.thread_time() - reconciling,
            redis=cpu["used_cpu_sys"] + cpu["used_cpu_user"],
            looks=len(self.looks),
            reads=len(self.reads),
            calls=Counter(self.calls),
            commands=Counter({name: about["calls"] for name, about in commands.items() if name != OURS}),
            done=len(self.done),
            memory=memory["used_memory"] - memory["mem_clients_normal"] - memory["mem_aof_buffer"],
        )


class NotedStorage:
    """The part of an object store that the reconciler uses, with its reads noted."""

    def __init__(self, storage: MemoryStorage, log: Log) -> None:
        self._storage, self._log = storage, log

    def get_bytes(self, bucket: str, key: str) -> bytes:
        self._log.reads.append(key)
        return self._storage.get_bytes(bucket, key)


class NotedStore:
    """A job store whose calls are noted, and the results of the decisions it saves."""

    def __init__(self, store: JobStore, who: str, log: Log) -> None:
        self._store, self._who, self._log = store, who, log

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def noted(*arguments: Any, **named: Any) -> Any:
            self._log.calls.append(f"{self._who} {name}")
            return method(*arguments, **named)

        return noted

    def save(self, job: Job, change: Change, ending: Mapping[str, Any] | None = None) -> bool:
        self._log.calls.append(f"{self._who} save")
        saved = self._store.save(job, change, ending)
        if saved and "storyboard" in change.head:
            self._log.planned.append(job.id)
        if saved and change.head.get("state") in TERMINAL:
            self._log.ended.append(change.head["state"])
        return saved


class NotedReconciler(Reconciler):
    """A reconciler whose looks and reads are noted."""

    def __init__(self, log: Log, settings: Settings, store: Any, storage: MemoryStorage, hints: Any) -> None:
        super().__init__(settings, store, cast(Any, NotedStorage(storage, log)), hints)
        self._log = log

    def decide_and_save(self, job_id: str, cache: JobCache) -> None:
        self._log.looks.append(job_id)
        super().decide_and_save(job_id, cache)
