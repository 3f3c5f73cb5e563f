"""Tidies up after jobs: writes the manifests of those that ended, forgets those that are archived, collects garbage.

Nothing is forgotten before its manifest is in storage. Any of several orchestrators may do any of it; doing it twice
makes no difference.
"""

import logging
import threading
import time

from common.errors import StorageUnavailable
from common.jobs.archive import archive
from common.jobs.retention import Retention
from common.jobs.scripts import StateUnavailable
from common.jobs.store import connect
from common.messaging.app import Hints
from common.settings import Settings
from common.storage.port import Storage
from common.storage.s3 import S3Storage
from orchestrator.cleanup.collect import Collector, report

log = logging.getLogger(__name__)

AT_ONCE = 20
HOLD_SECONDS = 60.0
"A job whose manifest could not be written is tried again after this."
LOOK_SECONDS = 1.0
SWEEP_SECONDS = 60.0
"Between two sweeps of the broker's notes."
PAUSE_SECONDS = 5.0
"Pause after an outage."


class Janitor:
    """Archives, forgets and collects, whenever there is something to do."""

    def __init__(self, settings: Settings, store: Retention, storage: Storage) -> None:
        self._settings, self._store, self._storage = settings, store, storage
        self._collector = Collector(store, storage, settings)

    def tidy(self) -> int:
        """Archives and forgets a batch of jobs each. Returns how many."""
        return self._archive_some() + self._forget_some()

    def collect(self) -> bool:
        """Collects, if no orchestrator has begun to do so within COLLECT_SECONDS."""
        pause = self._settings.collect_seconds
        if pause <= 0 or not self._store.begin_collection(pause):
            return False
        log.info("collected:\n%s", report(self._collector.collect()))
        return True

    def _archive_some(self) -> int:
        done = 0
        for job_id in self._store.to_archive(AT_ONCE, HOLD_SECONDS):
            try:
                done += archive(self._store, self._storage, self._settings, job_id)
            except (StorageUnavailable, StateUnavailable):
                raise
            except Exception:
                log.exception("job %s cannot be archived; it stays as it is", job_id)
        return done

    def _forget_some(self) -> int:
        return sum(self._store.forget(job_id) for job_id in self._store.expired(AT_ONCE))


def janitor(settings: Settings, stop: threading.Event) -> None:
    """Tidies up until `stop` is set. Survives outages of its stores: then everything waits where it is."""
    one, hints = Janitor(settings, connect(settings, timeout=5.0), S3Storage(settings)), Hints(settings)
    swept = -SWEEP_SECONDS
    while not stop.is_set():
        try:
            while one.tidy() and not stop.is_set():
                pass
            one.collect()
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                hints.sweep()
            stop.wait(LOOK_SECONDS)
        except Exception as error:
            log.warning("the janitor waits: %s", error)
            stop.wait(PAUSE_SECONDS)
