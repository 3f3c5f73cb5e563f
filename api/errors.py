"""Errors of the use cases, for clients that do not get what they asked for; `api/http/problems.py` answers them."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from common.errors import InvalidRequest, ReelwrightError


class Remedy(Enum):
    """A way out of an error. `api/http/cures.py` has the words and the address of each."""

    FOLLOW = auto()
    "Wait for the job."
    RESUME = auto()
    "Let a job that has ended run on."
    RESUME_LATER = auto()
    "The same, once the job has ended."
    RESTORE = auto()
    "Make an old version the newest."
    EARLIER_FILM = auto()
    "Watch the film of an earlier version."
    LIST_VERSIONS = auto()
    "The list of versions has a link."
    LIST_CANDIDATES = auto()
    "Choose from what was found for a scene."
    LIST_VOICES = auto()
    "Choose from the voices that there are."
    UPLOAD = auto()
    "Upload a file."


class Cure(NamedTuple):
    """A remedy and what it applies to."""

    remedy: Remedy
    job: str = ""
    version: int = 0
    scene: str = ""


class FieldError(NamedTuple):
    """One fault of a request."""

    field: str
    "As the user writes it: `scenes[0].duration`."
    message: str
    cure: Cure | None = None


class InvalidFields(InvalidRequest):
    """Everything that is wrong with a request, at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[0].field, errors[0].message)
        self.errors = errors


class Refusal(ReelwrightError):
    """The request is right, and yet it cannot be granted. `code` says why, `cures` what may help."""

    def __init__(self, code: str, message: str, *cures: Cure) -> None:
        super().__init__(message)
        self.code, self.cures = code, cures


class Unknown(Refusal):
    """There is nothing of that name, or it is somebody else's; from outside that looks the same."""


class Conflict(Refusal):
    """The job is not in a state for what was asked; `code` says which state it is in."""


class Stale(Conflict):
    """The request was made for a version that is not the newest any more."""

    code = "stale_version"

    def __init__(self, message: str) -> None:
        super().__init__(self.code, message)


class LastGood(NamedTuple):
    """The newest version of a job that has a film."""

    job: str
    version: int
    links: Mapping[str, Any]
    "As members of the answer."


class NoFilm(Conflict):
    """The version has no film; `last_good` is one that has, None while none has."""

    def __init__(self, code: str, message: str, *cures: Cure, last_good: LastGood | None) -> None:
        super().__init__(code, message, *cures)
        self.last_good = last_good


class Unreadable(ReelwrightError):
    """The body of a request cannot be understood."""

    code = "bad_request"


class WrongType(ReelwrightError):
    """A body of another type than the address takes."""

    code = "unsupported_media_type"


class Forbidden(ReelwrightError):
    """A request from a place that may not send it."""

    code = "forbidden"


def unknown_job(job_id: str) -> Unknown:
    return Unknown("unknown_job", f"there is no job {job_id}")


def changing() -> Conflict:
    return Conflict("not_finished", "the job changed in this very moment; try again")


def raise_if_any(errors: Sequence[FieldError]) -> None:
    """Raises `InvalidFields` if there are any."""
    if errors:
        raise InvalidFields(errors)
