"""The loop that moves every job on: look, decide, save, hint.

Two or more may run. Whatever this process does between two lines may be the last thing it does: the
record is only ever changed by one atomic save, and a hint that was not sent is sent on a later look.
"""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TypeVar

from common.contracts.base import ObjectRef
from common.contracts.job import FAILED, READY, SKIPPED, Change, Failure, Job, WorkerInfo
from common.contracts.steps import SPECS, kind_of
from common.errors import ObjectMissing, StorageUnavailable
from common.jobs.record import Reader
from common.jobs.store import JobStore, StateUnavailable, connect
from common.messaging.app import BrokerUnavailable, Hints
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage
from common.storage.s3 import S3Storage
from orchestrator.engine.capabilities import Fleet
from orchestrator.engine.memo import Memo
from orchestrator.engine.working_copy import Rules
from orchestrator.film.film import Canvas
from orchestrator.workflow import decide, ending

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

BATCH = 50
HOLD_SECONDS = 5.0
"A job that was taken and not saved, because its reconciler died, is due again after this."
ROUNDS = 20
"Most questions and lost races in a row before a job is left for a later look."
MOST_DEFECTS = 10
"Looks in a row that met an error of ours; then the job ends with it."
BROKER_PAUSE = 5.0
"Seconds without hints after the broker did not take one; each try may take some seconds from all jobs."
REVIVE_SECONDS = 60.0
STORAGE_SECONDS = 3.0
WATCH_SECONDS = 0.25
"How long what is known of the workers is taken for true."
DISPATCH_SECONDS = 0.02
"Between two rounds of hints while many jobs are looked at."
REST = 4
"A job rests so many times as long as its last look took, so that a large one leaves time for the others."
LONGEST_REST = 0.5
"... but no longer, in seconds: a wish must be heard soon."
DESKS = 1_000
"Jobs of which the last look is remembered."
BODIES = 32_000_000
"Bytes of stored objects that are remembered with them; what is made of these takes more than ten times as much."
READERS = 8
"Stored objects read at once."
SOURCES = ("pexels", "folder")
"Footage sources in order of preference; scenery is added by the retriever."


@dataclass
class Desk:
    """What is kept of a job between two looks. It saves work and changes nothing."""

    reader: Reader = field(default_factory=Reader)
    memo: Memo = field(default_factory=Memo)
    bodies: dict[str, bytes] = field(default_factory=dict)
    "Stored objects the job needs, by key; they never change."
    seen: set[str] = field(default_factory=set)
    "Keys of objects that were looked for and are there."
    defects: int = 0
    "How many looks in a row met an error of ours."
    rested: float = 0.0
    "Not to be looked at before this time of the monotonic clock."


class Reconciler:
    """Lets jobs in, looks at due ones and sends hints for ready steps."""

    def __init__(self, settings: Settings, store: JobStore, storage: Storage, hints: Hints) -> None:
        self._settings, self._store, self._storage, self._hints = settings, store, storage, hints
        self._canvas = Canvas(settings.target_resolution, settings.ffmpeg_preset, settings.segment_seconds)
        self._rules = Rules(
            max_attempts=settings.max_attempts,
            retry_seconds=settings.retry_seconds,
            repin_ms=int(settings.repin_seconds * 1000),
        )
        self._desks: OrderedDict[str, Desk] = OrderedDict()
        self._remembered = 0
        "Bytes of stored objects on all desks."
        self._readers = ThreadPoolExecutor(READERS, "read")
        self._storage_away = False
        self._workers: list[WorkerInfo] = []
        self._fleet = Fleet()
        self._watched = self._dispatched = -1.0
        self._broker_back = 0.0
        "Hints are not tried before this time of the monotonic clock."

    def look(self) -> int:
        """Decides for every job that is due and hints what is ready. Returns how many jobs it looked at."""
        self._store.admit(self._settings.max_concurrent_jobs)
        due = self._store.take_due(BATCH, HOLD_SECONDS)
        self._watch()
        self._storage_away = False
        looked = sum(self._look_at(job_id) for job_id in due)
        self._dispatch()
        return looked

    def _look_at(self, job_id: str) -> bool:
        desk = self._desk(job_id)
        rest = desk.rested - time.monotonic()
        if rest > 0:
            self._store.look_later(job_id, rest)
            return False
        started = time.monotonic()
        try:
            self.settle(job_id, desk)
        except StorageUnavailable as error:
            # It is due again after HOLD_SECONDS. The others of this look can still be cancelled or ended.
            log.warning("job %s waits: %s", job_id, error)
        except StateUnavailable:
            raise
        except Exception:
            log.exception("job %s cannot be decided", job_id)
            self._met_defect(job_id, desk)
        else:
            desk.defects = 0
        ended = time.monotonic()
        desk.rested = ended + min(LONGEST_REST, REST * (ended - started))
        if ended - self._dispatched > DISPATCH_SECONDS:
            self._dispatch()  # many or long jobs must not hold up the hints of the others
        return True

    def _met_defect(self, job_id: str, desk: Desk) -> None:
        """A job that cannot be decided again and again ends, and says why, instead of waiting for its deadline."""
        desk.defects += 1
        job, now = self._store.load_now(job_id)
        if desk.defects >= MOST_DEFECTS and job is not None and not job.terminal:
            self._store.save(job, undecidable(job, now), {"state": FAILED, "finished": now})

    def settle(self, job_id: str, desk: Desk) -> None:
        """Decides, reading what the decision asks for, and saves it."""
        for _ in range(ROUNDS):
            job, now = self._store.load_now(job_id, desk.reader)
            if job is None:
                self._store.purge(job_id)
                self._forget(job_id)
                return
            if job.terminal:
                self._store.purge(job_id)
                self._forget(job_id)
                return
            change = self._decide(job, now, desk)
            if change is None:
                return
            if self._store.save(job, change, ending(job, change)):
                if "state" in change.head:
                    log.info("job %s is %s", job.id, change.head["state"])
                return
            # It has moved under the decision; that is soon made again.

    def _decide(self, job: Job, now: int, desk: Desk) -> Change | None:
        """Decides and answers questions in turn. Should the job move meanwhile, the decision is not saved."""
        known: dict[str, str | None] = {}
        vanished: frozenset[str] = frozenset()
        if any(step.state == FAILED and step.failure and step.failure.missing for step in job.steps.values()):
            self._doubt_all(desk)
        for _ in range(ROUNDS):
            decision = decide(
                job, desk.bodies, known, self._fleet, self._canvas, self._rules, now, desk.memo, vanished, desk.seen
            )
            if not decision.asks:
                return decision.change
            vanished |= self._read(decision.missing.values(), desk) | self._gone(decision.doubted, desk)
            known |= self._store.known_work(job.owner, decision.unknown)
        return None

    def _desk(self, job_id: str) -> Desk:
        """The desk of the job. Those that were not used for the longest time are cleared for it."""
        desk = self._desks.setdefault(job_id, Desk())
        self._desks.move_to_end(job_id)
        while len(self._desks) > DESKS or (self._remembered > BODIES and len(self._desks) > 1):
            self._forget(next(iter(self._desks)))
        return desk

    def _forget(self, job_id: str) -> None:
        if desk := self._desks.pop(job_id, None):
            self._remembered -= sum(map(len, desk.bodies.values()))
            self._doubt_all(desk)

    def _read(self, refs: Iterable[ObjectRef], desk: Desk) -> frozenset[str]:
        """Puts stored objects on the desk; returns the keys of those that are not there."""
        reading = {ref.key: self._readers.submit(self._body, ref.key) for ref in refs}
        wait(reading.values())
        bodies = {key: one.result() for key, one in reading.items() if one.exception() is None}
        there = {key: body for key, body in bodies.items() if body is not None}
        desk.bodies |= there  # what was read need not be read again, even if the rest cannot be read now
        self._remembered += sum(map(len, there.values()))
        return frozenset(key for key, one in reading.items() if one.result() is None)

    def _gone(self, keys: Iterable[str], desk: Desk) -> frozenset[str]:
        """Those of the objects that are not there; the others are remembered to be."""
        looking = {key: self._readers.submit(self._size, key) for key in keys}
        wait(looking.values())
        sizes = {key: one.result() for key, one in looking.items()}
        there = {key for key, size in sizes.items() if size is not None}
        desk.seen |= there
        self._remembered += sum(map(len, there))
        return frozenset(sizes.keys() - there)

    def _doubt_all(self, desk: Desk) -> None:
        """What was there may be gone by now."""
        self._remembered -= sum(map(len, desk.seen))
        desk.seen.clear()

    def _size(self, key: str) -> int | None:
        return self._asked(lambda: self._storage.size(self._settings.assets_bucket, key))

    def _body(self, key: str) -> bytes | None:
        try:
            return self._asked(lambda: self._storage.get_bytes(self._settings.assets_bucket, key))
        except ObjectMissing:
            return None

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        if self._storage_away:
            raise StorageUnavailable("the object store did not answer a moment ago")
        try:
            return ask()
        except StorageUnavailable:
            self._storage_away = True  # whoever waits for a reader need not try
            raise

    def _watch(self) -> None:
        now = time.monotonic()
        if self._watched < 0 or now - self._watched > WATCH_SECONDS:
            self._workers = self._store.workers()
            self._fleet = _fleet(self._workers, self._store.offers())
            self._watched = now

    def _dispatch(self) -> None:
        """Sends hints. Without a broker jobs can still be cancelled, end, and use what is known: hints come later."""
        if time.monotonic() < self._broker_back:
            return
        try:
            self._send_hints()
        except BrokerUnavailable as error:
            log.warning("%s", error)
            self._broker_back = time.monotonic() + BROKER_PAUSE
        self._dispatched = time.monotonic()

    def _send_hints(self) -> None:
        """Few hints lie in a queue: what waits in the record can still be reordered."""
        slots = Counter[str]()
        for worker in self._workers:
            slots[worker.service] += worker.slots
        rooms = {
            queue.name: queue.ahead * slots[queue.consumer] - self._hints.waiting(queue.name)
            for queue in QUEUES.values()
            if slots[queue.consumer]
        }
        for queue, job_id, step in self._store.dispatch(rooms, self._settings.hint_seconds):
            self._hints.send(queue, job_id, step)


def reconcile(settings: Settings, stop: threading.Event) -> None:
    """Looks whenever it is woken, and once a second anyway, until `stop` is set. Outlives outages of its stores."""
    store = connect(settings, timeout=5.0)
    # One loop serves all jobs, so it waits for the object store much less patiently than a worker does.
    storage = S3Storage(replace(settings, s3_timeout=min(STORAGE_SECONDS, settings.s3_timeout)))
    reconciler = Reconciler(settings, store, storage, Hints(settings))
    revive = _every(REVIVE_SECONDS, store.revive)
    while not stop.is_set():
        try:
            revive()
            store.wait_for_wake(1)
            reconciler.look()
        except Exception as error:
            # Redis or the broker is away; nothing is lost, everything is decided again from the record.
            log.warning("the reconciler waits: %s", error)
            stop.wait(1.0)


def _every(seconds: float, task: Callable[[], object]) -> Callable[[], None]:
    last = -seconds

    def run() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            task()
            last = time.monotonic()

    return run


def undecidable(job: Job, now: int) -> Change:
    """Ends a job about which no decision can be made."""
    failure = Failure(code="internal_error", message="the job cannot go on because of an error of ours; see the log")
    ready = [name for name, step in job.steps.items() if step.state == READY]
    head = {"state": FAILED, "finished": now, "failure": failure.model_dump_json()}
    return Change(
        head=head,
        steps={name: {"state": SKIPPED} for name in ready},
        ready={},
        unready={name: SPECS[kind_of(name)].queue for name in ready},
        events=(("job", {"state": FAILED, "failure": head["failure"]}),),
        look=now,
    )


def _fleet(workers: list[WorkerInfo], seen: dict[str, dict[str, int]]) -> Fleet:
    live: dict[str, set[str]] = {}
    for worker in workers:
        for kind, offer in worker.engines.get("offers", {}).items():
            live.setdefault(kind, set()).add(offer)
    offered = {source for worker in workers for source in worker.engines.get("sources", ())}
    sources = [source for source in SOURCES if source in offered]
    return Fleet(seen, live, (*sources, "scenery") if "scenery" in offered else tuple(sources))
