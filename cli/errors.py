"""Exit codes, and the errors of commands."""

from collections.abc import Callable, Sequence
from typing import Any

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """`str(error)` is what the user sees, a line for each fault; `code` is the exit code."""

    code = FAILED


class BadInput(CommandError):
    """The user must change something: an option, a file."""

    code = BAD_INPUT


class Interrupted(BaseException):
    """A signal asked us to end. Not an Exception, so that nothing takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def refuse(faults: Sequence[str]) -> None:
    """Raises `BadInput` if there are any."""
    if faults:
        raise BadInput("\n".join(faults))


def together(*reads: Callable[[], Any]) -> list[Any]:
    """What each returns. Raises `BadInput` with the faults of all: nobody wants to meet them one by one."""
    values, faults = [], []
    for read in reads:
        try:
            values.append(read())
        except BadInput as error:
            faults.append(str(error))
    refuse(faults)
    return values
