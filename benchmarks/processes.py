"""The cost of programs, as the kernel counts it: time, processor time and memory."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.report import NotMeasured
from infra.chaos.processes import family

TICKS = os.sysconf("SC_CLK_TCK")
LOOKS_PER_SECOND = 10
LAST_WORDS = 800
MEGABYTE = 10**6


@dataclass(frozen=True)
class Cost:
    """The cost of one program."""

    seconds: float
    cpu: float
    "Processor seconds."
    memory: float
    "Most megabytes that it had in memory."


def run(command: Sequence[str], folder: Path) -> Cost:
    """Runs a program to its end. Raises `NotMeasured` with its last words if it fails."""
    cost, _ = run_and_read(command, folder)
    return cost


def run_and_read(command: Sequence[str], folder: Path) -> tuple[Cost, str]:
    """The same, with the text it wrote to its standard error."""
    with tempfile.TemporaryFile() as words:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        text = words.read().decode(errors="replace")
    if process.returncode:
        raise NotMeasured(f"{Path(command[0]).name} ended with code {process.returncode}: {text[-LAST_WORDS:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / MEGABYTE), text


def cpu_of(pids: Iterable[int]) -> float:
    """Processor seconds that these processes and all their descendants have used since they began.

    An ended process counts through the one that collected it, so nothing is missing as long as the ancestors live.
    """
    everybody = {one for pid in pids for one in family(pid)}
    return sum(map(_cpu, everybody))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it ended in this moment, and is counted where it was collected
    return sum(map(int, fields[11:15])) / TICKS


@dataclass
class Seen:
    """A program that was seen at work; times are seconds since the machine was started."""

    began: float
    last: float
    memory: float = 0.0
    "Most megabytes."


class Watch:
    """Watches, as long as the block lasts, children of the given processes whose command line names `file`.

    A look reads a few small files, so that it takes nothing worth mentioning from what is measured.
    """

    def __init__(self, parents: Iterable[int], file: str, often: float = LOOKS_PER_SECOND) -> None:
        self._parents = [one for pid in parents for one in family(pid)]
        self._file, self._pause = file.encode(), 1 / often
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: dict[int, Seen] = {}

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def memory(self) -> float:
        """The most that any of them had, in megabytes."""
        return max((one.memory for one in self.seen.values()), default=0.0)

    @property
    def seconds(self) -> float:
        """Seconds they worked, added up; nobody saw them end, so half a pause is added for that."""
        return sum(one.last - one.began + self._pause / 2 for one in self.seen.values())

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            for parent in self._parents:
                for pid in _children(parent):
                    self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            if pid not in self.seen:
                if self._file not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return
                began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) / TICKS
                self.seen[pid] = Seen(began, began)
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return  # it has just ended
        held = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
        if held is not None:  # else it is dead and waits for being collected
            one = self.seen[pid]
            one.last = time.clock_gettime(time.CLOCK_BOOTTIME)
            one.memory = max(one.memory, int(held) * 1024 / MEGABYTE)


def _children(pid: int) -> set[int]:
    """Children that any thread of a process has started and not yet collected."""
    found: set[int] = set()
    try:
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found.update(map(int, path.read_text().split()))
    except OSError:
        pass
    return found
