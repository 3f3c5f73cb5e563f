"""Who is at work, told across processes."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from common.worker.slots import Slots


@contextmanager
def working_beside(slots: Slots) -> Iterator[None]:
    """A process that holds a slot until it is killed."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        with slots.taken():
            os.write(write, b".")
            signal.pause()
    try:
        os.read(read, 1)
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_slots_are_spare_while_nobody_else_works() -> None:
    slots = Slots(3)
    with slots.taken():
        assert slots.spare() == 2
        assert slots.spare() == 2, "asking changes nothing"
        with working_beside(slots):
            assert slots.spare() == 1
        assert slots.spare() == 2, "a process that dies gives its slot back"


def test_asking_takes_no_slot_from_who_holds_it() -> None:
    slots = Slots(2)
    with slots.taken():
        slots.spare()
        told: list[int] = []
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(write, bytes([slots.spare()]))
            os._exit(0)
        told.append(os.read(read, 1)[0])
        os.waitpid(pid, 0)
        assert told == [1], "the other process sees that one of the two is held"


def test_one_slot_is_never_spare_to_who_holds_it() -> None:
    slots = Slots(1)
    with slots.taken():
        assert slots.spare() == 0
