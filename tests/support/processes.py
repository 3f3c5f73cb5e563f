"""The process table, read from /proc."""

from pathlib import Path


def find(word: str, under: int | None = None) -> list[int]:
    """Live processes with `word` in the program's name or an argument of it; `under` asks for descendants of one."""
    candidates = descendants(under) if under is not None else _all()
    return [pid for pid in candidates if _is(pid, word)]


def children_of(pid: int) -> list[int]:
    return [child for child in _all() if _parent(child) == pid]


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


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
