"""Outcomes of a handler whose work goes on elsewhere: the step waits, and holds no worker meanwhile.

A ticket is the handler's own note to itself, by which any worker can look after the work on the other side: the id of
a job there, an idempotency key, or JSON with both. It is written into the record before the step is given to anybody
again, so the first look at the other side always comes after that.

One order may have several tickets, one after the other (a key first, then key and id): each must do for calling it off.
"""

import math
from typing import NamedTuple

LONGEST_TICKET = 4096
"Characters."
SHORTEST_WAIT, LONGEST_WAIT = 0.1, 7 * 24 * 3600.0
"Seconds."


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


def checked(outcome: Later | Unknown) -> Later | Unknown:
    """The outcome with a time that can be waited for: a ticket must not get lost for a number that is none.

    Raises `ValueError` for a ticket that cannot be kept.
    """
    if not isinstance(outcome.ticket, str) or not 0 < len(outcome.ticket) <= LONGEST_TICKET:
        raise ValueError(f"a ticket has 1 to {LONGEST_TICKET} characters")
    seconds = outcome.seconds if isinstance(outcome.seconds, int | float) and not math.isnan(outcome.seconds) else 0.0
    return outcome._replace(seconds=min(LONGEST_WAIT, max(SHORTEST_WAIT, seconds)), note=str(outcome.note or ""))
