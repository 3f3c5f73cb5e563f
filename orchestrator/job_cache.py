"""The memory of the reconciler: values that the last look at each job read and computed. Changes no decision."""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

from common.contracts.base import ObjectRef
from common.errors import ObjectMissing, StorageUnavailable
from common.jobs.record import Reader
from common.storage.port import Storage
from orchestrator.engine.memo import Memo

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MOST_JOBS = 1_000
"Jobs whose last look is remembered."
MOST_BYTES = 32_000_000
"Bytes of stored objects remembered with them; values made from these take more than ten times as much."
READERS = 8
"Stored objects read at once."


@dataclass
class JobCache:
    """The values kept of one job between two looks."""

    reader: Reader = field(default_factory=Reader)
    memo: Memo = field(default_factory=Memo)
    bodies: dict[str, bytes] = field(default_factory=dict)
    "Stored objects the job needs, by key; they never change."
    seen: set[str] = field(default_factory=set)
    "Keys of objects that were looked for and found."
    defects: int = 0
    "Looks in a row that met an error of ours."
    rested: float = 0.0
    "The job is not looked at before this time of the monotonic clock."


class JobCaches:
    """The caches of all jobs, within a bound; and the reads of stored objects that fill them.

    Reads raise `StorageUnavailable`; after the first of a look, no other read is tried before the next look begins.
    """

    def __init__(self, storage: Storage, bucket: str) -> None:
        self._storage, self._bucket = storage, bucket
        self._caches: OrderedDict[str, JobCache] = OrderedDict()
        self._bytes = 0
        "Bytes of stored objects in all caches."
        self._readers = ThreadPoolExecutor(READERS, "read")
        self._away = False

    def begin(self) -> None:
        """Begins a new look: the object store may answer again."""
        self._away = False

    def of(self, job_id: str) -> JobCache:
        """The cache of the job. The least recently used ones make room for it."""
        cache = self._caches.setdefault(job_id, JobCache())
        self._caches.move_to_end(job_id)
        while len(self._caches) > MOST_JOBS or (self._bytes > MOST_BYTES and len(self._caches) > 1):
            self.forget(next(iter(self._caches)))
        return cache

    def forget(self, job_id: str) -> None:
        if cache := self._caches.pop(job_id, None):
            self._bytes -= sum(map(len, cache.bodies.values()))
            self.doubt_all(cache)

    def read(self, refs: Iterable[ObjectRef], cache: JobCache) -> frozenset[str]:
        """Puts stored objects into the cache; returns the keys of those that are gone, or not what was stored."""
        reading = {ref.key: self._readers.submit(self._body, ref) for ref in refs}
        wait(reading.values())
        bodies = {key: future.result() for key, future in reading.items() if future.exception() is None}
        there = {key: body for key, body in bodies.items() if body is not None}
        cache.bodies |= there  # what was read need not be read again, even if the rest cannot be read now
        self._bytes += sum(map(len, there.values()))
        return frozenset(key for key, future in reading.items() if future.result() is None)

    def gone(self, keys: Iterable[str], cache: JobCache) -> frozenset[str]:
        """The keys of objects that are not there; the others are remembered as seen."""
        looking = {key: self._readers.submit(self._size, key) for key in keys}
        wait(looking.values())
        sizes = {key: future.result() for key, future in looking.items()}
        there = {key for key, size in sizes.items() if size is not None}
        cache.seen |= there
        self._bytes += sum(map(len, there))
        return frozenset(sizes.keys() - there)

    def doubt_all(self, cache: JobCache) -> None:
        """Forgets which objects were seen: they may be gone by now."""
        self._bytes -= sum(map(len, cache.seen))
        cache.seen.clear()

    def _size(self, key: str) -> int | None:
        return self._asked(lambda: self._storage.size(self._bucket, key))

    def _body(self, ref: ObjectRef) -> bytes | None:
        try:
            body = self._asked(lambda: self._storage.get_bytes(self._bucket, ref.key))
        except ObjectMissing:
            return None
        if hashlib.sha256(body).hexdigest() == ref.sha256:
            return body
        log.warning("the stored object %s does not have the content it was stored with", ref.key)
        return None

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        if self._away:
            raise StorageUnavailable("the object store did not answer a moment ago")
        try:
            return ask()
        except StorageUnavailable:
            self._away = True  # reads that still wait for a reader need not try
            raise
