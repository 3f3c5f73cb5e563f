"""Parsing of requests: from HTTP to our own data, or an error that names the field."""

import re
from typing import Any

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from api.assets import Assets, Incoming
from api.errors import Unknown, Unreadable, WrongType
from api.http.json_body import Location, read_json
from common.errors import InvalidRequest

CHUNK = 64 * 1024
MULTIPART = "multipart/form-data"
NUMBER = re.compile(r"[0-9]{1,9}")


def version_number(job_id: str, text: str) -> int:
    """The version that an address names."""
    if not NUMBER.fullmatch(text):
        raise Unknown("unknown_version", f'"{text}" is no number of a version; GET /mcp/versions/{job_id} lists them')
    return int(text)


def json_object(request: Request, optional: bool = False) -> tuple[dict[str, Any], list[Location]]:
    """The body as an object, and its members that are given twice. `optional`: nothing stands for an empty one.

    Raises `WrongType`, and what `read_json` raises.
    """
    if optional and not body_of(request):
        return {}, []
    # Only a page of our own origin may send this type without asking us first.
    if request.mimetype != "application/json":
        raise WrongType("send JSON with the header Content-Type: application/json")
    body, twins = read_json(body_of(request))
    if not isinstance(body, dict):
        raise Unreadable("the body must be a JSON object")
    return body, twins


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
