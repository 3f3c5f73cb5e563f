"""Which of a service's slots on this machine are at work, known to all its processes and true whatever becomes of them.

Each slot is one byte of a nameless file, and working means holding a lock on it: the kernel takes locks away from
processes that die, so nobody is ever counted who is not there. Record locks belong to a process, not to what it
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
        self._mine = next((place for place in range(self._count) if self._lock(place)), None)
        try:
            yield
        finally:
            mine, self._mine = self._mine, None
            if mine is not None:
                self._unlock(mine)

    def spare(self) -> int:
        """How many slots nobody holds, to this process, which holds one itself."""
        free = [place for place in range(self._count) if place != self._mine and self._lock(place)]
        for place in free:
            self._unlock(place)
        return len(free)

    def _lock(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return False
        return True

    def _unlock(self, place: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
