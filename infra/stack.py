"""The whole system on one machine with nothing installed: Redis, an S3 store and the five services.

`python -m infra.stack --data DIR` runs it until its standard input ends or a signal comes. Whoever started it
holds the other end of that input, so it stops in good order even when its owner was killed. Any word there means that
the data folder shall stay, `--discard` or not. On standard
output it says, as one line of JSON, where the API is or why there is none.
"""

import argparse
import json
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import redis
import requests

from common.errors import ReelwrightError
from common.logs import TEXT, line_of
from common.settings import BadSetting, Settings
from common.storage.s3 import S3Storage
from infra import local, repair
from infra.local import Plan, StackError
from infra.log_files import to_files
from infra.supervisor import GaveUp, Patience, Program, Sink, Supervisor
from infra.voices import with_fetched_voices

START_SECONDS = 90.0
TICK = 0.2
BEYOND_DRAIN = 7.0
"A service whose step does not end within its time ends without it, a few seconds later."
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StackStopped(Exception):
    """The stack was asked to end."""


class NotUp(StackError):
    """Something did not get ready in time."""


class NotReady(Exception):
    """The API answers that something is missing."""


class Stack:
    """One running system. Make it, `start` it, and call `tend` until it is time to `stop`.

    `ended` waits for at most the seconds it is given and returns True if the stack shall end. `services` makes
    the programs that run in an environment.
    """

    def __init__(
        self,
        plan: Plan,
        own: Mapping[str, str],
        sink: Sink,
        ended: Callable[[float], bool],
        *,
        patience: Patience | None = None,
        services: Callable[[Mapping[str, str]], list[Program]] = local.services,
        placed: Callable[[Program], Program] = lambda program: program,
    ) -> None:
        """`placed` says of each program how it is started here."""
        self._plan, self._own, self._ended, self._services, self._placed = plan, own, ended, services, placed
        form = own.get("LOG_FORMAT") or TEXT
        self._supervisor = Supervisor(sink, patience, lambda text: line_of("supervisor", form, text))
        self.notes: tuple[str, ...] = ()
        "What is to be said of the settings, once they were read."

    @property
    def pids(self) -> dict[str, int]:
        """The main process of every program that runs now, by its name."""
        return self._supervisor.pids()

    def start(self) -> None:
        """Returns when jobs can be done; raises `StackError` or `GaveUp` when that will not happen."""
        plan = self._plan
        env = local.environment(plan, self._own)
        reading = Settings.read(env)
        settings, self.notes = reading.settings, reading.notes
        self._supervisor.grant(settings.drain_seconds + BEYOND_DRAIN)
        for program in (local.redis_program(plan), local.s3_program(plan), local.front_program(plan)):
            self._supervisor.start(self._placed(program))
        self._wait_for_redis(settings)
        self._until(S3Storage(settings).make_buckets, "the object store")
        for program in self._services(env):
            self._supervisor.start(self._placed(program))
        self._until(lambda: _ready(plan.url), "the services")

    def _wait_for_redis(self, settings: Settings) -> None:
        try:
            self._until(redis.Redis.from_url(settings.state_url, socket_timeout=2).ping, "Redis")
        except GaveUp as failure:
            if failure.name == local.REDIS and repair.damaged(self._plan):
                raise StackError(repair.advice(self._plan)) from None
            raise

    def tend(self) -> None:
        """Keeps everything running and waits a moment; call it without pause.

        Raises `StackStopped` at the end, `GaveUp` for a program that cannot stay up.
        """
        if self._ended(TICK):
            raise StackStopped
        self._supervisor.tend()

    def endure(self) -> None:
        """From now on no program is given up: a service that works for many must outlive the trouble of one part."""
        self._supervisor.endure()

    def stop(self) -> None:
        self._supervisor.stop()

    def _until(self, check: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        why = ""
        while time.monotonic() < deadline:
            try:
                check()
                return
            except (redis.RedisError, ReelwrightError, requests.RequestException, NotReady) as error:
                why = str(error) if isinstance(error, NotReady) else ""
            self.tend()
        raise NotUp(f"{what} did not get ready within {START_SECONDS:.0f} s{why and ': '}{why}")


def _ready(url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False  # no proxy between us and ourselves
        answer = session.get(f"{url}/readyz", timeout=5)
    body = answer.json()
    if answer.status_code != 200:
        raise NotReady(body.get("detail", ""))
    if missing := body.get("missing_workers"):
        raise NotReady(f"missing: {', '.join(f'a worker of {service}' for service in missing)}")


def main() -> int:
    arguments = _arguments()
    os.umask(~local.PRIVATE & 0o777)  # of this process and of all that it starts
    told, kept = threading.Event(), threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: told.set())

    def ended(seconds: float) -> bool:
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return told.is_set()
        word = os.read(sys.stdin.fileno(), 4096)
        if word:
            kept.set()  # all that our owner has to say: what is here is wanted after all
        return not word or told.is_set()

    try:
        with local.held(arguments.data), _discarded(arguments.data if arguments.discard else None, kept):
            plan = Plan.make(arguments.data, arguments.host, arguments.port)
            if arguments.repair:
                _to_terminal("stack", repair.repair(plan))
            sink = _to_terminal if arguments.logs == "terminal" else to_files(plan.folder("logs"))
            env = with_fetched_voices(local.own_settings(local.ROOT, os.environ))
            _run(Stack(plan, env, sink, ended), plan.url, arguments.endure)
    except StackStopped:
        return 0
    except (GaveUp, NotUp) as failure:
        _tell(error=f"{failure} ({_where_logs(arguments)})")
    except BadSetting as error:
        _tell(error=str(error), settings="wrong")
    except StackError as error:
        _tell(error=str(error))
    except OSError as error:
        _tell(error=f"{error.filename or 'a file'} cannot be used ({error.strerror})")
    return 1


def _run(stack: Stack, url: str, endure: bool) -> NoReturn:
    try:
        stack.start()
        if endure:
            stack.endure()
        _tell(url=url, notes=stack.notes)
        while True:
            stack.tend()
    finally:
        stack.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.stack", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder for jobs, objects and logs")
    parser.add_argument("--discard", action="store_true", help="remove that folder at the end")
    parser.add_argument("--endure", action="store_true", help="once it is up, start again whatever falls, for ever")
    parser.add_argument("--repair", action="store_true", help="first cut off the record of jobs where it is damaged")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 takes a free one")
    parser.add_argument("--logs", choices=("files", "terminal"), default="files")
    return parser.parse_args()


def _where_logs(arguments: argparse.Namespace) -> str:
    if arguments.logs == "terminal":
        return "the log is above"
    return "--data DIR keeps the logs" if arguments.discard else f"the logs are in {arguments.data / 'logs'}"


@contextmanager
def _discarded(folder: Path | None, kept: threading.Event) -> Iterator[None]:
    """Removes the folder after the block, unless it is to be kept."""
    try:
        yield
    finally:
        if folder and not kept.is_set():
            shutil.rmtree(folder, ignore_errors=True)


def _tell(**message: str | Sequence[str]) -> None:
    try:
        print(json.dumps(message), flush=True)
    except BrokenPipeError:
        pass  # our owner is gone; standard input says so too


_terminal = threading.Lock()


def _to_terminal(name: str, line: str) -> None:
    if not line:
        return
    try:
        with _terminal:
            sys.stderr.write(f"{name:<14} | {line}\n")
    except OSError:
        pass  # nobody is reading any more


if __name__ == "__main__":
    sys.exit(main())
