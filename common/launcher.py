"""Starts a program that dies with its parent: `python -I -S launcher.py PARENT_PID PROGRAM ARGUMENT...`

PR_SET_PDEATHSIG must be set in the child, and a `preexec_fn` is unsafe in a process with threads, so
this small program sets it and becomes the other one. The kernel sends the signal when the *thread*
that spawned us ends, so spawn from a thread that lives as long as the work.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Asks the kernel for SIGKILL on the death of the parent; ends at once if it is dead already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(137)


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    die_with_parent(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
