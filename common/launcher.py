"""Starts programs that die with their parent and keep to limits. Itself the program that they start as:
`python -I -S launcher.py PARENT_PID [SMALL_PAGES] [RLIMIT_NAME=MOST]... [WALLS COUNT PATH=RIGHTS...] PROGRAM
ARGUMENT...`

PR_SET_PDEATHSIG must be set in the child, and a `preexec_fn` is unsafe in a process with threads, so
this small program sets it and becomes the other one. The kernel sends the signal when the *thread*
that spawned us ends, so spawn from a thread that lives as long as the work.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:  # not when the launcher starts: these take as long to import as all the others
    import subprocess
    from typing import Any

    from common.walls.rules import Walls

PR_SET_PDEATHSIG = 1
PR_SET_THP_DISABLE = 41
LIMIT = "RLIMIT_"
SMALL_PAGES = "SMALL_PAGES"
WALLS = "WALLS"
GRACE = 10
"Seconds of processor time."


def spawn(
    program: Sequence[str],
    *,
    small_pages: bool = False,
    limits: Mapping[str, int] | None = None,
    walls: "Walls | None" = None,
    **options: "Any",
) -> "subprocess.Popen[Any]":
    """Starts `program` as `launched` says, without input, and in a session of its own, so that a Ctrl+C or a signal
    to our process group does not reach it. Further options are those of `subprocess.Popen`.
    """
    import subprocess

    command = launched(program, small_pages=small_pages, walls=walls, **limits or {})
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)


def launched(
    program: Sequence[str], *, small_pages: bool = False, walls: "Walls | None" = None, **limits: int
) -> list[str]:
    """The command that starts `program` as a child of this process.

    Limits are those of `resource`, such as `RLIMIT_AS` in bytes of address space, `RLIMIT_FSIZE` in bytes of any
    one file it writes, and `RLIMIT_CPU` in seconds. With `small_pages` no memory comes in pages of 2 MiB,
    part of which would lie idle. Within `walls` the program has their limits, only the files that they let it have,
    no network, no other process, and of its environment only what is harmless.
    """
    fences = [] if walls is None else _fences(walls, program[0])
    words = [f"{name}={most}" for name, most in {**(walls.limits if walls else {}), **limits}.items()]
    pages = [SMALL_PAGES] if small_pages else []
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *pages, *words, *fences, *program]


def _fences(walls: "Walls", program: str) -> list[str]:
    from common.walls.kernel import words_of

    rights = words_of(walls.rights(program))
    return [WALLS, str(len(rights)), *rights]


def die_with_parent(parent: int) -> None:
    """Asks the kernel for SIGKILL on the death of the parent; ends at once if it is dead already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(137)


def without_huge_pages() -> None:
    """Turns off pages of 2 MiB for this process and what it becomes."""
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def limit(name: str, most: int) -> None:
    """Limits this process and what it becomes; a stricter existing limit stays."""
    kind = int(getattr(resource, name))
    _, hard = resource.getrlimit(kind)
    # At its time limit a program gets a signal that says so, and a little later one that it cannot ignore.
    most, last = (min(n, hard) if hard != resource.RLIM_INFINITY else n for n in (most, most + GRACE))
    resource.setrlimit(kind, (most, last))


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    die_with_parent(parent)
    for polite in (signal.SIGTERM, signal.SIGINT):
        signal.signal(polite, signal.SIG_DFL)  # our pool children ignore them, which programs would inherit
    limit("RLIMIT_CORE", 0)
    if program[0] == SMALL_PAGES:
        program.pop(0)
        without_huge_pages()
    while program[0].startswith(LIMIT):
        name, _, most = program.pop(0).partition("=")
        limit(name, int(most))
    if program[0] == WALLS:
        program = walled(program)
    os.execvp(program[0], program)


def walled(words: list[str]) -> list[str]:
    """Shuts this process in as the words after `WALLS` say, and returns those after them."""
    sys.path.append(os.path.dirname(os.path.dirname(__file__)))  # the last, so that none of ours hides one of Python's
    from common.walls import environment, kernel

    end = 2 + int(words[1])
    environment.reduce()
    kernel.enclose(kernel.rights_of(words[2:end]))
    return words[end:]


if __name__ == "__main__":
    main()
