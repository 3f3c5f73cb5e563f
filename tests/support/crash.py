"""Ends a process at one chosen point of its input and output, as a power cut would.

`run_step` runs one step in this process, with every call to the stores and everything it does with files and
processes numbered; at the point that was asked for, the process ends without a word. Meant to be the target of a
process of its own, because what the interpreter is told to watch is watched for ever.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.contracts.base import Contract
from common.contracts.later import Later, Unknown
from common.errors import Retryable
from common.jobs.store import connect
from common.settings import Settings
from common.storage.s3 import S3Storage
from common.worker.drain import Drain
from common.worker.runner import Handler, StepRunner
from common.worker.steprun import StepRun
from infra.chaos.far_provider import FarProvider
from tests.support import tiny_films
from tests.support.ready import TOOLCHAINS

KILLED = 137
STORE_CALLS = {"claim", "commit", "defer", "fail", "keep_ticket", "release"}
CERTAIN_SECONDS = 0.5
FILE_EVENTS = {"os.mkdir", "os.rename", "shutil.rmtree", "fcntl.flock", "subprocess.Popen"}
"Of those that the interpreter tells its auditors; `open` counts, too, within the scratch folder."
WORKS, FAILS, DRAINS = "works", "fails", "drains"


class Points:
    """Counts points by name and ends the process at one of them. Main thread only, but for the heart's first beat."""

    def __init__(self, end_at: str, scratch: str) -> None:
        self._end_at, self._scratch = end_at, scratch
        self._count: Counter[str] = Counter()
        self.passed: list[str] = []
        self.beaten = threading.Event()

    def pass_by(self, point: str) -> None:
        self.passed.append(point)
        if point == self._end_at:
            os._exit(KILLED)

    def call(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def around(*arguments: Any, **more: Any) -> Any:
            self._count[name] += 1
            number = self._count[name]
            self.pass_by(f"before {name} {number}")
            answer = call(*arguments, **more)
            self.pass_by(f"after {name} {number}")
            return answer

        return around

    def beat(self, call: Callable[..., Any]) -> Callable[..., Any]:
        first = self.call("beat", call)

        def around(*arguments: Any) -> Any:
            answer = call(*arguments) if self.beaten.is_set() else first(*arguments)
            self.beaten.set()
            return answer

        return around

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if threading.current_thread() is not threading.main_thread():
            return
        ours = event in FILE_EVENTS or (event == "open" and str(arguments[0]).startswith(self._scratch))
        if ours:
            self._count[event] += 1
            self.pass_by(f"before {event} {self._count[event]}")


class Watched:
    """A store of which some calls are points."""

    def __init__(self, target: Any, calls: dict[str, Callable[..., Any]]) -> None:
        self._target, self._calls = target, calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._target, name)


def run_step(
    settings: Settings, job_id: str, step: str, how: str, end_at: str, log: Path, passed: Path, studio: str = ""
) -> None:
    """Runs the step until the point `end_at`. If it is never reached, the points that were are written to `passed`.

    `studio` is the address of a far studio at which footage may be ordered.
    """
    points = Points(end_at, settings.work_dir)
    drain = Drain()
    runner = StepRunner(
        settings,
        _watched_store(settings, points),
        _watched_storage(settings, points),
        tiny_films.logged(_doing(how, tiny_films.handlers(settings, _far(studio, points)), points, drain), log),
        TOOLCHAINS,
        drain,
    )
    sys.addaudithook(points.hear)
    runner.run(job_id, step)
    passed.write_text(json.dumps(points.passed))


def _far(studio: str, points: Points) -> FarProvider | None:
    if not studio:
        return None
    provider = FarProvider(studio, CERTAIN_SECONDS)
    http: Any = provider._http
    http.ask_json, http.download = points.call("send", http.ask_json), points.call("download", http.download)
    return provider


def _watched_store(settings: Settings, points: Points) -> Any:
    store = connect(settings)
    calls = {name: points.call(name, getattr(store, name)) for name in STORE_CALLS}
    return Watched(store, calls | {"beat": points.beat(store.beat)})


def _watched_storage(settings: Settings, points: Points) -> Any:
    storage = S3Storage(settings)
    names = [name for name in dir(storage) if not name.startswith("_")]
    return Watched(storage, {name: points.call(name, getattr(storage, name)) for name in names})


def _doing(how: str, handlers: Mapping[str, Handler], points: Points, drain: Drain) -> dict[str, Handler]:
    return {kind: _one_doing(how, handler, points, drain) for kind, handler in handlers.items()}


def _one_doing(how: str, handler: Handler, points: Points, drain: Drain) -> Handler:
    def handle(spec: Any, run: StepRun) -> Contract | Later | Unknown:
        points.beaten.wait()  # so that the first beat comes at the same place each time
        facts = handler(spec, run)
        if how == FAILS:
            raise Retryable("it did not work this time")
        if how == DRAINS:
            drain.begin(0.0)
            while True:
                run.check()
                time.sleep(0.01)
        return facts

    return handle
