"""Parsing of requests: from HTTP to our own data, or an error that names the field."""

import re
from typing import Any

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from api.assets import Assets, Incoming
from api.batches import BatchRequest
from api.errors import Unknown, Unreadable, WrongType, raise_if_any
from api.http.faults import Checks, film_request, film_requests
from api.http.json_body import read_json, too_deep
from common.contracts.edit import EditRequest, RegenerateRequest, RestoreRequest
from common.contracts.job import ACTIVE_STATES, TERMINAL
from common.contracts.preview import PreviewRequest
from common.contracts.request import LANGUAGE_TAG, VideoRequest
from common.errors import InvalidRequest
from common.jobs.ids import JOB_ID

CHUNK = 64 * 1024
MULTIPART = "multipart/form-data"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
TAG = re.compile(LANGUAGE_TAG)
NUMBER = re.compile(r"[0-9]{1,9}")
PAGE, MAX_PAGE = 20, 100
WAIT, MAX_WAIT = 10, 30


def video_request(request: Request, checks: Checks) -> VideoRequest:
    """`checks` finds the faults that only this server can see, so that they are told with the others."""
    return film_request(_object(request), checks)


def batch_request(request: Request, checks: Checks) -> BatchRequest:
    return film_requests(_object(request), checks)


def edit_request(request: Request) -> EditRequest:
    return EditRequest.model_validate(json_object(request))


def regenerate_request(request: Request) -> RegenerateRequest:
    """Nothing at all stands for an empty object: simply another picture."""
    empty = not request.mimetype and not body_of(request)
    return RegenerateRequest.model_validate({} if empty else json_object(request))


def restore_request(request: Request) -> RestoreRequest:
    """A restore needs no body."""
    return RestoreRequest.model_validate(json_object(request) if body_of(request) else {})


def preview_request(request: Request) -> PreviewRequest:
    return PreviewRequest.model_validate(json_object(request))


def version_number(job_id: str, text: str) -> int:
    """The version that an address names."""
    if not NUMBER.fullmatch(text):
        raise Unknown("unknown_version", f'"{text}" is no number of a version; GET /mcp/versions/{job_id} lists them')
    return int(text)


def json_object(request: Request) -> dict[str, Any]:
    body = _object(request)
    raise_if_any(too_deep(body))
    return body


def _object(request: Request) -> dict[str, Any]:
    """The body as an object, whose members may be nested too deep."""
    # Only a page of our own origin may send this type without asking us first.
    if request.mimetype != "application/json":
        raise WrongType("send JSON with the header Content-Type: application/json")
    body = read_json(body_of(request))
    if not isinstance(body, dict):
        raise Unreadable("the body must be a JSON object")
    return body


def body_of(request: Request) -> bytes:
    """All of the body, which must not be longer than the address takes."""
    limit = request.max_content_length
    try:
        data = request.get_data()
        # One that comes in chunks does not say how long it is, and is cut where it becomes too long.
        if limit is not None and len(data) >= limit and request.content_length is None:
            raise RequestEntityTooLarge
    except (OSError, ParseException) as error:
        raise Unreadable("the body broke off, or its chunks make no sense; send it again") from error
    return data


def idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        raise InvalidRequest("Idempotency-Key", "must be 1 to 255 visible ASCII characters without spaces")
    return key or ""


def page_query(request: Request) -> tuple[str, int, str]:
    """`cursor`, `limit` and `status` of a listing."""
    limit = _number(request, "limit", f"a whole number from 1 to {MAX_PAGE}")
    if limit is not None and not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest("limit", f"must be a whole number from 1 to {MAX_PAGE}")
    state, cursor = request.args.get("status", ""), request.args.get("cursor", "")
    if state and state not in TERMINAL | set(ACTIVE_STATES):
        raise InvalidRequest("status", f"must be one of {', '.join((*ACTIVE_STATES, *sorted(TERMINAL)))}")
    if cursor and not JOB_ID.fullmatch(cursor):
        raise InvalidRequest("cursor", "must be a next_cursor of this server")
    return cursor, PAGE if limit is None else limit, state


def after_query(request: Request) -> int | None:
    """`after` of a status: the `seq` of the last log line the reader has; None for the newest lines."""
    return _number(request, "after", "the seq of a log line, a whole number")


def version_query(request: Request) -> int | None:
    """`version` of a job's film or storyboard; None for the newest."""
    return _number(request, "version", "the number of a version; GET /mcp/versions/<job_id> lists them")


def wait_query(request: Request) -> int:
    """`wait` of a request that may be answered at once: the most seconds that it waits for that."""
    what = f"a whole number of seconds from 0 to {MAX_WAIT}"
    seconds = _number(request, "wait", what)
    if seconds is not None and seconds > MAX_WAIT:
        raise InvalidRequest("wait", f"must be {what}")
    return WAIT if seconds is None else seconds


def voices_query(request: Request) -> tuple[str, str]:
    """`language` and `engine` of the list of voices; empty for all."""
    language = request.args.get("language", "")
    if language and not TAG.fullmatch(language.lower()):
        raise InvalidRequest("language", "must be the tag of a language, such as en or pt-BR")
    return language, request.args.get("engine", "")


def _number(request: Request, name: str, what: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        raise InvalidRequest(name, f"must be {what}")
    return int(text)


class UploadRequest(Request):
    """A request whose uploaded files go straight to where they are measured and digested."""

    assets: Assets

    def incoming(self) -> Incoming:
        file = self.assets.incoming()
        self._incoming = [*getattr(self, "_incoming", ()), file]
        return file

    def _get_file_stream(self, *_: Any, **__: Any) -> Any:
        return self.incoming()

    def close(self) -> None:
        super().close()
        for file in getattr(self, "_incoming", ()):
            file.close()


def uploaded(request: UploadRequest) -> tuple[Incoming, str]:
    """The file of an upload and what it is called: the form field `file`, or the body itself."""
    if request.mimetype == MULTIPART:
        parts = request.files.getlist("file")
        if not parts:
            raise InvalidRequest("file", "the form needs a file in its field `file`")
        if len(parts) > 1:
            raise InvalidRequest("file", "the form has several files; send one per request")
        return _not_empty(_incoming_of(parts[0])), parts[0].filename or ""
    file = request.incoming()
    while chunk := request.stream.read(CHUNK):
        file.write(chunk)
    return _not_empty(file), ""


def _not_empty(file: Incoming) -> Incoming:
    if not file.size:
        raise InvalidRequest("file", "the upload is empty")
    return file


def _incoming_of(part: FileStorage) -> Incoming:
    assert isinstance(part.stream, Incoming)
    return part.stream
