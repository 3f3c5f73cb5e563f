"""Kind, size and length of many files at once. Also the program that looks at them, within walls:

`python -m retriever.inspection.glance FILE...` prints a line of JSON for each.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av

from common import launcher
from common.errors import BadMedia
from common.walls.environment import OF_PYTHON, environment
from common.walls.rules import SOURCES, Walls
from retriever.inspection.program import Picture, footage_type, inspect

MAX_MEMORY = 2 * 1024**3
CPU_SECONDS = 10
"Of processor time for each file."
TIMEOUT = 60.0
"Seconds of the clock for all of them."


def glance(paths: Sequence[Path]) -> list[Picture | None]:
    """The pictures of the files, in order; None for one that cannot be shown, or that takes too much to look at."""
    found: list[Picture | None] = []
    while len(found) < len(paths):
        found += _seen(paths[len(found) :])
        if len(found) < len(paths):
            found.append(None)  # the program ended while it looked at this one
    return found


def _seen(paths: Sequence[Path]) -> list[Picture | None]:
    """Those that one program got done with."""
    walls = Walls(MAX_MEMORY, CPU_SECONDS * len(paths), read=paths, code=["common", "retriever"])
    command = [sys.executable, "-m", "retriever.inspection.glance", *map(str, paths)]
    try:
        said = subprocess.run(
            launcher.launched(command, walls=walls),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            cwd="/",
            env=environment(Path("/"), PYTHONPATH=str(SOURCES), **OF_PYTHON),
        ).stdout
    except subprocess.TimeoutExpired as over:
        said = over.stdout or b""
    # A line that was cut off is not one that was said.
    return [_picture(line) for line in said.decode().split("\n")[:-1]]


def _picture(line: str) -> Picture | None:
    facts = json.loads(line)
    return None if facts is None else Picture(**facts | {"focus": tuple(facts["focus"])})


def main(paths: Sequence[str]) -> None:
    av.logging.set_level(av.logging.PANIC)
    for path in map(Path, paths):
        try:
            facts = inspect(path, footage_type(path))._asdict()
        except (BadMedia, OSError):
            facts = None
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # to take apart what was loaded takes time, and is of no use
