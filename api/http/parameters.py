"""The parameters that addresses take, and the header with the key of a request."""

import re
from functools import partial

from api.http.inputs import Header, Parameter
from common.contracts.job import ACTIVE_STATES, TERMINAL
from common.contracts.request import LANGUAGE_TAG
from common.jobs.ids import JOB_ID

PAGE, MAX_PAGE = 20, 100
WAIT, MAX_WAIT = 10, 30
STATES = (*ACTIVE_STATES, *sorted(TERMINAL))
_NUMBER = re.compile(r"[0-9]{1,9}")
_TAG = re.compile(LANGUAGE_TAG)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def whole_number(text: str, least: int = 0, most: int = 10**9) -> int | None:
    """The number that a text is; None if it is none of the range."""
    return int(text) if _NUMBER.fullmatch(text) and least <= int(text) <= most else None


def _state(text: str) -> str | None:
    return text if text in ("", *STATES) else None


def _cursor(text: str) -> str | None:
    return text if not text or JOB_ID.fullmatch(text) else None


def _language(text: str) -> str | None:
    return text if not text or _TAG.fullmatch(text.lower()) else None


def _key(text: str) -> str | None:
    return text if _KEY.fullmatch(text) else None


CURSOR = Parameter("cursor", _cursor, "must be a next_cursor of this server", "")
LIMIT = Parameter(
    "limit", partial(whole_number, least=1, most=MAX_PAGE), f"must be a whole number from 1 to {MAX_PAGE}", PAGE
)
STATUS = Parameter("status", _state, f"must be one of {', '.join(STATES)}", "")
AFTER = Parameter("after", whole_number, "must be the seq of a log line, a whole number")
"The last log line that the reader of a status has; None for the newest lines."
VERSION = Parameter("version", whole_number, "must be the number of a version; GET /mcp/versions/<job_id> lists them")
"That of a film or storyboard; None for the newest."
SECONDS = Parameter(
    "wait", partial(whole_number, most=MAX_WAIT), f"must be a whole number of seconds from 0 to {MAX_WAIT}", WAIT
)
"The most that a request waits for its answer."
LANGUAGE = Parameter("language", _language, "must be the tag of a language, such as en or pt-BR", "")
VOICE = Parameter("voice", str, "must be the id of a voice", "")
ENGINE = Parameter("engine", str, "must be the name of a speech engine", "")
KEY = Header("Idempotency-Key", _key, "must be 1 to 255 visible ASCII characters without spaces", "")
