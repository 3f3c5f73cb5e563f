"""Answers for errors: all leave as `application/problem+json` (RFC 9457), without internals in them."""

import difflib
import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map

from api.assets import DamagedMedia, TooLarge, UnknownMedia
from api.errors import Conflict, FieldError, Forbidden, InvalidFields, NoFilm, Refusal, Unknown, Unreadable, WrongType
from api.http.cures import field_detail, last_good_view, refusal_detail
from common.documents import UnreadableDocument
from common.errors import DiskFull, InvalidRequest, ReelwrightError, StorageFull, StorageUnavailable
from common.jobs.scripts import StateUnavailable
from common.jobs.wishes import KeyReused, TooManyJobs

log = logging.getLogger(__name__)
RETRY_SECONDS = "2"
MOST_NAMED = 3
"Faults named in the detail; the list of errors has them all."

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"Of every answer."
# Refusals of HTTP itself: a code of ours, and our words where nothing of the request need be named.
CODES: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "the request cannot be understood; check its address, its headers and the form of its body"),
    404: ("not_found", ""),
    405: ("method_not_allowed", ""),
    413: ("too_large", ""),
    414: ("address_too_long", "the address is too long; what is long belongs into the body"),
    417: ("bad_request", "the Expect header asks for something else than 100-continue; leave it out"),
    431: ("headers_too_large", "the headers are too long or too many; send fewer"),
    501: ("bad_request", "bodies are taken as they are or in chunks, and not in another transfer coding"),
}
STATUSES: Mapping[type[ReelwrightError], int] = {
    KeyReused: 422,
    Unreadable: 400,
    Forbidden: 403,
    WrongType: 415,
    Unknown: 404,
    Conflict: 409,
    TooLarge: 413,
    UnknownMedia: 415,
    DamagedMedia: 422,
    UnreadableDocument: 409,
    StateUnavailable: 503,
    StorageUnavailable: 503,
    StorageFull: 507,
    DiskFull: 507,
}


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """The answer; `more` are members of its own."""
    body: dict[str, object] = {
        "type": f"urn:reelwright:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **(more or {}),
    }
    if errors:
        body["errors"] = [{"field": error.field, "message": field_detail(error)} for error in errors]
    return Response(
        json.dumps(body, ensure_ascii=False), status, headers=dict(headers or {}), mimetype="application/problem+json"
    )


def register(app: Flask) -> None:
    """Makes `app` answer every error as a problem."""
    app.register_error_handler(ReelwrightError, _ours)
    app.register_error_handler(HTTPException, _https)
    app.register_error_handler(Exception, _unforeseen)


def _ours(error: ReelwrightError) -> Response:
    if isinstance(error, TooManyJobs):
        # Its own limit is the client's affair, the server's is not.
        status = 429 if error.scope == "owner" else 503
        return problem(status, error.code, f"{error}", headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, InvalidFields):
        return _invalid_fields(error.errors)
    if isinstance(error, InvalidRequest):
        return _invalid_fields([FieldError(error.field, str(error))])
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    if status == 500:
        return _unforeseen(error)
    if isinstance(error, Refusal):
        return problem(status, error.code, refusal_detail(error), more=_members(error))
    headers = {"Retry-After": RETRY_SECONDS} if status == 503 else None
    return problem(status, error.code, f"{error}", headers=headers)


def _members(error: Refusal) -> dict[str, Any]:
    """Members of the answer that only this error has."""
    if not isinstance(error, NoFilm):
        return {}
    return {"last_good_version": last_good_view(error.last_good) if error.last_good is not None else None}


def _invalid_fields(errors: Sequence[FieldError]) -> Response:
    detail = "; ".join(f"{error.field}: {field_detail(error)}" for error in errors[:MOST_NAMED])
    more = f"; and {len(errors) - MOST_NAMED} more" if len(errors) > MOST_NAMED else ""
    return problem(422, InvalidRequest.code, detail + more, errors)


def _https(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=error.get_headers())
    phrase = HTTPStatus(status).phrase
    code, words = CODES.get(status, (phrase.lower().replace(" ", "_"), phrase.lower()))
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return problem(status, code, words or _words(status, error), (), kept)


def _words(status: int, error: HTTPException) -> str:
    """The fault of this request, and a way out."""
    if status == 405 and isinstance(error, MethodNotAllowed):
        taken = " and ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        return f"{request.path} takes {taken}, not {request.method}"
    if status == 413:
        return f"the body may have at most {(request.max_content_length or 0) // 2**20} MB here"
    known = [address.partition(" ")[2] for address in addresses(current_app.url_map)]
    near = difflib.get_close_matches(request.path, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no address {request.path}{hint} (GET / lists them all)"


def addresses(rules: Map) -> list[str]:
    """All methods and addresses: `GET /mcp/jobs`."""
    found = ((str(rule), rule.methods or set()) for rule in rules.iter_rules())
    return sorted(f"{method} {rule}" for rule, methods in found for method in methods - {"HEAD", "OPTIONS"})


def _unforeseen(error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return problem(500, "internal_error", "something went wrong on our side; the server's log has the details")
