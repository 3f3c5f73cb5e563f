"""Stored documents: JSON with a schema number; those of older releases are upgraded, or refused in words. Pure.

A document outlives the release that wrote it: requests and storyboards are kept for as long as their job. When the
fields of one change, raise its number in `SCHEMAS` and register in `UPGRADES` the upgrade from the previous number. A
document without a number has number 1: it was written before there were any.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from common.contracts.asset import Asset
from common.contracts.base import Contract, canonical_json
from common.contracts.batch import Batch
from common.contracts.edit import Edit
from common.contracts.footage import CandidateList
from common.contracts.preview import PreviewRequest
from common.contracts.recordings import Transcript
from common.contracts.request import VideoRequest
from common.contracts.storyboard import Storyboard
from common.contracts.timeline import FilmTimeline
from common.contracts.transcription import TranscriptionRequest
from common.errors import Permanent

Document = TypeVar("Document", bound=Contract)
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

JSON = "application/json"
"Media type of every stored document."
FIELD = "schema"


class Schema(NamedTuple):
    """The stored name of a kind of document, and its current number."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}.{self.number}"


SCHEMAS: Mapping[type[Contract], Schema] = {
    VideoRequest: Schema("request", 2),
    PreviewRequest: Schema("preview", 2),
    TranscriptionRequest: Schema("transcription", 1),
    Edit: Schema("edit", 2),
    Transcript: Schema("transcript", 1),
    Storyboard: Schema("storyboard", 2),
    CandidateList: Schema("candidates", 2),
    FilmTimeline: Schema("timeline", 1),
    Asset: Schema("asset", 1),
    Batch: Schema("batch", 1),
}


def _with_origins(body: dict[str, Any]) -> dict[str, Any]:
    """Candidates of number 1 had a field for each sort of origin, of which one was filled."""
    return {**body, "candidates": [_with_origin(candidate) for candidate in body["candidates"]]}


def _with_origin(candidate: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in candidate.items() if name not in ("url", "media", "path", "scenery")}
    return {**rest, "origin": _origin(candidate)}


def _origin(candidate: Mapping[str, Any]) -> dict[str, Any]:
    if candidate.get("scenery"):
        return {"kind": "painted", "recipe": candidate["scenery"]}
    if candidate.get("media"):
        return {"kind": "own", "media": candidate["media"]}
    if candidate.get("path"):
        return {"kind": "clip", "path": candidate["path"]}
    return {"kind": "web", "url": candidate["url"]}


def _with_speed(body: dict[str, Any]) -> dict[str, Any]:
    """Previews of number 1 called the speed `pace`."""
    return {("speed" if name == "pace" else name): value for name, value in body.items()}


def _as_it_was(body: dict[str, Any]) -> dict[str, Any]:
    """Of fields that came in with the next number, those of before have none."""
    return body


UPGRADES: Mapping[tuple[type[Contract], int], Upgrade] = {
    (CandidateList, 1): _with_origins,
    (PreviewRequest, 1): _with_speed,
    (VideoRequest, 1): _as_it_was,
    (Edit, 1): _as_it_was,
    (Storyboard, 1): _as_it_was,
}
"Upgrades of a body to the next number, by kind of document and present number."


class UnreadableDocument(Permanent):
    """A document of another release that this one cannot read, or a damaged one."""

    code = "unreadable_document"


def document_json(value: Contract) -> str:
    """The stored form of a value. Equal values have equal texts."""
    return canonical_json({FIELD: str(SCHEMAS[type(value)]), **value.model_dump(mode="json")})


def read_document(kind: type[Document], data: bytes | str | Mapping[str, Any]) -> Document:
    """A stored value, whatever release stored it. Raises `UnreadableDocument`.

    `data` is JSON, or already parsed.
    """
    try:
        body = dict(data if isinstance(data, Mapping) else json.loads(data))
        name, number = _schema(kind, body)
        return kind.model_validate(_upgraded(kind, name, number, body))
    except (ValueError, TypeError, KeyError) as error:  # pydantic's errors are among them
        raise UnreadableDocument(f"the stored {SCHEMAS[kind].name} is damaged and cannot be read") from error


def _schema(kind: type[Contract], body: dict[str, Any]) -> Schema:
    """Removes the schema from a body and returns it."""
    name, _, number = str(body.pop(FIELD, f"{SCHEMAS[kind].name}.1")).rpartition(".")
    return Schema(name, int(number))


def _upgraded(kind: type[Contract], name: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
    wanted = SCHEMAS[kind]
    if name != wanted.name or number > wanted.number:
        raise UnreadableDocument(
            f"the stored {wanted.name} has the schema {name}.{number}, and this release reads {wanted} and older ones; "
            "use the release that wrote it, or a newer one"
        )
    for step in range(number, wanted.number):
        if (kind, step) not in UPGRADES:
            raise UnreadableDocument(
                f"the stored {wanted.name} has the schema {name}.{number}, which this release no longer reads; "
                "make the film again from its request"
            )
        body = UPGRADES[kind, step](body)
    return body
