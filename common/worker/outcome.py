"""Outcomes of the attempts that a worker makes."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of an attempt at a step. If the step could not be claimed, there is a `claims.NotClaimed` instead."""

    DONE = "done"
    "Its facts are the result."
    KNOWN = "known"
    "Another job's attempt at the same work was first: its facts are the result."
    DEFERRED = "deferred"
    "Its work goes on elsewhere: it will be looked at again."
    UNKNOWN = "unknown"
    "Its work may go on elsewhere; nobody knows."
    FAILED = "failed"
    LOST = "lost"
    "The claim was over before anything was reported."
    UNHEARD = "unheard"
    "The store did not answer as long as the lease lasted. The report may have been heard or not."
    CALLED_OFF = "called_off"
    "Stopped because its job was cancelled, or had ended."
    RELEASED = "released"
    "Handed back unfinished, because the service ends."
    DRAINING = "draining"
    "Not begun, or stopped, because the service ends."
    TIMED_OUT = "timed_out"
    "Stopped because it took longer than a step may."


KEPT = frozenset({Outcome.DONE, Outcome.UNHEARD})
"Outcomes after which the objects of the attempt stay: its facts are the result, or may be."
MAY_COMMIT = frozenset({Outcome.DRAINING, Outcome.TIMED_OUT})
"Stopped for time only: a result that is there nevertheless counts."
