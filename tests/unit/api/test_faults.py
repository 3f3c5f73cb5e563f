"""Bodies with several faults: each is told, none is made up, and what is left can be looked at."""

import itertools
from typing import Any

import pytest

from api.http.faults import read_form
from api.http.forms import BATCH, EDIT, FILM, PREVIEW, TRANSCRIPTION, Form
from api.http.messages import MOST_FAULTS

Spoiled = tuple[str, Any, list[str]]
"A member, what is wrong as its value, and the fields that are told: not those of the whole."
NOTHING = object()
"Stands for a member that is not there."

GOOD_FILM: dict[str, Any] = {"prompt": "x", "size": "1920x1080", "watermark": {"text": "x"}, "metadata": {"k": 1}}
SPOILED_FILM: list[Spoiled] = [
    ("prompt", 5, ["prompt"]),
    ("prompt", "", ["prompt"]),
    ("prompt", NOTHING, []),
    ("script", "y", []),
    ("script", 5, ["script"]),
    ("aspect", "1:1", []),
    ("aspect", "4:3", ["aspect"]),
    ("size", {"width": "a", "height": 1080}, ["size.width"]),
    ("size", "large", ["size"]),
    ("title", {"text": "", "subtitle": 5}, ["title.text", "title.subtitle"]),
    ("title", {}, ["title.text"]),
    ("watermark", {"asset": "x", "opacity": 3}, ["watermark.asset", "watermark.opacity"]),
    ("watermark", {"asset": "x", "text": ""}, ["watermark.asset", "watermark.text", "watermark"]),
    ("watermark", {"size": 9}, ["watermark.size", "watermark"]),
    ("footage", "attic", ["footage.sources[0]"]),
    (
        "footage",
        {"sources": ["folder", "x", "y"], "fit": "z"},
        ["footage.sources[1]", "footage.sources[2]", "footage.fit"],
    ),
    ("music", "jazzy", ["music.mood"]),
    ("music", {"mood": "sad", "volume": 9}, ["music.mood", "music.volume"]),
    ("metadata", {"a": [[]] * 5_000}, ["metadata"]),
    ("colour", "red", ["colour"]),
]

GOOD_EDIT: dict[str, Any] = {"version": 1, "mood": "calm"}
SPOILED_EDIT: list[Spoiled] = [
    ("version", "x", ["version"]),
    ("version", NOTHING, ["version"]),
    ("drop", ["first", "s1"], ["drop[0]"]),
    ("drop", 5, ["drop"]),
    ("order", ["s1", 5], ["order[1]"]),
    ("add", [{}, {"after": 1, "show": 5}], ["add[0]", "add[1].after", "add[1].show"]),
    ("add", 5, ["add"]),
    ("scenes", [{"show": "x"}, 5], ["scenes[0].id", "scenes[1]"]),
    (
        "scenes",
        [{"id": "s1", "media": {"url": "x", "asset": "y"}}],
        ["scenes[0].media.url", "scenes[0].media.asset", "scenes[0].media"],
    ),
    ("shots", [{"id": "s1", "media": {}, "seed": -1}], ["shots[0].id", "shots[0].media", "shots[0].seed"]),
    ("shots", {"id": "s1.1"}, ["shots"]),
    ("voice", 5, ["voice"]),
    ("mood", "sad", ["mood"]),
    ("colour", "red", ["colour"]),
]

GOOD_PREVIEW: dict[str, Any] = {"text": "Hello"}
SPOILED_PREVIEW: list[Spoiled] = [
    ("text", "", ["text"]),
    ("text", NOTHING, ["text"]),
    ("voice", "no body", ["voice"]),
    ("language", 5, ["language"]),
    ("speed", 9, ["speed"]),
]

GOOD_TRANSCRIPTION: dict[str, Any] = {"asset": "ast_" + "0" * 32}
SPOILED_TRANSCRIPTION: list[Spoiled] = [
    ("asset", "x", ["asset"]),
    ("asset", NOTHING, ["asset"]),
    ("language", 5, ["language"]),
    ("script", "", ["script"]),
    ("sound", "x", ["sound"]),
]


def spoiled(good: dict[str, Any], *faults: Spoiled) -> dict[str, Any]:
    """A body of its own: reading changes what is wrong."""
    body = {**good, **{member: value for member, value, _ in faults}}
    return {name: copied(value) for name, value in body.items() if value is not NOTHING}


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: copied(part) for name, part in value.items()}
    return [copied(part) for part in value] if isinstance(value, list) else value


def broken_rules(body: dict[str, Any]) -> int:
    """Rules for the whole of a body that it breaks."""
    subjects = len({"prompt", "script"} & set(body)) if "size" in body else 1
    return (subjects != 1) + (body.get("aspect") == "1:1" and body.get("size") == GOOD_FILM["size"])


@pytest.mark.parametrize(
    ("form", "good", "faults"),
    [
        (FILM, GOOD_FILM, SPOILED_FILM),
        (EDIT, GOOD_EDIT, SPOILED_EDIT),
        (PREVIEW, GOOD_PREVIEW, SPOILED_PREVIEW),
        (TRANSCRIPTION, GOOD_TRANSCRIPTION, SPOILED_TRANSCRIPTION),
    ],
    ids=["film", "edit", "preview", "transcription"],
)
def test_every_fault_is_told_whatever_else_is_wrong(form: Form, good: dict[str, Any], faults: list[Spoiled]) -> None:
    assert read_form(form, spoiled(good)).faults == []
    for some in [*itertools.combinations(faults, 1), *itertools.combinations(faults, 2)]:
        if len({member for member, _, _ in some}) < len(some):
            continue
        wholes = broken_rules(spoiled(good, *some))
        rest = read_form(form, spoiled(good, *some))
        told = [fault.field for fault in rest.faults]
        fields = [field for _, _, fields in some for field in fields]
        assert sorted(told) == sorted([*fields, *["request"] * wholes]), some
        assert rest.value is not None, some


def test_the_faults_of_a_batch_are_those_of_its_requests() -> None:
    for index, (first, second) in enumerate(itertools.pairwise(SPOILED_FILM)):
        bodies = [spoiled(GOOD_FILM), spoiled(GOOD_FILM, first), spoiled(GOOD_FILM, second)]
        alone = [read_form(FILM, copied(body)).faults for body in bodies]
        rest = read_form(BATCH, {"requests": bodies, "name": 1})
        told = {(fault.field, fault.message) for fault in rest.faults}
        expected = {
            (f"requests[{number}].{fault.field}".removesuffix(".request"), fault.message)
            for number, faults in enumerate(alone)
            for fault in faults
        }
        assert told == expected | {("name", "is no field we know; leave it out")}, index
        assert rest.value is not None


def test_an_edit_of_unknown_fields_alone_changes_nothing_besides() -> None:
    rest = read_form(EDIT, {"version": "x", "colour": "red"})
    assert [fault.field for fault in rest.faults] == ["version", "colour", "request"]
    assert rest.value is not None


def test_of_what_was_put_aside_nothing_more_is_said() -> None:
    body = {"version": 1, "drop": [5], "scenes": [{"id": "s1", "narration": 5}, {"id": "s2", "show": "x"}]}
    hidden = read_form(EDIT, body).hidden
    for field in ("drop", "drop[0]", "order", "add", "scenes", "scenes[0]", "scenes[0].narration"):
        assert field in hidden, field
    for field in ("scenes[0].id", "scenes[1]", "scenes[1].id", "order[0]", "voice"):
        assert field not in hidden, field


def test_who_sends_too_many_faults_is_told_the_first() -> None:
    rest = read_form(FILM, {"prompt": "x", "footage": {"sources": ["attic"] * 5_000}})
    assert len(rest.faults) == MOST_FAULTS
    assert rest.value is None
