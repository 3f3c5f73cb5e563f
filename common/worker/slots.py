"""The slots of a service on this machine that are at work, known to all its processes, and right even if some die.

Each slot is one byte of a nameless file, and working means holding a lock on it: the kernel takes locks away from
processes that die, so none of them is counted any more. Record locks belong to a process, not to what it
inherited, so the file is opened once, before the service forks.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """`count` slots, at least one."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._file = os.memfd_create("slots")
        weakref.finalize(self, os.close, self._file)
        self._mine: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Holds a slot meanwhile; goes on without one if all seem to be held."""
        self._mine = next((slot for slot in range(self._count) if self._lock(slot)), None)
        try:
            yield
        finally:
            mine, self._mine = self._mine, None
            if mine is not None:
                self._unlock(mine)

    def spare(self) -> int:
        """The number of slots that nobody holds, as seen by this process, which holds one itself."""
        free = [slot for slot in range(self._count) if slot != self._mine and self._lock(slot)]
        for slot in free:
            self._unlock(slot)
        return len(free)

    def _lock(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            return False
        return True

    def _unlock(self, slot: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)
