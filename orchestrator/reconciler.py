"""The loop that moves every job on: look, decide, save, hint.

Two or more may run. This process may die between any two lines: the record is only ever changed by
one atomic save, and a hint that was not sent is sent on a later look.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from common.contracts.job import CANCELLED, FAILED, READY, SETTLED, SKIPPED, Change, Failure, Job, WorkerInfo
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName
from common.contracts.sources import by_preference
from common.contracts.voice import engines_of
from common.errors import StorageUnavailable
from common.jobs.decisions import Decisions
from common.jobs.scripts import StateUnavailable
from common.jobs.store import connect
from common.logs import about
from common.messaging.app import BrokerUnavailable, Hints
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage
from common.storage.s3 import S3Storage
from orchestrator.engine.attempts import Rules
from orchestrator.engine.capabilities import Fleet
from orchestrator.engine.knowledge import Knowledge
from orchestrator.film.profile import OutputDefaults
from orchestrator.job_cache import JobCache, JobCaches
from orchestrator.workflow import WORKFLOWS, Policy, decide, ending

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

BATCH = 50
HOLD_SECONDS = 5.0
"A job that was taken and not saved, because its reconciler died, is due again after this."
ROUNDS = 20
"Most questions and lost races in a row before a job is left for a later look."
UNKNOWN_KIND_SECONDS = 2.0
"A job of a kind that this release does not know is left to others for so long."
UNDECIDABLE = "the job cannot go on because of an error of ours; see the log"
OF_ANOTHER_RELEASE = "the job is of a kind that this release does not know; ask for it again at the release that does"
MOST_DEFECTS = 10
"Looks in a row that met an error of ours; then the job ends with it."
BROKER_PAUSE = 5.0
"Seconds without hints after the broker did not take one; each attempt may cost all jobs some seconds."
REVIVE_SECONDS = 60.0
OVERLOOKED_SECONDS = 1.0
"A count is enough to see that what was due got lost; what else a job may have lost is found by reading all of them."
STORAGE_SECONDS = 3.0
WATCH_SECONDS = 0.25
"Seconds for which knowledge of the workers is taken to be true."
DISPATCH_SECONDS = 0.02
"Seconds between two rounds of hints while many jobs are looked at."
REST = 4
"A job rests this many times as long as its last look took, so that a large one leaves time for the others."
LONGEST_REST = 0.5
"Longest rest in seconds: a wish must be heard soon."


class Reconciler:
    """Lets jobs in, looks at due ones and sends hints for ready steps."""

    def __init__(self, settings: Settings, store: Decisions, storage: Storage, hints: Hints) -> None:
        self._settings, self._store, self._hints = settings, store, hints
        self._policy = _policy(settings)
        self._caches = JobCaches(storage, settings.assets_bucket)
        self._workers: list[WorkerInfo] = []
        self._fleet = Fleet()
        self._watched = self._dispatched = -1.0
        self._broker_back = 0.0
        "No hint is sent before this time of the monotonic clock."

    def look(self) -> int:
        """Decides on every due job and sends hints for ready steps. Returns how many jobs it looked at."""
        self._store.admit(self._settings.max_concurrent_jobs)
        due = self._store.take_due(BATCH, HOLD_SECONDS)
        self._watch()
        self._caches.begin()
        looked = sum(self._look_at(job_id) for job_id in due)
        self._dispatch()
        return looked

    def _look_at(self, job_id: str) -> bool:
        cache = self._caches.of(job_id)
        rest = cache.rested - time.monotonic()
        if rest > 0:
            self._store.look_later(job_id, rest)
            return False
        started = time.monotonic()
        with about(job=job_id):
            self._decide_anyway(job_id, cache)
        ended = time.monotonic()
        cache.rested = ended + min(LONGEST_REST, REST * (ended - started))
        if ended - self._dispatched > DISPATCH_SECONDS:
            self._dispatch()  # many or long jobs must not hold up the hints of the others
        return True

    def _decide_anyway(self, job_id: str, cache: JobCache) -> None:
        """Decides, and bears what goes wrong with this job alone."""
        try:
            self.decide_and_save(job_id, cache)
        except StorageUnavailable as error:
            # It is due again after HOLD_SECONDS. The others of this look can still be cancelled or ended.
            log.warning("job %s waits: %s", job_id, error)
        except StateUnavailable:
            raise
        except Exception:
            log.exception("job %s cannot be decided", job_id)
            self._met_defect(job_id, cache)
        else:
            cache.defects = 0

    def _met_defect(self, job_id: str, cache: JobCache) -> None:
        """Ends a job that repeatedly cannot be decided, and says why, instead of letting it wait for its deadline."""
        cache.defects += 1
        job, now = self._store.load_now(job_id)
        if cache.defects >= MOST_DEFECTS and job is not None and not job.terminal:
            self._store.save(job, ended(job, now, FAILED, UNDECIDABLE), {"state": FAILED, "finished": now})

    def decide_and_save(self, job_id: str, cache: JobCache) -> None:
        """Decides, reading what the decision asks for, and saves it."""
        for _ in range(ROUNDS):
            job, now = self._store.load_now(job_id, cache.reader)
            if job is None or job.terminal:
                self._store.purge(job_id)
                self._caches.forget(job_id)
                return
            if job.kind not in WORKFLOWS:
                self._leave_to_others(job, now)
                return
            change = self._decide(job, now, cache)
            if change is None:
                return
            if self._store.save(job, change, ending(job, change)):
                if "state" in change.head:
                    log.info("job %s is %s", job.id, change.head["state"])
                return
            # The job has changed since it was loaded: the next round decides again.

    def _leave_to_others(self, job: Job, now: int) -> None:
        """A job of a newer release, whose reconciler looks at it; if there is none any more, it must end anyway."""
        if job.cancel or now >= job.deadline:
            state = CANCELLED if job.cancel else FAILED
            self._store.save(job, ended(job, now, state, OF_ANOTHER_RELEASE), {"state": state, "finished": now})
        else:
            self._store.look_later(job.id, UNKNOWN_KIND_SECONDS)

    def _decide(self, job: Job, now: int, cache: JobCache) -> Change | None:
        """Decides and answers questions in turn. If the job changes meanwhile, the decision is not saved."""
        known: dict[str, str | None] = {}
        vanished: frozenset[str] = frozenset()
        if any(step.state == FAILED and step.failure and step.failure.missing for step in job.steps.values()):
            self._caches.doubt_all(cache)
        for _ in range(ROUNDS):
            knowledge = Knowledge(cache.bodies, known, vanished, cache.seen)
            decision = decide(job, knowledge, self._fleet, self._policy, now, cache.memo)
            if not decision.asks:
                return decision.change
            vanished |= self._caches.read(decision.missing.values(), cache)
            vanished |= self._caches.gone(decision.doubted, cache) | decision.unusable
            known |= self._known_work(job.owner, decision.unknown)
        return None

    def _known_work(self, owner: str, fingerprints: frozenset[str]) -> dict[str, str | None]:
        """The facts of work that some job of the owner has done; none are found without the cache of assets."""
        if not self._settings.asset_cache_enabled:
            return dict.fromkeys(fingerprints)
        return self._store.known_work(owner, fingerprints)

    def _watch(self) -> None:
        now = time.monotonic()
        if self._watched < 0 or now - self._watched > WATCH_SECONDS:
            self._workers = self._store.workers()
            self._fleet = _fleet(self._workers, self._store.toolchains_seen())
            self._watched = now

    def _dispatch(self) -> None:
        """Sends hints. Without a broker jobs can still be cancelled, end, and reuse known work: hints come later."""
        if time.monotonic() < self._broker_back:
            return
        try:
            self._send_hints()
        except BrokerUnavailable as error:
            log.warning("%s", error)
            self._broker_back = time.monotonic() + BROKER_PAUSE
        self._dispatched = time.monotonic()

    def _send_hints(self) -> None:
        """Keeps only a few hints in a queue: steps that wait in the record can still be reordered."""
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


def _policy(settings: Settings) -> Policy:
    return Policy(
        defaults=OutputDefaults(settings.target_resolution, settings.ffmpeg_preset, settings.segment_seconds),
        rules=Rules(
            max_attempts=settings.max_attempts,
            retry_seconds=settings.retry_seconds,
            repin_ms=int(settings.repin_seconds * 1000),
        ),
    )


def reconcile(settings: Settings, stop: threading.Event) -> None:
    """Looks whenever it is woken, and once a second anyway, until `stop` is set. Survives outages of its stores."""
    store = connect(settings, timeout=5.0)
    # One loop serves all jobs, so it waits for the object store much less patiently than a worker does.
    storage = S3Storage(replace(settings, s3_timeout=min(STORAGE_SECONDS, settings.s3_timeout)))
    reconciler = Reconciler(settings, store, storage, Hints(settings))
    revive = _every(REVIVE_SECONDS, store.revive)
    find_overlooked = _every(OVERLOOKED_SECONDS, lambda: store.overlooked() and store.revive())
    while not stop.is_set():
        try:
            revive()
            find_overlooked()
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


def ended(job: Job, now: int, state: str, why: str) -> Change:
    """Ends a job about which no decision can be made."""
    failure = Failure(code="internal_error", message=why)
    ready = [name for name, step in job.steps.items() if step.state == READY]
    head = {"state": state, "finished": now, "failure": failure.model_dump_json()}
    unsettled = {name: {"state": SKIPPED} for name, step in job.steps.items() if step.state not in {*SETTLED, FAILED}}
    tickets = {name: {"ticket": ""} for name, step in job.steps.items() if step.state == FAILED and step.ticket}
    return Change(
        head=head,
        steps={**unsettled, **tickets},
        ready={},
        unready={name: STEP_KINDS[StepName(name).kind].queue for name in ready},
        events=(("job", {"state": state, "failure": head["failure"]}),),
        look=now,
    )


def _fleet(workers: list[WorkerInfo], seen: dict[str, dict[str, int]]) -> Fleet:
    live: dict[str, set[str]] = {}
    for worker in workers:
        for kind, chains in worker.toolchains.items():
            live.setdefault(kind, set()).update(chains)
    offered = {source for worker in workers for source in worker.engines.get("sources", ())}
    return Fleet(seen, live, by_preference(offered), engines_of(workers))
