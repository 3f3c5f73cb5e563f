"""Errors of the client. `str(error)` is one sentence for a person."""


class ServiceError(Exception):
    """The service does not answer, broke off, or failed."""


class Refused(ServiceError):
    """The request must be changed before it can succeed: an address, a field, a file."""
