"""The embedded Redis' file of all writes: whether it is whole, and how it is cut off where it is damaged.

The tool that does it is `redis-server` itself, under another name; no package has it as a program of its own.
"""

import shutil
import subprocess
import time
from pathlib import Path

from infra.local import Plan, StackError, redis_server

CHECK = "redis-check-aof"
PATIENCE = 600.0
"Seconds; a file of a gigabyte takes a few."


def damaged(plan: Plan) -> bool:
    """True if there is such a file and it is not whole. Its last write may be cut off: that Redis bears by itself."""
    path = _file(plan)
    return path is not None and _check(path).returncode != 0


def repair(plan: Plan) -> str:
    """Cuts the file off where it is damaged; a copy of what it was stays beside it. Returns what was done, in words.

    Raises `StackError` if the file cannot be mended so.
    """
    path = _file(plan)
    if path is None or _check(path).returncode == 0:
        return "the record of jobs is whole; there is nothing to repair"
    copy = plan.data / (f"redis-damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
    try:
        shutil.copytree(plan.data / "redis", copy)
        done = _check(path, "--fix")
    except OSError as error:
        raise StackError(f"the record of jobs in {path.parent} cannot be repaired ({error.strerror})") from None
    if done.returncode != 0:
        raise StackError(
            f"the record of jobs in {path.parent} is damaged from its beginning and cannot be repaired; to begin "
            "without it, move that folder away: films that have ended stay in the store"
        )
    return (
        f"the record of jobs was damaged and ends now before the damage; what was written behind it is lost, "
        f"but the films and manifests of jobs that had ended are in the store. As it was it is kept in {copy}"
    )


def advice(plan: Plan) -> str:
    """What to do about a damaged file, as a sentence."""
    return (
        f"the record of jobs in {plan.data / 'redis'} is damaged; `./reel up --data {plan.data} --repair` cuts it off "
        "where the damage begins, and keeps a copy"
    )


def _file(plan: Plan) -> Path | None:
    """That of the Redis release in use: one file until 6.2, several with a manifest since."""
    folder = plan.data / "redis"
    known = (folder / "appendonlydir" / "appendonly.aof.manifest", folder / "appendonly.aof")
    return next((path for path in known if path.exists()), None)


def _check(path: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Under the name of the tool the server is the tool. It asks before it cuts anything off."""
    return subprocess.run(
        [CHECK, *options, path.name],
        executable=redis_server(),
        cwd=path.parent,
        input=b"y\n",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
