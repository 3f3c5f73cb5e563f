"""`python -m common.walls`: tries on this machine what the walls around decoders hold. Ends with 1 if they do not.

It starts a program as media are decoded, which tries from the inside what it shall not be able to do.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from common import launcher
from common.walls import kernel
from common.walls.environment import OF_PYTHON, environment
from common.walls.inside import REFUSED
from common.walls.rules import SOURCES, Walls

MEMORY = 512 * 1024**2
SECONDS = 60
SECRET = "S3_SECRET_KEY"
"A setting of ours that the program is started with."
ALWAYS = {
    "no socket can be opened: no network, no Redis, no object store": ("internet", "datagram", "unix", "pair", "ring"),
    "no process can be started, and none signalled or limited": ("fork", "signal", "limits"),
    "no more memory than allowed": ("memory",),
    "no larger files than allowed": ("large file",),
    "no links and no other rights for files": ("symlink", "chmod"),
}
"Each wall that must hold everywhere, and the attempts that it must refuse."
WITH_LANDLOCK = {
    "no file outside can be read, nor the environment of other processes": ("read", "read environment", "list"),
    "no file outside can be made, changed or removed": ("write", "overwrite", "remove"),
}
OPEN = {
    "no setting of ours in the environment": ("environment", "got []"),
    "its own folder can be used": ("own folder", "got 'x'"),
}
"What must come of an attempt that is not refused."


def tried() -> dict[str, str]:
    """What came of each attempt of `common.walls.inside`, by name. Raises `OSError` if there are no walls at all."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as trap:
        inside, outside = Path(folder, "inside"), Path(folder, "outside")
        inside.mkdir()
        outside.mkdir()
        Path(outside, "canary").write_text("canary")
        walls = Walls(MEMORY, SECONDS, file=1 << 16, write=[inside], code=["common"])
        program = [sys.executable, "-m", "common.walls.inside", str(outside), str(trap.getsockname()[1]), str(MEMORY)]
        done = subprocess.run(
            launcher.launched(program, walls=walls),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=inside,
            timeout=SECONDS,
            env={**environment(inside, PYTHONPATH=str(SOURCES), **OF_PYTHON), SECRET: "canary"},
        )
    if done.returncode:
        raise OSError(done.stderr.strip().rpartition("\n")[2] or f"the program ended with code {done.returncode}")
    return dict(json.loads(done.stdout))


def holds(came: Mapping[str, str]) -> dict[str, bool]:
    """Which of the walls hold, by their names in the tables above."""
    refusing = {**ALWAYS, **WITH_LANDLOCK}
    found = {wall: all(came[name] == REFUSED for name in names) for wall, names in refusing.items()}
    return found | {wall: came[name] == wanted for wall, (name, wanted) in OPEN.items()}


def main() -> int:
    version = kernel.landlock_version()
    print(f"kernel {os.uname().release} on {os.uname().machine}, Landlock: {version or 'none for us'}")
    try:
        came = tried()
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"FAILS    {error}")
        return 1
    failed = False
    for wall, held in holds(came).items():
        excused = wall in WITH_LANDLOCK and not version
        failed |= not held and not excused
        print(f"{'holds' if held else 'missing' if excused else 'FAILS':8} {wall}")
    for name, what in came.items():
        if failed and what != REFUSED:
            print(f"         {name}: {what}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
