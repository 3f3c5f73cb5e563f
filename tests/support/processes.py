"""The process table, read from /proc, and what child processes inherit."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ctrl_c_works() -> Iterator[None]:
    """Children started in this block heed SIGINT, even where the test run itself was told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def find(word: str, under: int | None = None) -> list[int]:
    """Live processes with `word` in the program's name or an argument of it; `under` asks for descendants of one."""
    candidates = descendants(under) if under is not None else _all()
    return [pid for pid in candidates if _is(pid, word)]


def children_of(pid: int) -> list[int]:
    return [child for child in _all() if _parent(child) == pid]


def marked(variable: str, value: str, folder: Path) -> list[int]:
    """Live processes that were started with this in their environment, or work in `folder`.

    The folder finds programs that write over their environment to change their title, as Redis does.
    """
    entry = f"{variable}={value}".encode()
    return [pid for pid in _all() if _is(pid, "") and (_started_with(pid, entry) or _works_in(pid, folder))]


def working_in(folder: Path) -> list[int]:
    """Live processes whose working directory is `folder` or lies in it, be it removed by now."""
    return [pid for pid in _all() if _is(pid, "") and _works_in(pid, folder)]


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for child in children_of(pid):
        found += [child, *descendants(child)]
    return found


def _all() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _is(pid: int, word: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:3]
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and any(word in part.decode(errors="replace").rpartition("/")[2] for part in words)


def _started_with(pid: int, entry: bytes) -> bool:
    try:
        return entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
