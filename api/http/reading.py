"""Turns what came over the wire into our own data, or says which field is wrong."""

import base64
import binascii
import json
import re
from typing import Any, NoReturn

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from api.assets import Assets, Incoming
from api.jobs import Place
from common.contracts.job import STAGES, TERMINAL
from common.contracts.request import VideoRequest
from common.errors import InvalidRequest

CHUNK = 64 * 1024
MULTIPART = "multipart/form-data"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
JOB_ID = re.compile(r"job_[0-9a-f]{32}")
MAX_PAGE = 100


def video_request(request: Request) -> VideoRequest:
    body = json_object(request)
    if "callback_url" in body:
        raise InvalidRequest("callback_url", "webhooks are not available yet; poll /mcp/status/<job_id>")
    return VideoRequest.model_validate(body)


def json_object(request: Request) -> dict[str, Any]:
    # Only a page of our own origin may send this type without asking us first.
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("send JSON with the header Content-Type: application/json")
    try:
        body = json.loads(request.get_data(), parse_constant=_not_json)
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()  # no infinity, no half of a character
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not valid JSON{_where(error)}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        raise InvalidRequest("Idempotency-Key", "must be 1 to 255 visible ASCII characters without spaces")
    return key or ""


def page_query(request: Request) -> tuple[Place | None, int, str]:
    """`cursor`, `limit` and `status` of a listing."""
    limit, state = request.args.get("limit", "20"), request.args.get("status", "")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MAX_PAGE):
        raise InvalidRequest("limit", f"must be a whole number from 1 to {MAX_PAGE}")
    if state and state not in TERMINAL | set(STAGES):
        raise InvalidRequest("status", f"must be one of {', '.join((*STAGES, *sorted(TERMINAL)))}")
    cursor = request.args.get("cursor", "")
    return (_parse_cursor(cursor) if cursor else None), int(limit), state


def after_query(request: Request) -> int | None:
    """`after` of a status: the `seq` of the last log line the reader has; None for the newest lines."""
    after = request.args.get("after")
    if after is None:
        return None
    if not (after.isascii() and after.isdigit() and len(after) <= 9):
        raise InvalidRequest("after", "must be the seq of a log line, a whole number")
    return int(after)


def cursor_of(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}:{place[1]}".encode()).decode().rstrip("=")


def _parse_cursor(cursor: str) -> Place:
    try:
        created, _, job_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
        if JOB_ID.fullmatch(job_id):
            return int(created), job_id
    except (ValueError, binascii.Error):
        pass
    raise InvalidRequest("cursor", "must be a next_cursor of this server")


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
        return _incoming_of(parts[0]), parts[0].filename or ""
    file = request.incoming()
    while chunk := request.stream.read(CHUNK):
        file.write(chunk)
    if not file.size:
        raise InvalidRequest("file", "the upload is empty")
    return file, ""


def _incoming_of(part: FileStorage) -> Incoming:
    assert isinstance(part.stream, Incoming)
    return part.stream


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _where(error: Exception) -> str:
    return f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
