"""Documents that outlive the release that wrote them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from common import documents
from common.contracts.base import Contract, canonical_json
from common.contracts.edit import Edit
from common.contracts.footage import (
    Candidate,
    CandidateList,
    ClipFile,
    Origin,
    OwnMedia,
    Painted,
    Provenance,
    SceneryRecipe,
    WebFile,
)
from common.contracts.preview import PreviewRequest
from common.contracts.request import MediaRef, VideoRequest
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.contracts.timeline import FilmTimeline
from common.documents import SCHEMAS, UPGRADES, Schema, UnreadableDocument, document_json, read_document

STORYBOARD = Storyboard(title="Bees", scenes=(Scene(id="s1", shots=(Shot(id="s1.1", show="a bee"),), estimate=2.0),))
CANDIDATE = Candidate(
    id="x:1", kind="video", score=0.5, origin=WebFile(url="https://x.test/1.mp4"), provenance=Provenance(provider="x")
)
VALUES: tuple[Contract, ...] = (
    VideoRequest(prompt="Bees"),
    Edit(drop=("s1",)),
    STORYBOARD,
    CandidateList(candidates=(CANDIDATE,)),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_was_stored_is_read_and_says_its_schema(value: Contract) -> None:
    text = document_json(value)
    assert json.loads(text)["schema"] == str(SCHEMAS[type(value)])
    assert read_document(type(value), text) == value
    assert read_document(type(value), text.encode()) == value
    assert read_document(type(value), json.loads(text)) == value
    assert document_json(value) == text


UNCHANGED = [value for value in VALUES if not isinstance(value, CandidateList)]
"Those to which fields were added only."


@pytest.mark.parametrize("value", UNCHANGED, ids=lambda value: type(value).__name__)
def test_a_document_of_before_there_were_numbers_is_of_number_one(value: Contract) -> None:
    assert read_document(type(value), canonical_json(value)) == value


OLD_ORIGINS: Mapping[str, tuple[dict[str, Any], Origin]] = {
    "a web address": ({"url": "https://x.test/1.mp4"}, WebFile(url="https://x.test/1.mp4")),
    "a file of the clip folder": ({"path": "sea/1.mp4"}, ClipFile(path="sea/1.mp4")),
    "own media": (
        {"media": {"asset": None, "url": "https://x.test/2"}},
        OwnMedia(media=MediaRef(url="https://x.test/2")),
    ),
    "scenery": (
        {"kind": "scenery", "scenery": {"theme": "ocean", "light": "day", "seed": 7, "view": "", "weather": ""}},
        Painted(recipe=SceneryRecipe(theme="ocean", light="day", seed=7)),
    ),
}


@pytest.mark.parametrize("origin", OLD_ORIGINS)
@pytest.mark.parametrize("number", [{}, {"schema": "candidates.1"}], ids=["no number", "number 1"])
def test_candidates_of_before_there_were_origins_are_read(origin: str, number: dict[str, str]) -> None:
    filled, wanted = OLD_ORIGINS[origin]
    old = {
        "id": "x:1",
        "kind": "video",
        "score": 0.5,
        "url": "",
        "media": None,
        "path": "",
        "scenery": None,
        "width": 640,
        "height": 360,
        "seconds": 4.0,
        "provenance": {"provider": "x", "credit": "Video by Ada"},
    }
    body = {**number, "candidates": [old | filled], "notes": [{"provider": "pexels", "problem": "throttled"}]}
    (one,) = read_document(CandidateList, json.dumps(body)).candidates
    assert one == Candidate(
        id="x:1",
        kind=filled.get("kind", "video"),
        score=0.5,
        origin=wanted,
        width=640,
        height=360,
        seconds=4.0,
        provenance=Provenance(provider="x", credit="Video by Ada"),
    )


def test_a_preview_of_before_had_a_pace_for_a_speed() -> None:
    old = {"text": "Hello", "voice": None, "language": "en", "pace": 1.25}
    assert read_document(PreviewRequest, old) == PreviewRequest(text="Hello", speed=1.25)


def test_an_older_document_is_upgraded_number_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_scenes(body: Mapping[str, Any]) -> dict[str, Any]:
        return {**{name: value for name, value in body.items() if name != "parts"}, "scenes": body["parts"]}

    def with_title(body: Mapping[str, Any]) -> dict[str, Any]:
        return {**{name: value for name, value in body.items() if name != "name"}, "title": body["name"]}

    monkeypatch.setattr(documents, "SCHEMAS", {Storyboard: Schema("storyboard", 3)})
    monkeypatch.setattr(documents, "UPGRADES", {(Storyboard, 1): with_scenes, (Storyboard, 2): with_title})
    scenes = json.loads(canonical_json(STORYBOARD))["scenes"]
    assert read_document(Storyboard, json.dumps({"name": "Bees", "parts": scenes})) == STORYBOARD
    second = {"schema": "storyboard.2", "name": "Bees", "scenes": scenes}
    assert read_document(Storyboard, json.dumps(second)) == STORYBOARD
    assert read_document(Storyboard, document_json(STORYBOARD)) == STORYBOARD


def test_a_number_nobody_knows_how_to_upgrade_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    old = canonical_json(STORYBOARD)
    monkeypatch.setattr(documents, "SCHEMAS", {Storyboard: Schema("storyboard", 2)})
    monkeypatch.setattr(documents, "UPGRADES", {})
    with pytest.raises(UnreadableDocument, match=r"schema storyboard\.1, which this release no longer reads"):
        read_document(Storyboard, old)


@pytest.mark.parametrize("schema", ["storyboard.3", "request.1"])
def test_a_document_of_a_newer_release_or_another_kind_is_refused_in_a_sentence(schema: str) -> None:
    text = json.dumps({**json.loads(document_json(STORYBOARD)), "schema": schema})
    with pytest.raises(UnreadableDocument, match=rf"has the schema {schema}, and this release reads storyboard\.2"):
        read_document(Storyboard, text)


@pytest.mark.parametrize("data", ["", "{", "[]", "7", '{"schema": "storyboard"}', '{"schema": 1}', '{"title": "x"}'])
def test_what_is_damaged_is_refused_in_a_sentence(data: str) -> None:
    with pytest.raises(UnreadableDocument, match="the stored storyboard"):
        read_document(Storyboard, data)


def test_every_kind_of_document_has_a_name_of_its_own_and_every_upgrade_leads_on() -> None:
    assert len({schema.name for schema in SCHEMAS.values()}) == len(SCHEMAS)
    assert FilmTimeline in SCHEMAS
    for kind, schema in SCHEMAS.items():
        assert {number for of, number in UPGRADES if of is kind} <= set(range(1, schema.number))
