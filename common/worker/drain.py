"""A flag that tells all processes of a service that it is about to end."""

import ctypes
import math
import mmap
import time


class Drain:
    """Made before the service forks, so that its pool children see what its main process writes.

    It is one number in shared memory, written without a lock: a signal handler may do so at any moment.
    """

    def __init__(self) -> None:
        # Seconds of the monotonic clock, which all processes of a machine share; 0 while nothing ends.
        self._until = ctypes.c_double.from_buffer(mmap.mmap(-1, ctypes.sizeof(ctypes.c_double)))

    def begin(self, seconds: float) -> None:
        """From now on no step is started, and those that run have so many seconds. Safe to call again."""
        if not self.began:
            self._until.value = time.monotonic() + seconds

    @property
    def began(self) -> bool:
        return self._until.value > 0

    @property
    def left(self) -> float:
        """Seconds that running steps still have; infinite while nothing ends."""
        return self._until.value - time.monotonic() if self.began else math.inf
