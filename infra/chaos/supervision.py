"""The stack of a site, in a process of its own, so that its supervisor can be killed like any other program.

`python -m infra.chaos.supervision` reads one line of JSON, an order, from standard input and runs the stack until that
input ends. On standard output it tells, in lines of JSON, that the stack is up, which programs run, and why it ended.
"""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from infra import local
from infra.local import Plan, StackError
from infra.log_files import to_files
from infra.stack import Stack, StackStopped
from infra.supervisor import GaveUp, Patience, Program, Sink

DOGGED = Patience(first_pause=0.2, longest_pause=0.5, steady=60.0, max_falls=None)
"Programs that are killed on purpose must be started again, however often."
READY = re.compile(r"\bready\.$")
"A line in which a worker says that it takes hints."
STOP_SECONDS = 60.0
"More than an ordered stop can take."


@dataclass(frozen=True)
class Order:
    """The stack to run. `own` is the environment, `copies` has services of which several run."""

    plan: Plan
    own: Mapping[str, str]
    copies: Mapping[str, int] = field(default_factory=dict)
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    "Of services that run another program than usual."
    prefixes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    "By the name of a program, the words before its command: how it is started."

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "plan": {**asdict(self.plan), "data": str(self.plan.data)}})

    @classmethod
    def from_json(cls, text: str) -> "Order":
        found = json.loads(text)
        plan = found.pop("plan")
        return cls(Plan(**{**plan, "data": Path(plan["data"])}), **found)

    def programs(self, env: Mapping[str, str]) -> list[Program]:
        """The services, and the copies of them."""
        found = []
        for program in local.services(env):
            command = self.commands.get(program.name, program.command)
            found += [replace(program, name=name, command=command) for name in names_of(program.name, self.copies)]
        return found

    def placed(self, program: Program) -> Program:
        """The program, as it is started."""
        return replace(program, command=[*self.prefixes.get(program.name, ()), *program.command])


def names_of(service: str, copies: Mapping[str, int]) -> list[str]:
    """The names of the programs of a service, of which there may be several copies."""
    return [service, *(f"{service}.{number}" for number in range(2, copies.get(service, 1) + 1))]


class Supervision:
    """The process that runs the stack, as its site sees it."""

    def __init__(self, order: Order) -> None:
        self._order = order.to_json()
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread()
        self._up = threading.Event()
        self._leaving = False
        self.pids: Mapping[str, int] = {}
        "The main process of every program that runs now, by its name."
        self.ready: Mapping[str, int] = {}
        "Of these, the ones that have said that they take hints."
        self.failure = ""
        "Why the stack ended by itself; empty as long as it did not."

    def start(self) -> None:
        """Returns when the stack is up; raises `StackError` when that will not happen."""
        self._up.clear()
        self._leaving, self.failure = False, ""
        command = [sys.executable, "-m", "infra.chaos.supervision"]
        # A session of its own: Ctrl-C is for us, and we stop it in order.
        self._process = subprocess.Popen(
            command, cwd=local.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), name="supervision")
        self._reader.start()
        with contextlib.suppress(BrokenPipeError):  # why it is gone is what it says last
            self._process.stdin.write(self._order + "\n")
            self._process.stdin.flush()
        self._up.wait()
        if self.failure:
            raise StackError(self.failure)

    @property
    def pid(self) -> int | None:
        """None while there is none."""
        return self._process.pid if self._process is not None else None

    def kill(self) -> None:
        """Ends the supervisor without a warning. What becomes of its programs is what is to be seen."""
        if self._process is not None:
            self._leaving = True
            self._process.kill()
            self._forget()

    def stop(self) -> None:
        """Ends the stack in order. May be called twice."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._leaving = True
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._reader.join()
        self.pids = self.ready = {}
        self._process = None

    def _read(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                told = json.loads(line)
                self.failure = told.get("failure", self.failure)
                self.pids, self.ready = told.get("pids", self.pids), told.get("ready", self.ready)
                if "up" in told:
                    self._up.set()
        if not self._leaving:
            self.failure = self.failure or "the stack ended by itself"
        self._up.set()


# the process itself


class _Ears:
    """Passes lines on, and hears in them which programs are ready."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._heard: dict[str, int] = {}
        self.pids: Callable[[], Mapping[str, int]] = dict

    def __call__(self, name: str, line: str) -> None:
        if READY.search(line):
            self._heard[name] = self.pids().get(name, 0)
        self._sink(name, line)

    def ready(self, pids: Mapping[str, int]) -> dict[str, int]:
        """Those of the programs that run now that have said so."""
        return {name: pid for name, pid in pids.items() if self._heard.get(name) == pid}


def main() -> int:
    order = Order.from_json(sys.stdin.readline())
    ears = _Ears(to_files(order.plan.folder("logs")))
    stack = Stack(
        order.plan,
        order.own,
        ears,
        _ended,
        patience=DOGGED,
        services=order.programs,
        placed=order.placed,
    )
    ears.pids = lambda: stack.pids
    try:
        stack.start()
        _tell(up=True)
        last: Any = None
        while True:
            pids = stack.pids
            now = {"pids": pids, "ready": ears.ready(pids)}
            if now != last:
                _tell(**now)
                last = now
            stack.tend()
    except StackStopped:
        return 0
    except (GaveUp, StackError, OSError) as failure:
        _tell(failure=str(failure))
        return 1
    finally:
        stack.stop()


def _ended(seconds: float) -> bool:
    """Our owner says nothing more: its input has words only when it has ended."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _tell(**message: Any) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
