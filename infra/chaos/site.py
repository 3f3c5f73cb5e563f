"""A running stack with its internals in reach: process ids, state, objects, and the folders it works in."""

import os
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import fields
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
from infra.chaos.network import Network
from infra.chaos.processes import alive, family, frozen, marked, owners
from infra.chaos.supervision import Order, Supervision, names_of
from infra.local import Plan, StackError

MARK = "REEL_CHAOS"
"Variable in the environment of every process of a site, so that none of them can hide."
SMALL = {
    "TARGET_RESOLUTION": "90",
    "FFMPEG_PRESET": "ultrafast",
    "LEASE_SECONDS": "3",
    "BEAT_SECONDS": "0.3",
    "SELF_KILL_SECONDS": "2",
    "HINT_SECONDS": "1",
    "DRAIN_SECONDS": "2",
    # Quick to start and to stop: a worker that was restarted has no model to load, which nothing can interrupt.
    "SPEECH_ENGINES": "espeak-ng",
    "RETRY_SECONDS": "0.5",
    "S3_TIMEOUT": "4",
    "RENDER_SLOTS": "1",
    "RETRIEVER_SLOTS": "1",
}
"Small pictures and short leases, so that much happens in little time."
BESIDE = {"front": "api"}
"Programs without a host of their own, and the host on which they run."
GLANCE_SECONDS = 0.5
"A look at what is under way must not keep a fault waiting."
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
    attempt: int = 1
    program: str = ""
    "The one that the process belongs to; empty if it is dead."

    @property
    def service(self) -> str:
        return service_of(self.program)


def service_of(program: str) -> str:
    """The service that a program is a copy of."""
    return program.partition(".")[0]


class Site:
    """A stack that runs while the block lasts. Raises `StackError` if it cannot.

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
        network: Network | None = None,
    ) -> None:
        """`studio` is the address of a far studio, at which the retriever orders clips then. With a `network` each
        program runs on a host of its own, as `hosts` names them.
        """
        self.network = network
        self.plan = Plan.make(data, "127.0.0.1", 0) if network is None else _spread(data, network)
        self.mark = f"{MARK}={uuid.uuid4().hex}"
        commands = dict(commands or {})
        own = _without_settings(os.environ) | SMALL | dict(settings or {}) | dict([self.mark.split("=")])
        if studio:
            own[STUDIO] = studio
            commands.setdefault("retriever", FAR_RETRIEVER)
        self.settings = Settings.from_env(local.environment(self.plan, own))
        self.store = connect(self.settings)
        self._glance = connect(self.settings, timeout=GLANCE_SECONDS)
        self.storage = S3Storage(self.settings)
        self.redis: Any = redis.Redis.from_url(
            self.settings.state_url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        )
        self._supervision = Supervision(Order(self.plan, own, copies or {}, commands, self._prefixes()))
        self.damaged: set[str] = set()
        "Keys of stored objects that a fault has damaged."
        self.complaints: list[str] = []
        "Whatever the stack did wrong that can be seen only while it does it."

    def __enter__(self) -> "Site":
        try:
            self._supervision.start()
        except BaseException:
            self._stop()
            raise
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

    def object_path(self, key: str) -> Path:
        """The file in which the object store keeps an object of the bucket of assets."""
        return self.plan.folder("objects") / self.settings.assets_bucket / key

    def check(self) -> None:
        """Raises the error that ended the stack, if one did."""
        if self._supervision.failure:
            raise StackError(self._supervision.failure)

    def kill_supervisor(self) -> None:
        """All its programs should end with it."""
        self._supervision.kill()

    def start_again(self) -> None:
        """Starts the stack on the same data and addresses. Returns when it is up."""
        self._supervision.start()

    def programs(self, *services: str) -> dict[str, int]:
        """The main processes of the programs of these services, or of all, by name."""
        running = sorted(self._supervision.pids.items())
        return {name: pid for name, pid in running if not services or service_of(name) in services}

    def pids(self, *services: str) -> list[int]:
        """The main processes of these services, or of all programs."""
        return list(self.programs(*services).values())

    def ready(self, service: str) -> bool:
        """True if some worker of the service takes hints."""
        ready = self._supervision.ready
        return any(
            ready.get(name) == pid and alive(pid) and not frozen(pid) for name, pid in self.programs(service).items()
        )

    def processes(self) -> list[int]:
        """All processes of the stack, whatever their parent is by now."""
        return marked(self.mark, self.plan.data)

    def strays(self) -> list[int]:
        """Processes that belong to none of the supervisor's programs."""
        looked_after = {one for pid in self.pids() for one in family(pid)}
        return [pid for pid in self.processes() if pid not in looked_after]

    def active(self) -> list[Job]:
        """Jobs that have not ended; none when the state store does not answer at once."""
        try:
            jobs = [self._glance.load(name) for name in self._glance.active()]
        except (StateUnavailable, redis.RedisError):
            return []
        return [job for job in jobs if job is not None]

    def held(self, pids: Sequence[int] | None = None) -> list[Held]:
        """The steps under way, or those of them that one of these processes works on."""
        steps = [
            Held(job.id, name, int(step.worker.rpartition(":")[2] or 0), step.attempt)
            for job in self.active()
            for name, step in job.steps.items()
            if step.state == RUNNING
        ]
        programs = owners(self._supervision.pids) if steps else {}
        found = [held._replace(program=programs.get(held.pid, "")) for held in steps]
        return found if pids is None else [one for one in found if one.pid in pids]

    def host_of(self, program: str) -> str:
        """The host that a program runs on, if there are several."""
        return BESIDE.get(program, program)

    def _prefixes(self) -> dict[str, list[str]]:
        """How programs are started on their hosts."""
        network = self.network
        if network is None:
            return {}
        programs = [*network.hosts, *(name for name, host in BESIDE.items() if host in network.hosts)]
        return {name: network.prefix(self.host_of(name)) for name in programs}

    def _stop(self) -> None:
        self._supervision.stop()
        self.store.close()
        self._glance.close()
        self.redis.close()


def hosts(copies: Mapping[str, int]) -> list[str]:
    """The names of the hosts for a stack with so many copies of services: those of the programs."""
    services = [program.name for program in local.services({})]
    return ["redis", "s3", *(name for service in services for name in names_of(service, copies))]


def _spread(data: Path, network: Network) -> Plan:
    """Ports are free everywhere where nobody else is."""
    return Plan(
        data,
        host=network.addresses["api"],
        port=8080,
        redis_port=6379,
        s3_port=9001,
        password=secrets.token_hex(16),
        store_port=9000,
        redis_host=network.addresses["redis"],
        store_host=network.addresses["s3"],
    )


def _without_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without the user's settings: a key of a footage service must not be spent on faults."""
    ours = {name for field in fields(Settings) for name in variables(field)}
    return {name: value for name, value in env.items() if name not in ours}
