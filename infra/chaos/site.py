"""A running stack with its internals in reach: process ids, state, objects, and the folders it works in."""

import os
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import redis

from common.contracts.job import RUNNING, Job
from common.jobs.scripts import StateUnavailable
from common.jobs.store import connect
from common.settings import Settings
from common.settings.reading import variables
from common.storage.s3 import S3Storage
from infra import local
from infra.chaos.processes import family, marked
from infra.local import Plan, StackError
from infra.log_files import to_files
from infra.stack import Stack, StackStopped
from infra.supervisor import GaveUp, Patience, Program

MARK = "REEL_CHAOS"
"Variable in the environment of every process of a site, so that none of them can hide."
DOGGED = Patience(first_pause=0.2, longest_pause=0.5, steady=60.0, max_falls=None)
"Programs that are killed on purpose must be started again, however often."
SMALL = {
    "TARGET_RESOLUTION": "90",
    "FFMPEG_PRESET": "ultrafast",
    "LEASE_SECONDS": "3",
    "BEAT_SECONDS": "0.3",
    "SELF_KILL_SECONDS": "2",
    "HINT_SECONDS": "1",
    "DRAIN_SECONDS": "2",
    "RETRY_SECONDS": "0.5",
    "S3_TIMEOUT": "4",
    "RENDER_SLOTS": "1",
    "RETRIEVER_SLOTS": "1",
}
"Small pictures and short leases, so that much happens in little time."
STUDIO = "REEL_FAR_STUDIO"
"Variable with the address of the far studio."
FAR_RETRIEVER = ["python", "-m", "infra.chaos.retriever"]
"Command of a retriever that may order clips there."
COPIES = {"orchestrator": 2, "renderer": 2}
"Copies of services of which two must be able to work side by side."


class Held(NamedTuple):
    """A step under way, and the process that works on it."""

    job: str
    step: str
    pid: int


class Site:
    """A stack that runs while the block lasts. Raises `StackError` or `GaveUp` if it cannot.

    `commands` replaces the commands of services; `copies` starts several of one.
    """

    def __init__(
        self,
        data: Path,
        *,
        settings: Mapping[str, str] | None = None,
        copies: Mapping[str, int] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
        studio: str = "",
    ) -> None:
        """`studio` is the address of a far studio, at which the retriever orders clips then."""
        self.plan = Plan.make(data, "127.0.0.1", 0)
        self.mark = f"{MARK}={uuid.uuid4().hex}"
        self._copies, self._commands = copies or {}, dict(commands or {})
        own = _without_settings(os.environ) | SMALL | dict(settings or {}) | dict([self.mark.split("=")])
        if studio:
            own[STUDIO] = studio
            self._commands.setdefault("retriever", FAR_RETRIEVER)
        self.settings = Settings.from_env(local.environment(self.plan, own))
        self.store = connect(self.settings)
        self.storage = S3Storage(self.settings)
        self.redis: Any = redis.Redis.from_url(
            self.settings.state_url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        )
        self._end, self._up = threading.Event(), threading.Event()
        self._failure: Exception | None = None
        sink = to_files(self.plan.folder("logs"))
        self._stack = Stack(self.plan, own, sink, self._end.wait, patience=DOGGED, services=self._programs)
        self._thread = threading.Thread(target=self._run, name="stack")

    def __enter__(self) -> "Site":
        self._thread.start()
        try:
            self._up.wait()
        except BaseException:
            self._stop()
            raise
        if self._failure is not None:
            self._stop()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def url(self) -> str:
        return self.plan.url

    @property
    def work(self) -> Path:
        """The folder in which attempts have theirs."""
        return self.plan.folder("work")

    def check(self) -> None:
        """Raises the error that ended the stack, if one did."""
        if self._failure is not None:
            raise self._failure

    def pids(self, *services: str) -> list[int]:
        """The main processes of these services, or of all programs."""
        running = sorted(self._stack.pids.items())
        return [pid for name, pid in running if not services or name.partition(".")[0] in services]

    def processes(self) -> list[int]:
        """All processes of the stack, whatever their parent is by now."""
        return marked(self.mark, self.plan.data)

    def strays(self) -> list[int]:
        """Processes that belong to none of the supervisor's programs."""
        looked_after = {one for pid in self.pids() for one in family(pid)}
        return [pid for pid in self.processes() if pid not in looked_after]

    def active(self) -> list[Job]:
        """Jobs that have not ended; none when the state store does not answer."""
        try:
            jobs = [self.store.load(name) for name in self.store.active()]
        except (StateUnavailable, redis.RedisError):
            return []
        return [job for job in jobs if job is not None]

    def held(self, pids: Sequence[int] | None = None) -> list[Held]:
        """The steps under way, or those of them that one of these processes works on."""
        found = [
            Held(job.id, name, int(step.worker.rpartition(":")[2] or 0))
            for job in self.active()
            for name, step in job.steps.items()
            if step.state == RUNNING
        ]
        return found if pids is None else [one for one in found if one.pid in pids]

    def _programs(self, env: Mapping[str, str]) -> list[Program]:
        found = []
        for program in local.services(env):
            command = self._commands.get(program.name, program.command)
            names = [program.name, *(f"{program.name}.{n}" for n in range(2, self._copies.get(program.name, 1) + 1))]
            found += [replace(program, name=name, command=command) for name in names]
        return found

    def _run(self) -> None:
        # All of it in this one thread: the kernel ties a child to the thread that started it.
        try:
            self._stack.start()
            self._up.set()
            while True:
                self._stack.tend()
        except StackStopped:
            pass
        except (GaveUp, StackError, OSError) as failure:
            self._failure = failure
        finally:
            self._stack.stop()
            self._up.set()

    def _stop(self) -> None:
        self._end.set()
        self._thread.join()
        self.store.close()
        self.redis.close()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Lays a small file system over `folder`, which only root may do. Yields True if it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def _without_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without the user's settings: a key of a footage service must not be spent on faults."""
    ours = {name for field in fields(Settings) for name in variables(field)}
    return {name: value for name, value in env.items() if name not in ours}
