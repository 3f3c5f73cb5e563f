"""How a service lives: it listens to its queue, says that it is there, and runs the steps it is hinted at."""

import contextlib
import logging
import os
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Celery reads this when it is imported: SIGTERM then means finish what can be finished, hand back the rest.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
# A step has one core to itself; the threads numpy would start only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from celery import signals
from celery.platforms import SecurityWarning

from common import launcher
from common.contracts.job import WorkerInfo
from common.errors import ReelwrightError
from common.jobs.runner import Handler, StepRunner
from common.jobs.store import StateUnavailable, connect
from common.logs import set_up_logs
from common.messaging.app import make_app
from common.messaging.queues import QUEUES
from common.settings import BadSetting, Settings
from common.storage.s3 import S3Storage

log = logging.getLogger(__name__)

REGISTER_SECONDS = 2.0
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
    pool: str = "prefork"
    "`prefork` where native code or ffmpeg runs: a crash then takes one step with it, not the service."
    beside: Sequence[Beside] = ()


def serve(service: Service) -> int:
    """Runs the service until it is told to stop. Returns the exit code."""
    try:
        settings = Settings.from_env()
        set_up_logs(service.name, settings)
        engines = service.engines(settings)
    except (BadSetting, ReelwrightError) as error:
        print(f"{service.name}: {error}", file=sys.stderr)
        return 2
    slots = service.slots(settings)
    worker = WorkerInfo(f"{service.name}-{uuid.uuid4().hex[:8]}", service.name, slots, engines)
    app = make_app(settings)
    _add_task(app, service, settings, str(engines.get("ffmpeg", "")))
    stop = threading.Event()
    # Celery calls these by weak reference, so this frame must keep them.
    ready = signals.worker_ready.connect(
        lambda **_: _start_beside([*service.beside, _registration(worker)], settings, stop), weak=False
    )
    gone = signals.worker_shutting_down.connect(lambda **_: stop.set(), weak=False)
    parent = os.getpid()
    bound = signals.worker_process_init.connect(lambda **_: launcher.die_with_parent(parent), weak=False)
    del ready, gone, bound
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
    app.worker_main(arguments)
    return 0


def _add_task(app: Any, service: Service, settings: Settings, build: str) -> None:
    runners: dict[tuple[int, int], StepRunner] = {}

    def runner() -> StepRunner:
        # Made where it is used: connections and native libraries must not cross a fork.
        place = (os.getpid(), threading.get_ident() if service.pool == "threads" else 0)
        if place not in runners:
            runners[place] = StepRunner(
                settings, connect(settings), S3Storage(settings), service.handlers(settings), build
            )
        return runners[place]

    @app.task(name=QUEUES[service.queue].task)
    def run_step(job_id: str, step: str) -> None:
        try:
            outcome = runner().run(job_id, step)
        except StateUnavailable as error:
            outcome = str(error)  # the step is still ready or its lease ends: it will be hinted again
        log.info("%s of %s: %s", step, job_id, outcome)


def _start_beside(work: Sequence[Beside], settings: Settings, stop: threading.Event) -> None:
    for task in work:
        threading.Thread(target=_until_dead, args=(task, settings, stop), daemon=True).start()


def _until_dead(task: Beside, settings: Settings, stop: threading.Event) -> None:
    """A service whose side work died is not alive: better to end and be started again."""
    try:
        task(settings, stop)
    except Exception:
        log.exception("the service cannot go on")
        os._exit(70)


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
