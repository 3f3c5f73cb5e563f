"""The process table, read from /proc, and signals to whole families of processes."""

import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and all its descendants, ancestors first."""
    children: dict[int, list[int]] = {}
    for one in _all():
        children.setdefault(_parent(one), []).append(one)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def owners(programs: Mapping[str, int]) -> dict[int, str]:
    """By process, the program that it is a process of; `programs` has the main process of each."""
    parents = {one: _parent(one) for one in _all()}
    found = {pid: name for name, pid in programs.items()}
    return {one: name for one in parents if (name := _above(one, parents, found))}


def _above(pid: int, parents: Mapping[int, int], programs: Mapping[int, str]) -> str:
    while pid in parents:
        if pid in programs:
            return programs[pid]
        pid = parents[pid]
    return ""


def marked(entry: str, folder: Path) -> list[int]:
    """Live processes that were started with `entry` (`NAME=value`) in their environment, or that work in `folder`.

    The folder finds processes with an environment of their own: ffmpeg, and programs that write over theirs to
    change their title, as Redis does.
    """
    return [pid for pid in _all() if alive(pid) and (_started_with(pid, entry) or works_in(pid, folder))]


def works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder.resolve())
    except OSError:
        return False


def alive(pid: int) -> bool:
    """True if the process runs or is frozen; False if it is dead, even if not yet collected."""
    return _state(pid) not in ("", "Z")


def frozen(pid: int) -> bool:
    return _state(pid) == "T"


def command_of(pid: int) -> str:
    """The name of the program that the process runs, without its folder; empty if it is gone."""
    try:
        return Path(os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])).name
    except OSError:
        return ""


def name_of(pid: int) -> str:
    """The command line, shortened, for a person."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({b' '.join(words).decode(errors='replace').strip()[:120]})"


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends the signal to all that are still alive."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def freeze(pid: int) -> list[int]:
    """Stops a process and its descendants, and returns those that ran. A frozen one starts no child, so this ends."""
    seen, stopped = set[int](), list[int]()
    while more := [one for one in family(pid) if one not in seen]:
        running = [one for one in more if not frozen(one)]
        send(running, signal.SIGSTOP)
        stopped += running
        seen.update(more)
    return stopped


def _all() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _started_with(pid: int, entry: str) -> bool:
    try:
        return entry.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
