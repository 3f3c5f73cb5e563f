"""The cost of programs, as the kernel counts it: time, processor time and memory."""

import bisect
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.report import NotMeasured
from infra.chaos.processes import family

TICKS = os.sysconf("SC_CLK_TCK")
LOOKS_PER_SECOND = 10
NOTES_PER_SECOND = 5
MACHINE = "machine"
"The group of all processes of this machine."
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


def bytes_through(pid: int) -> int:
    """Bytes that a process has written since it began, to disks and to others. What a store takes in it writes to a
    disk, and what it gives away to others, so of a store this is all that went through it."""
    lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["wchar"])


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


class Trace:
    """Processor seconds of groups of processes as they go on, noted as long as the block lasts."""

    def __init__(self, groups: Mapping[str, Callable[[], Iterable[int]]], often: float = NOTES_PER_SECOND) -> None:
        """`groups` are functions that name the ancestors of all processes of a group."""
        self._groups, self._pause = groups, 1 / often
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._times: list[float] = []
        self._notes: dict[str, list[float]] = {name: [] for name in (*groups, MACHINE)}

    def __enter__(self) -> "Trace":
        self._note()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._note()

    def used(self, group: str, begin: float, end: float) -> float:
        """Processor seconds of a group, or of the whole machine, between two times of this machine's clock."""
        return self._at(group, end) - self._at(group, begin)

    def _at(self, group: str, time: float) -> float:
        notes = self._notes[group]
        after = min(max(bisect.bisect(self._times, time), 1), len(notes) - 1)
        (begin, end), (low, high) = self._times[after - 1 : after + 1], notes[after - 1 : after + 1]
        share = (time - begin) / (end - begin) if end > begin else 1.0
        return low + (high - low) * min(max(share, 0.0), 1.0)

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            self._note()

    def _note(self) -> None:
        for name, pids in self._groups.items():
            notes = self._notes[name]
            # An ended process is missing for the moment between its end and its being collected.
            notes.append(max([sum(map(_cpu, _descended(pids()))), *notes[-1:]]))
        self._notes[MACHINE].append(_busy())
        self._times.append(time.time())


def _busy() -> float:
    """Processor seconds that the whole machine has worked since it was started."""
    user, nice, system, _, _, interrupt, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + interrupt + soft) / TICKS


def _descended(pids: Iterable[int]) -> list[int]:
    """The processes and their living descendants: the same as `family`, without a look at all others."""
    found = list(pids)
    for pid in found:
        found += _children(pid)
    return found


def _children(pid: int) -> set[int]:
    """Children that any thread of a process has started and not yet collected."""
    found: set[int] = set()
    try:
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found.update(map(int, path.read_text().split()))
    except OSError:
        pass
    return found
