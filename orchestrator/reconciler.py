"""The loop that moves every job on: look, decide, save, hint.

Two or more may run. Whatever this process does between two lines may be the last thing it does: the
record is only ever changed by one atomic save, and a hint that was not sent is sent on a later look.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.job import Job, WorkerInfo
from common.contracts.steps import spec_key
from common.errors import StorageUnavailable
from common.jobs.store import JobStore, StateUnavailable, connect
from common.messaging.app import Hints
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage
from common.storage.s3 import S3Storage
from orchestrator.board import Rules
from orchestrator.film import Canvas, Fleet
from orchestrator.workflow import Decision, decide

log = logging.getLogger(__name__)

BATCH = 50
HOLD_SECONDS = 5.0
"A job that was taken and not saved, because its reconciler died, is due again after this."
ROUNDS = 12
"Most questions in a row a decision may ask before the job is left for a later look."
HINTS_PER_SLOT = 2
REVIVE_SECONDS = 60.0
STORAGE_SECONDS = 3.0
BODIES = 4_000
"Stored objects kept in memory; they never change."
SOURCES = ("pexels", "folder")
"Footage sources in order of preference; scenery is added by the retriever."


class Reconciler:
    """Looks at due jobs and sends hints for ready steps."""

    def __init__(self, settings: Settings, store: JobStore, storage: Storage, hints: Hints) -> None:
        self._settings, self._store, self._storage, self._hints = settings, store, storage, hints
        self._canvas = Canvas(settings.target_resolution, settings.ffmpeg_preset)
        self._rules = Rules(max_attempts=settings.max_attempts, retry_seconds=settings.retry_seconds)
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._storage_away = False

    def look(self) -> int:
        """Decides for every job that is due and hints what is ready. Returns how many jobs it looked at."""
        due = self._store.take_due(BATCH, HOLD_SECONDS)
        workers = self._store.workers()
        fleet = _fleet(workers)
        self._storage_away = False
        for job_id in due:
            try:
                self.settle(job_id, fleet)
            except StorageUnavailable as error:
                # It is due again after HOLD_SECONDS. The others of this look can still be cancelled or ended.
                self._storage_away = True
                log.warning("job %s waits: %s", job_id, error)
            except StateUnavailable:
                raise
            except Exception:
                log.exception("job %s cannot be decided", job_id)
            self._dispatch(workers)  # a long job must not hold up the hints of the others
        self._dispatch(workers)
        return len(due)

    def settle(self, job_id: str, fleet: Fleet) -> None:
        """Decides, reading what the decision asks for, and saves it."""
        known: dict[str, str | None] = {}
        self._forget_oldest()
        for _ in range(ROUNDS):
            job = self._store.load(job_id)
            if job is None or job.terminal:
                return
            decision = decide(job, self._bodies, known, fleet, self._canvas, self._rules, self._store.now())
            if decision.missing or decision.unknown:
                self._read(decision.missing.values())
                known |= self._store.known_work(job.owner, decision.unknown)
                continue
            self._save(job, decision)
            return  # if the job has moved meanwhile, whoever moved it has made it due again

    def _save(self, job: Job, decision: Decision) -> None:
        for work, spec in decision.specs.items():
            self._put_spec(job.owner, work, spec)
        saved = self._store.save(job, decision.change)
        if saved and "state" in decision.change.head:
            log.info("job %s is %s", job.id, decision.change.head["state"])

    def _check_storage(self) -> None:
        if self._storage_away:
            raise StorageUnavailable("the object store did not answer a moment ago")

    def _put_spec(self, owner: str, work: str, spec: Contract) -> None:
        self._check_storage()
        data = canonical_json(spec).encode()
        self._storage.put_bytes(self._settings.assets_bucket, spec_key(owner, work), data, "application/json")

    def _read(self, refs: Iterable[ObjectRef]) -> None:
        self._check_storage()
        for ref in refs:
            self._bodies[ref.key] = self._storage.get_bytes(self._settings.assets_bucket, ref.key)

    def _forget_oldest(self) -> None:
        """Between two jobs only: a decision needs all it has read."""
        while len(self._bodies) > BODIES:
            self._bodies.popitem(last=False)

    def _dispatch(self, workers: list[WorkerInfo]) -> None:
        """At most two hints per slot lie in a queue: what waits in the record can still be reordered."""
        for queue in QUEUES.values():
            slots = sum(worker.slots for worker in workers if worker.service == queue.consumer)
            if not slots:
                continue
            room = HINTS_PER_SLOT * slots - self._hints.waiting(queue.name)
            for job_id, step in self._store.dispatch(queue.name, room, self._settings.hint_seconds):
                self._hints.send(queue.name, job_id, step)


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
            while reconciler.look() and not stop.is_set():
                pass
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


def _fleet(workers: list[WorkerInfo]) -> Fleet:
    builds = sorted({str(worker.engines["ffmpeg"]) for worker in workers if worker.engines.get("ffmpeg")})
    offered = {source for worker in workers for source in worker.engines.get("sources", ())}
    sources = [source for source in SOURCES if source in offered]
    return Fleet(tuple(builds), (*sources, "scenery") if "scenery" in offered else tuple(sources))
