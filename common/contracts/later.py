"""Outcomes of a handler whose work goes on elsewhere: the step waits, and holds no worker meanwhile.

A ticket is the handler's own note to itself, by which any worker can look after the work on the other side: the id of
a job there, an idempotency key, or JSON with both. It is written into the record before the step is given to anybody
again, so the first look at the other side always comes after that.
"""

from typing import NamedTuple

LONGEST_TICKET = 4096
"Characters."


class Later(NamedTuple):
    """The other side is at work: run this step again after `seconds`, or when it is woken."""

    ticket: str
    seconds: float
    note: str = ""
    "For a reader: who is waited for, such as `MiniMax is at work on it`."


class Unknown(NamedTuple):
    """Nobody can tell whether the other side has taken the work, so the step is never repeated by itself.

    It runs again when it is woken. After `seconds` it has failed, and the film goes on without it.
    """

    ticket: str
    seconds: float
    note: str
    "For a reader: what is not known."
