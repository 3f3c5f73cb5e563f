"""A running step, as its handler sees it: inputs and outputs, a scratch folder, progress, and the order to stop."""

import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from common.contracts.base import ObjectRef, object_key
from common.errors import ObjectMissing, Stopped, StorageUnavailable
from common.storage.port import Storage
from common.storage.verified import verify

log = logging.getLogger(__name__)

DAMAGED = "a stored object does not have the content it was stored with"
ATTEMPT_DIGITS = 8
LOOKERS = 4
"Objects looked for at once."
MOST_LOOKED_AT = 1_000


class Child(Protocol):
    """A process that must not outlive the step, such as a `subprocess.Popen`."""

    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempt, and the step that it is made at."""

    owner: str
    job_id: str
    step: str
    fingerprint: str
    "Of the step's spec."
    toolchain: str = ""
    "The one that the step needs."
    suffix: str = "0" * ATTEMPT_DIGITS
    "Ends the names of its objects, so that no other attempt uses them."
    last: bool = False
    "True when there will be no other attempt: the time to settle for less."
    ticket: str = ""
    "The note of an earlier run about work that goes on elsewhere."


@dataclass(frozen=True, slots=True)
class Places:
    """The storage and the folder that the attempt works with."""

    storage: Storage
    assets: str
    "The bucket of the parts of films."
    videos: str
    "The bucket of published films."
    workdir: Path
    "Private to this attempt; removed after it."


class StepRun:
    """One attempt at one step.

    Objects are written under names that no other attempt uses. Nothing written here counts until the runner
    commits the facts the handler returns, and what does not come to count is removed by `discard`.
    """

    def __init__(
        self,
        attempt: Attempt,
        places: Places,
        *,
        until: float = math.inf,
        spare: int = 0,
        keep: Callable[[str], bool] = lambda ticket: True,
    ) -> None:
        """`keep` writes a ticket into the record; False when the right to the step is lost."""
        self.owner, self.job_id, self.step = attempt.owner, attempt.job_id, attempt.step
        self.fingerprint, self.toolchain = attempt.fingerprint, attempt.toolchain
        self.last_attempt = attempt.last
        self.ticket = attempt.ticket
        self._keep_in_record = keep
        self.storage, self.workdir = places.storage, places.workdir
        self.assets, self.videos = places.assets, places.videos
        self.spare = spare
        "Slots of this service on this machine with nothing to do when the step began, and nothing to come for them."
        self.until = until
        "When the right to the step ends unless it is renewed; seconds of the monotonic clock."
        self.fraction_done = 0.0
        self._suffix = attempt.suffix
        self._kept: list[str] = []
        self._stop = threading.Event()
        self._children: set[Child] = set()
        self._lock = threading.Lock()

    # inputs and outputs

    def fetch(self, ref: ObjectRef, name: str) -> Path:
        """Brings an object into the scratch folder as `name`; raises `ObjectMissing` if it is not what was stored."""
        path = self.workdir / name
        self.storage.get_file(self.assets, ref.key, path)
        if sha256_of(path) != ref.sha256:
            raise ObjectMissing(DAMAGED, ref.key)
        return path

    def read(self, ref: ObjectRef) -> bytes:
        """The bytes of an object; raises `ObjectMissing` if it is not what was stored."""
        data = self.storage.get_bytes(self.assets, ref.key)
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise ObjectMissing(DAMAGED, ref.key)
        return data

    def check_content(self, ref: ObjectRef) -> None:
        """Raises `ObjectMissing` if an object is not what was stored. Reads it, but keeps nothing of it."""
        if self.storage.sha256(self.assets, ref.key) != ref.sha256:
            raise ObjectMissing(DAMAGED, ref.key)

    def gone(self, keys: Iterable[str]) -> list[str]:
        """Those of these objects that are not there, without duplicates; of very many, only the first are looked at.

        Raises `StorageUnavailable`, or `Stopped` if called off meanwhile.
        """
        asked = list(dict.fromkeys(keys))[:MOST_LOOKED_AT]
        pool = ThreadPoolExecutor(LOOKERS)
        try:
            return [key for key, there in zip(asked, pool.map(self._is_there, asked), strict=True) if not there]
        finally:
            pool.shutdown(cancel_futures=True)

    def keep(self, kind: str, path: Path, media_type: str) -> ObjectRef:
        """Stores a file. `kind` is one of our own words (`narration`, `segment`)."""
        ref = self._name(kind, sha256_of(path), path.stat().st_size, media_type)
        return self._keep(ref, lambda: self.storage.put_file(self.assets, ref.key, path, media_type))

    def keep_bytes(self, kind: str, data: bytes, media_type: str) -> ObjectRef:
        """Stores bytes, as `keep` does."""
        ref = self._name(kind, hashlib.sha256(data).hexdigest(), len(data), media_type)
        return self._keep(ref, lambda: self.storage.put_bytes(self.assets, ref.key, data, media_type))

    def discard(self) -> None:
        """Removes what this attempt has stored, as far as that works; the rest is collected some day."""
        try:
            while self._kept:
                self.storage.delete(self.assets, self._kept[-1])
                self._kept.pop()
        except StorageUnavailable as error:
            log.info("%d objects of an attempt at %s stay for now: %s", len(self._kept), self.step, error)

    # work that goes on elsewhere

    def keep_ticket(self, ticket: str) -> None:
        """Writes into the record what is about to go on elsewhere, before it does: the next run finds it in `ticket`.

        Only needed for what must be known if this process dies within the next call; else `Later` has the ticket.
        An empty one says that nothing goes on any more. Raises `Stopped` if the right to the step is lost.
        """
        self.check()
        if not self._keep_in_record(ticket):
            raise Stopped("the step was called off")
        self.ticket = ticket

    # going on and stopping

    def progress(self, fraction: float) -> None:
        """Reports how much is done, 0 to 1. Cheap: the next beat carries it. Raises `Stopped` if called off."""
        self.fraction_done = min(1.0, max(self.fraction_done, fraction))
        self.check()

    def check(self) -> None:
        """Raises `Stopped` if the step was cancelled or its lease is lost. Call it wherever work can end."""
        if self.stopped:
            raise Stopped("the step was called off")

    def adopt(self, child: Child) -> Callable[[], None]:
        """Ties a process to the step: it is killed the moment the step is called off. Returns how to untie it."""
        with self._lock:
            self._children.add(child)
        if self.stopped:
            child.kill()
        return lambda: self._children.discard(child)

    def call_off(self) -> None:
        """Stops the step from outside, from any thread. Safe to call twice."""
        with self._lock:
            self._stop.set()
            children = tuple(self._children)
        for child in children:
            child.kill()

    @property
    def stopped(self) -> bool:
        # The clock is asked, too: a process that was frozen must not go on before the heart has beaten again.
        return self._stop.is_set() or time.monotonic() > self.until

    # plumbing

    def _is_there(self, key: str) -> bool:
        self.check()
        return self.storage.size(self.assets, key) is not None

    def _name(self, kind: str, digest: str, size: int, media_type: str) -> ObjectRef:
        key = f"{object_key(self.owner, kind, self.fingerprint, digest)}.{self._suffix}"
        return ObjectRef(key=key, sha256=digest, size=size, media_type=media_type)

    def _keep(self, ref: ObjectRef, put: Callable[[], None]) -> ObjectRef:
        self.check()
        self._kept.append(ref.key)  # before it is there: an answer can get lost
        put()
        # Nothing else says that the store has all of it; one short question for each object.
        verify(self.storage, self.assets, ref.key, ref.size, "all of an object")
        return ref


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
