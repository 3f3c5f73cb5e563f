"""What a step has in its hands while it runs: its inputs, its scratch folder, and the news that it must stop."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from common.contracts.base import ObjectRef, object_key
from common.errors import ObjectMissing, Stopped
from common.storage.port import Storage


class Child(Protocol):
    """A process that must not outlive the step, such as a `subprocess.Popen`."""

    def kill(self) -> None: ...


class StepRun:
    """One attempt at one step.

    Objects are written under names made of their content, so what a losing attempt wrote is garbage,
    never damage. Nothing written here counts until the runner commits the facts the handler returns.
    """

    def __init__(
        self,
        *,
        owner: str,
        job_id: str,
        step: str,
        work: str,
        storage: Storage,
        buckets: tuple[str, str],
        workdir: Path,
        last_attempt: bool = False,
    ) -> None:
        self.owner, self.job_id, self.step = owner, job_id, step
        self.work = work
        "The fingerprint of the step's spec."
        self.storage = storage
        self.assets, self.videos = buckets
        self.workdir = workdir
        "Private to this attempt; removed after it."
        self.last_attempt = last_attempt
        "True when there will be no other attempt: the time to settle for less."
        self.done = 0.0
        self._stop = threading.Event()
        self._children: set[Child] = set()
        self._lock = threading.Lock()

    # inputs and outputs

    def fetch(self, ref: ObjectRef, name: str) -> Path:
        """Brings an object into the scratch folder as `name`; raises `ObjectMissing` if it is not what was stored."""
        path = self.workdir / name
        self.storage.get_file(self.assets, ref.key, path)
        if sha256_of(path) != ref.sha256:
            raise ObjectMissing("a stored object does not have the content it was stored with")
        return path

    def read(self, ref: ObjectRef) -> bytes:
        data = self.storage.get_bytes(self.assets, ref.key)
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise ObjectMissing("a stored object does not have the content it was stored with")
        return data

    def keep(self, kind: str, path: Path, media_type: str) -> ObjectRef:
        """Stores a file under the name of its content. `kind` is one of our own words (`narration`, `segment`)."""
        self.check()
        digest = sha256_of(path)
        key = object_key(self.owner, kind, self.work, digest)
        self.storage.put_file(self.assets, key, path, media_type)
        return ObjectRef(key=key, sha256=digest, size=path.stat().st_size, media_type=media_type)

    def keep_bytes(self, kind: str, data: bytes, media_type: str) -> ObjectRef:
        self.check()
        digest = hashlib.sha256(data).hexdigest()
        key = object_key(self.owner, kind, self.work, digest)
        self.storage.put_bytes(self.assets, key, data, media_type)
        return ObjectRef(key=key, sha256=digest, size=len(data), media_type=media_type)

    # going on and stopping

    def progress(self, fraction: float) -> None:
        """Tells how much is done, 0 to 1. Cheap: the next beat carries it. Raises `Stopped` if called off."""
        self.done = min(1.0, max(self.done, fraction))
        self.check()

    def check(self) -> None:
        """Raises `Stopped` if the step was cancelled or its lease is lost. Call it wherever work can end."""
        if self._stop.is_set():
            raise Stopped("the step was called off")

    def adopt(self, child: Child) -> Callable[[], None]:
        """Ties a process to the step: it is killed the moment the step is called off. Returns how to untie it."""
        with self._lock:
            self._children.add(child)
            stopped = self._stop.is_set()
        if stopped:
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
        return self._stop.is_set()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
