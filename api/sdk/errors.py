"""Errors of the client. `str(error)` is for a person: a sentence, or a line for each fault of a request."""


class ServiceError(Exception):
    """The service does not answer, broke off, or failed."""


class NotWritten(ServiceError):
    """A download cannot be written where it was to go: `why` says, in the system's words."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{path} cannot be written ({why})")
        self.why = why


class Refused(ServiceError):
    """The request must be changed before it can succeed: an address, a field, a file."""
