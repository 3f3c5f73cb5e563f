"""`python -m common.walls.inside OUTSIDE PORT MEMORY`: tries from inside what the walls shall prevent. Prints JSON.

`OUTSIDE` is a folder with a file `canary` that no right was given to, `PORT` one of this machine that listens, `MEMORY`
the bytes that may be had. Each attempt is answered with `refused`, or with what came of it.
"""

import errno
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from common.walls import kernel
from common.walls.environment import HARMLESS

REFUSALS = (errno.EPERM, errno.EACCES, errno.EFBIG)
"A wall answers with one of these. Any other error is a mistake in the attempt."
REFUSED = "refused"


def attempts(outside: Path, port: int, memory: int) -> dict[str, Callable[[], object]]:
    """By the name that `common.walls.__main__` has for it. Each returns what it got, or raises the error it met."""
    own = Path("own")

    def ring() -> int:
        made = kernel.call("io_uring_setup", 1, bytes(128))
        if made < 0:
            raise OSError(kernel.last_error(), "io_uring_setup")
        return made

    def in_own_folder() -> str:
        own.write_text("x")
        return own.read_text()

    return {
        "internet": lambda: socket.create_connection(("127.0.0.1", port), timeout=5),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix": lambda: socket.socket(socket.AF_UNIX),
        "pair": socket.socketpair,
        "ring": ring,
        "fork": _fork,
        "signal": lambda: os.kill(os.getppid(), 0),
        "limits": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
        "memory": lambda: len(bytearray(memory)),
        "large file": lambda: Path("large").write_bytes(bytes(1 << 20)),
        "symlink": lambda: Path("link").symlink_to(outside / "canary"),
        "chmod": lambda: os.chmod(outside / "canary", 0o777),
        "environment": lambda: sorted(os.environ.keys() - HARMLESS),
        "own folder": in_own_folder,
        "read": lambda: (outside / "canary").read_text(),
        "read environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()[:1],
        "list": lambda: os.listdir(outside),
        "write": lambda: (outside / "new").write_text("x"),
        "overwrite": lambda: (outside / "canary").write_text("x"),
        "remove": lambda: (outside / "canary").unlink(),
    }


def _fork() -> int:
    child = os.fork()
    if not child:
        os._exit(0)
    return child


def outcome(attempt: Callable[[], object]) -> str:
    try:
        return f"got {attempt()!r}"
    except MemoryError:
        return REFUSED
    except OSError as error:
        return REFUSED if error.errno in REFUSALS else f"failed with {error!r}"


def main() -> None:
    outside, port, memory = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({name: outcome(attempt) for name, attempt in attempts(outside, port, memory).items()}))


if __name__ == "__main__":
    main()
