"""Log files of the embedded stack: one per program, bounded in size."""

import os
from pathlib import Path

from infra.supervisor import Sink

MOST_BYTES = 10 * 2**20
"Of one file; then it is put aside and a new one begun."
OLD = 2
"Files of each program that are put aside: `renderer.log.1` is the last one."


def to_files(folder: Path, most_bytes: int = MOST_BYTES) -> Sink:
    """A sink that appends to one log file per program."""

    def write(name: str, line: str) -> None:
        path = folder / f"{name}.log"
        try:
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(line + "\n")
                size = file.tell()
            if size >= most_bytes:
                _put_aside(path)
        except OSError:
            pass  # a full disk must not stop the program that writes

    return write


def _put_aside(path: Path) -> None:
    for number in range(OLD, 0, -1):
        source = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
        if source.exists():
            os.replace(source, path.with_name(f"{path.name}.{number}"))
