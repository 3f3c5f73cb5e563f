"""The life of a service: it listens to its queue, registers itself, runs the steps it is hinted at, and ends.

SIGTERM and the first Ctrl+C end it politely: it takes no more hints, its steps have DRAIN_SECONDS to finish, and
what has not finished by then is handed back (`common.worker.drain`). A second Ctrl+C, SIGQUIT, or a step that will
not end, end it at once: the kernel kills what it started, and the leases of its steps run out.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# SIGTERM is Celery's polite end, whatever the environment says; Celery reads this when it is imported.
os.environ.pop("REMAP_SIGTERM", None)
# A step has one core to itself; the threads numpy would start only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import celery.apps.worker
from celery import signals
from celery.exceptions import Reject
from celery.platforms import SecurityWarning

from common import launcher, scratch
from common.contracts.hearing import RecogniserInfo
from common.contracts.job import WorkerInfo
from common.contracts.kinds import STEP_KINDS, Tool, kinds_of, toolchain
from common.contracts.voice import SpeechEngine
from common.errors import ReelwrightError
from common.jobs.scripts import StateUnavailable
from common.jobs.store import connect
from common.logs import about, tell_faults
from common.messaging.app import make_app
from common.messaging.queues import QUEUES
from common.settings import BadSetting, Settings
from common.starting import start
from common.storage.s3 import S3Storage
from common.worker.calloffs import Caller, calling_off
from common.worker.celery_request import request_class
from common.worker.drain import Drain
from common.worker.health import TICK_SECONDS, Pulse, serving_health
from common.worker.outcome import Outcome
from common.worker.runner import Handler, StepRunner, worker_name
from common.worker.slots import Slots

log = logging.getLogger(__name__)

REGISTER_SECONDS = 2.0
POOL_LOOK_SECONDS = 0.5
DRAIN_LOOK_SECONDS = 0.1
LAST_SECONDS = 5.0
"A step that was called off has so long to end and be handed back, before the service ends without it."
END_AT_ONCE = 130
Beside = Callable[[Settings, threading.Event], None]
"Work a service does beside its steps, in a thread of its own, until the event is set."


@dataclass(frozen=True)
class Service:
    """One of the five services, as far as the queue is concerned."""

    name: str
    queue: str
    slots: Callable[[Settings], int]
    handlers: Callable[[Settings], Mapping[str, Handler]]
    engines: Callable[[Settings], Mapping[str, Any]]
    call_offs: Callable[[Settings], Mapping[str, Caller]] | None = None
    "By kind of step: how the other side of a step that waits is told that nobody does any more."
    pool: str = "prefork"
    "`prefork` where native code or ffmpeg runs: a crash then takes one step with it, not the service."
    beside: Sequence[Beside] = ()


def serve(service: Service) -> int:
    """Runs the service until a signal ends it. Returns the exit code."""
    try:
        settings = start(service.name)
        engines = dict(service.engines(settings))
    except (BadSetting, ReelwrightError) as error:
        tell_faults(service.name, error)
        return 2
    chains = toolchains(service.queue, engines)
    engines["offers"] = offers(chains)
    slots = service.slots(settings)
    worker = WorkerInfo(f"{service.name}-{uuid.uuid4().hex[:8]}", service.name, slots, engines)
    drain = Drain()
    app = make_app(settings)
    logging.getLogger("celery.app.trace").addFilter(HandedBack())
    add_task(app, service, settings, chains, drain, Slots(slots))
    pulse = Pulse()
    side = _Side(
        [*_beside(service), _registration(worker)], settings, drain, to_the_end=_health(worker, pulse, drain, settings)
    )
    side.watch()
    _listen_to_signals(settings, drain, side, pulse)
    # Of an end Celery tells in a form of its own on standard output, past the log; the watch of the side work tells it.
    celery.apps.worker.safe_say = lambda *_: None
    # Celery warns of running as root because of pickle, which we do not accept.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    arguments = [
        "--quiet",
        "worker",
        "-Q",
        service.queue,
        "-c",
        str(slots),
        "-P",
        service.pool,
        "-n",
        f"{worker.id}@%h",
    ]
    arguments += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", settings.log_level]
    with _temporary(worker.id):
        app.worker_main(arguments)
    side.join()
    return 0


def _beside(service: Service) -> list[Beside]:
    if service.call_offs is None:
        return list(service.beside)
    return [*service.beside, calling_off(service.queue, service.call_offs)]


def _health(worker: WorkerInfo, pulse: Pulse, drain: Drain, settings: Settings) -> list[Beside]:
    return [serving_health(worker, pulse, drain)] if settings.metrics_port else []


def toolchains(queue: str, engines: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The toolchains of a worker of this queue that describes itself so, by kind of step."""
    tools = {
        Tool.NONE: [""],
        Tool.FFMPEG: [engines.get("ffmpeg", "")],
        Tool.SPEECH: [SpeechEngine.model_validate(engine).tool for engine in engines.get("speech", ())],
        Tool.HEARING: [RecogniserInfo.model_validate(one).tool for one in engines.get("recogniser", ())],
    }
    return {kind: tuple(toolchain(kind, tool) for tool in tools[STEP_KINDS[kind].tool]) for kind in kinds_of(queue)}


def offers(toolchains: Mapping[str, Sequence[str]]) -> dict[str, str | list[str]]:
    """The toolchains as they are registered. A single one is a text: orchestrators of the release before read that."""
    return {kind: chains[0] if len(chains) == 1 else list(chains) for kind, chains in toolchains.items()}


@contextlib.contextmanager
def _temporary(worker_id: str) -> Iterator[None]:
    """Files that libraries keep on disk, as the process pool does, are removed however the service ends."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(scratch.temporary(worker_id))
            # Else multiprocessing makes a folder in there for the pool's memory, and is upset at the very end of Python
            # to find it gone.
            multiprocessing.current_process()._config["tempdir"] = tempfile.gettempdir()  # type: ignore[attr-defined]
        except OSError as error:
            log.warning("no folder of its own for temporary files: %s", error.strerror)
        yield


def add_task(
    app: Any, service: Service, settings: Settings, chains: Mapping[str, Sequence[str]], drain: Drain, slots: Slots
) -> None:
    """Gives the application the one task of the service: run the step that is hinted at."""
    runners: dict[tuple[int, int], StepRunner] = {}

    def runner() -> StepRunner:
        # Made where it is used: connections and native libraries must not cross a fork.
        place = (os.getpid(), threading.get_ident() if service.pool == "threads" else 0)
        if place not in runners:
            may_wait = service.call_offs(settings).keys() if service.call_offs is not None else ()
            stores = connect(settings), S3Storage(settings)
            runners[place] = StepRunner(
                settings, *stores, service.handlers(settings), chains, drain, slots, may_wait=tuple(may_wait)
            )
        return runners[place]

    def died(job_id: str, step: str, pid: int) -> None:
        log.warning("%s of %s died with its process", step, job_id)
        threading.Thread(target=_bury, args=(settings, job_id, step, worker_name(pid)), daemon=True).start()

    @app.task(name=QUEUES[service.queue].task, Request=request_class(died))
    def run_step(job_id: str, step: str) -> None:
        with about(job=job_id, step=step):
            try:
                outcome: str = runner().run(job_id, step)
            except StateUnavailable as error:
                outcome = str(error)  # the step is still ready or its lease ends: it will be hinted again
            log.info("%s of %s: %s", step, job_id, outcome)
        if outcome == Outcome.DRAINING:
            raise Reject(outcome, requeue=True)  # for another worker


class HandedBack(logging.Filter):
    """Celery tells of a hint that goes back to its queue with a traceback; our own line has told of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or not issubclass(kind, Reject)


def _bury(settings: Settings, job_id: str, step: str, worker: str) -> None:
    """Ends the lease of a dead process of ours and removes what it left, so that nobody has to wait for that."""
    try:
        store = connect(settings)
        store.lost(job_id, step, worker)
        store.close()
    except StateUnavailable:
        pass  # the lease runs out
    scratch.sweep(settings.scratch())


def _listen_to_signals(settings: Settings, drain: Drain, side: "_Side", pulse: Pulse) -> None:
    parent = os.getpid()

    def ready(sender: Any, **_: object) -> None:
        signal.signal(signal.SIGQUIT, _end_at_once)
        if hasattr(sender.pool, "maintain_pool"):
            # Celery often misses the moment in which a pool child dies, and else looks only every five seconds.
            sender.hub.call_repeatedly(POOL_LOOK_SECONDS, sender.pool.maintain_pool)
        pulse.beat()
        sender.hub.call_repeatedly(TICK_SECONDS, pulse.beat)
        side.start()

    def shutting_down(**_: object) -> None:
        # This runs within a signal handler, which may interrupt anything, itself included: it takes no lock.
        drain.begin(settings.drain_seconds)
        signal.signal(signal.SIGINT, _end_at_once)

    def child_ready(**_: object) -> None:
        launcher.die_with_parent(parent)
        # Some supervisors ask the whole process group to end, but only our main process knows how.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    # Celery would keep weak references only.
    signals.worker_ready.connect(ready, weak=False)
    signals.worker_shutting_down.connect(shutting_down, weak=False)
    signals.worker_process_init.connect(child_ready, weak=False)


def _end_at_once(*_: object) -> None:
    os._exit(END_AT_ONCE)


class _Side:
    """The work beside the steps, and the watch that ends the service in time.

    `work` ends when the service begins to; `to_the_end` goes on while the last steps do.
    """

    def __init__(self, work: Sequence[Beside], settings: Settings, drain: Drain, to_the_end: Sequence[Beside]) -> None:
        self._settings, self._drain = settings, drain
        self._stop, self._end = threading.Event(), threading.Event()
        tasks = [*((task, self._stop) for task in work), *((task, self._end) for task in to_the_end)]
        self._threads = [threading.Thread(target=self._until_dead, args=task, daemon=True) for task in tasks]

    def watch(self) -> None:
        """From now on, what has begun to end does end."""
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Lets the work come to its end, for a moment."""
        self._stop.set()
        self._end.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(REGISTER_SECONDS)

    def _until_dead(self, task: Beside, stop: threading.Event) -> None:
        """A service whose side work died is not alive: better to end and be started again."""
        try:
            task(self._settings, stop)
        except Exception:
            log.exception("the service cannot go on")
            os._exit(70)

    def _watch(self) -> None:
        while not self._drain.began:
            time.sleep(DRAIN_LOOK_SECONDS)
        self._stop.set()
        log.info("asked to end: steps that run have %g s", self._settings.drain_seconds)
        time.sleep(self._settings.drain_seconds + LAST_SECONDS)
        log.warning("a step does not end; the service ends without it")
        scratch.drop_temporary()
        os._exit(END_AT_ONCE)


def _registration(worker: WorkerInfo) -> Beside:
    def keep_registered(settings: Settings, stop: threading.Event) -> None:
        store = connect(settings)
        while not stop.is_set():
            with contextlib.suppress(StateUnavailable):
                store.register(worker, REGISTER_SECONDS * 3)
            stop.wait(REGISTER_SECONDS)
        with contextlib.suppress(StateUnavailable):
            store.unregister(worker.id)

    return keep_registered
