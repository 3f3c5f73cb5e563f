"""Everything that goes wrong leaves as `application/problem+json` (RFC 9457), without our insides in it."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import Flask, Response
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from api.assets import TooLarge, UnknownMedia
from api.http.fields import complaints
from api.refusals import Complaint, Conflict, InvalidFields, Unknown
from common.errors import InvalidRequest, ReelwrightError, StorageUnavailable
from common.jobs.store import KeyReused, StateUnavailable, TooManyJobs

log = logging.getLogger(__name__)
RETRY_SECONDS = "2"
TOLD = 3
"Faults named in the detail; the list of errors has them all."

# Words for the codes HTTP itself knows; other statuses use their standard phrase.
CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
STATUSES: Mapping[type[ReelwrightError], int] = {
    KeyReused: 422,
    Unknown: 404,
    Conflict: 409,
    TooLarge: 413,
    UnknownMedia: 415,
    StateUnavailable: 503,
    StorageUnavailable: 503,
}


def problem(
    status: int, code: str, detail: str, errors: Sequence[Complaint] = (), headers: Mapping[str, str] | None = None
) -> Response:
    body: dict[str, object] = {
        "type": f"urn:reelwright:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = [{"field": field, "message": message} for field, message in errors]
    return Response(
        json.dumps(body, ensure_ascii=False), status, headers=dict(headers or {}), mimetype="application/problem+json"
    )


def register(app: Flask) -> None:
    """Makes `app` answer every error as a problem."""
    app.register_error_handler(ReelwrightError, _ours)
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(HTTPException, _https)
    app.register_error_handler(Exception, _unforeseen)


def _ours(error: ReelwrightError) -> Response:
    if isinstance(error, TooManyJobs):
        # Its own limit is the client's affair, the server's is not.
        status, headers = 429 if error.scope == "owner" else 503, {"Retry-After": str(error.retry_after)}
        return problem(status, error.code, f"{error}", headers=headers)
    if isinstance(error, InvalidFields):
        return _invalid_fields(error.complaints)
    if isinstance(error, InvalidRequest):
        return _invalid_fields([Complaint(error.field, str(error))])
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    if status == 500:
        return _unforeseen(error)
    return problem(status, error.code, f"{error}", headers={"Retry-After": RETRY_SECONDS} if status == 503 else None)


def _invalid(error: ValidationError) -> Response:
    return _invalid_fields(complaints(error))


def _invalid_fields(found: Sequence[Complaint]) -> Response:
    detail = "; ".join(f"{field}: {message}" for field, message in found[:TOLD])
    more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return problem(422, InvalidRequest.code, detail + more, found)


def _https(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=error.get_headers())
    phrase = HTTPStatus(status).phrase
    code = CODES.get(status, phrase.lower().replace(" ", "_"))
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return problem(status, code, error.description or phrase, (), kept)


def _unforeseen(error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return problem(500, "internal_error", "something went wrong on our side; the server's log has the details")
