"""Exit codes, and the errors of commands."""

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """`str(error)` is the one line the user sees; `code` is the exit code."""

    code = FAILED


class BadInput(CommandError):
    """The user must change something: an option, a file."""

    code = BAD_INPUT


class Interrupted(BaseException):
    """A signal asked us to end. Not an Exception, so that nothing takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number
