"""Why a client does not get what it asked for. `api/http/problems.py` makes answers of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from common.errors import InvalidRequest, ReelwrightError


class FieldError(NamedTuple):
    """One fault of a request."""

    field: str
    "As the user writes it: `scenes[0].duration`."
    message: str


class InvalidFields(InvalidRequest):
    """Everything that is wrong with a request, at once."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(*errors[0])
        self.errors = errors


class Unknown(ReelwrightError):
    """There is nothing of that name, or it is somebody else's; from outside that looks the same."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Conflict(ReelwrightError):
    """The job is not in a state for what was asked. `code` says which state it is in, `more` what may help."""

    def __init__(self, code: str, message: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.more = code, dict(more or {})


class Unreadable(ReelwrightError):
    """The body of a request cannot be understood."""

    code = "bad_request"


class WrongType(ReelwrightError):
    """A body of another type than the address takes."""

    code = "unsupported_media_type"


class Forbidden(ReelwrightError):
    """Not from there."""

    code = "forbidden"


def unknown_job(job_id: str) -> Unknown:
    return Unknown("unknown_job", f"there is no job {job_id}")


def changing() -> Conflict:
    return Conflict("not_finished", "the job changed in this very moment; try again")


def raise_if_any(errors: list[FieldError]) -> None:
    """Raises `InvalidFields` if there are any."""
    if errors:
        raise InvalidFields(errors)
