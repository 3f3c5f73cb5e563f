"""Every address tells all faults of a request in one answer, each by its field, wherever they lie."""

import functools
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.http.routes.shared import PREFIX
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.integration.test_http import accepted, problem_of
from tests.support.pipeline import Pipeline

SCENES = [{"narration": "The harbour wakes before the sun."}, {"show": "empty quay"}, {"show": "gulls"}]
NO_ASSET = "ast_" + "0" * 32
DEEP: Any = functools.reduce(lambda inner, _: [inner], range(40), 0)
BAD_KEY = {"Idempotency-Key": "two words"}
EDIT, REGENERATE = "PATCH /mcp/storyboard/{film}", "POST /mcp/scenes/{film}/s1/regenerate"
GENERATE, BATCH, PREVIEW = "POST /mcp/generate", "POST /mcp/batch", "POST /mcp/voices/preview"
TRANSCRIBE = "POST /mcp/transcribe"
RESTORE, RESUME = "POST /mcp/versions/{film}/1/restore", "POST /mcp/resume/{film}"

Row = tuple[str, Any, dict[str, str], list[str]]
"An address, a body, headers, and the fields at fault."

ROWS: list[Row] = [
    # the address, the headers and the body together
    (f"{GENERATE}?draft=1", {"prompt": "x", "fps": 7}, BAD_KEY, ["draft", "fps", "Idempotency-Key"]),
    (GENERATE, {"prompt": "x", "voice": "nobody"}, BAD_KEY, ["Idempotency-Key", "voice"]),
    (
        f"{BATCH}?x=1",
        {"requests": [{"prompt": "x", "fps": 7}, 3]},
        BAD_KEY,
        ["x", "requests[0].fps", "requests[1]", "Idempotency-Key"],
    ),
    (
        f"{BATCH}",
        {"requests": [{"prompt": "x", "voice": "nobody"}], "name": 1, "x": 1},
        {},
        ["name", "x", "requests[0].voice"],
    ),
    (f"{BATCH}", {"requests": [{"prompt": "x", "voice": "nobody"}]}, BAD_KEY, ["Idempotency-Key", "requests[0].voice"]),
    (f"{BATCH}", {"requests": [], "name": 1}, BAD_KEY, ["requests", "name", "Idempotency-Key"]),
    (
        f"{PREVIEW}?wait=x&y=1",
        {"text": "", "speed": 9, "voice": "nobody"},
        BAD_KEY,
        ["y", "text", "speed", "wait", "Idempotency-Key", "voice"],
    ),
    (PREVIEW, {"text": "Hello", "speed": 9, "voice": "nobody", "language": "xx"}, {}, ["speed", "voice", "language"]),
    (PREVIEW, {"voice": "nobody"}, {}, ["text", "voice"]),
    (
        f"{TRANSCRIBE}?wait=x&y=1",
        {"asset": NO_ASSET, "language": 5, "script": "", "x": 1},
        BAD_KEY,
        ["y", "language", "script", "x", "wait", "Idempotency-Key", "asset"],
    ),
    (TRANSCRIBE, {"script": "\x00"}, {}, ["asset", "script"]),
    (f"{RESTORE}?version=1", {"version": "x", "y": 1}, BAD_KEY, ["version", "version", "y", "Idempotency-Key"]),
    (f"{RESUME}?x=1", None, BAD_KEY, ["x", "Idempotency-Key"]),
    ("POST /mcp/cancel/{film}?x=1&y=2", None, {}, ["x", "y"]),
    # parameters
    ("GET /mcp/jobs?limit=0&status=happy&cursor=x&page=2", None, {}, ["page", "cursor", "limit", "status"]),
    ("GET /mcp/voices?language=!!&engine=nobody&x=1", None, {}, ["x", "language", "engine"]),
    ("GET /mcp/result/{film}?version=x&y=1", None, {}, ["y", "version"]),
    ("GET /mcp/status/{film}?after=x&y=1", None, {}, ["y", "after"]),
    ("GET /mcp/export/{film}?version=x&y=1", None, {}, ["y", "version"]),
    # what cannot be read at all, and what can
    (f"{GENERATE}?x=1", b"{", BAD_KEY, ["x", "request", "Idempotency-Key"]),
    (GENERATE, b'{"prompt": "a", "fps": 7, "prompt": "b", "voice": "nobody"}', {}, ["prompt", "fps", "voice"]),
    (
        GENERATE,
        {"prompt": "x", "metadata": DEEP, "fps": 7, "callback_url": "https://example.org"},
        BAD_KEY,
        ["metadata", "fps", "callback_url", "Idempotency-Key"],
    ),
    (f"{REGENERATE}?x=1", b"[]", {}, ["x", "request"]),
    # edits
    (f"{EDIT}?x=1", {"version": 0, "voice": "nobody"}, BAD_KEY, ["x", "version", "Idempotency-Key", "voice"]),
    (EDIT, {"version": 1, "voice": "nobody"}, BAD_KEY, ["Idempotency-Key", "voice"]),
    (EDIT, {"version": 1, "colour": "red", "voice": "nobody", "drop": ["s7"]}, {}, ["colour", "drop[0]", "voice"]),
    (EDIT, {"drop": ["s7"], "voice": "no body"}, {}, ["voice", "version", "drop[0]"]),
    (EDIT, {"version": 1, "quality": "best", "shots": [{"id": "s1.9", "seed": 1}]}, {}, ["quality", "shots[0].id"]),
    (
        EDIT,
        {"version": 1, "scenes": [{"id": "s1", "duration": 0}, {"id": "s9", "show": "x"}]},
        {},
        ["scenes[0].duration", "scenes[1].id"],
    ),
    (
        EDIT,
        {"version": 1, "add": [{}, {"show": "x", "after": "s9"}], "mood": "sad"},
        {},
        ["add[0]", "mood", "add[1].after"],
    ),
    (EDIT, {"version": 1, "drop": [5], "order": ["s1", "s2"], "mood": "sad"}, {}, ["drop[0]", "mood"]),
    (EDIT, {"version": "x"}, {}, ["version", "request"]),
    (EDIT, {"version": 1, "voice": 5}, {}, ["voice"]),
    (
        EDIT,
        {"version": 1, "scenes": [{"id": "s2", "show": None, "narration": 5}], "shots": 3},
        {},
        ["scenes[0].narration", "shots"],
    ),
    (
        EDIT,
        {
            "version": 1,
            "shots": [{"id": "s1.1", "media": {"asset": "x"}}, {"id": "s2.1", "media": {"asset": NO_ASSET}}],
        },
        {},
        ["shots[0].media.asset", "shots[1].media.asset"],
    ),
    # other pictures
    (REGENERATE, {"seed": -1, "shot": "s2.1"}, BAD_KEY, ["seed", "Idempotency-Key", "shot"]),
    (REGENERATE, {"shot": "s2.1", "candidate": "a", "query": "b"}, {}, ["shot", "candidate"]),
    (REGENERATE, {"query": "", "candidate": "pexels:none", "colour": 1}, {}, ["query", "colour", "candidate"]),
]


@pytest.fixture
def pipeline(quick: Settings, store: JobStore, storage: MemoryStorage) -> Pipeline:
    """With it a speech worker and a retriever are up."""
    return Pipeline(quick, store, storage)


@pytest.fixture
def film(client: FlaskClient, pipeline: Pipeline) -> str:
    """A job of three scenes that is completed."""
    job_id = accepted(client, scenes=SCENES, music="none", transition="cut")
    assert pipeline.run(job_id).state == "completed"
    return job_id


@pytest.mark.parametrize(("address", "body", "headers", "fields"), ROWS)
def test_all_faults_are_named_at_once(
    client: FlaskClient, film: str, address: str, body: Any, headers: dict[str, str], fields: list[str]
) -> None:
    method, path = address.format(film=film).split()
    sent = {"data": body, "content_type": "application/json"} if isinstance(body, bytes) else {"json": body}
    found = problem_of(client.open(path, method=method, headers=headers, **sent), 422)
    assert [error["field"] for error in found["errors"]] == fields
    assert all(f"{error['field']}: {error['message']}" in found["detail"] for error in found["errors"][:3])


def test_nothing_is_begun_while_something_is_wrong(client: FlaskClient, film: str, store: JobStore) -> None:
    before = store.load(film)
    for address, body, _, _ in ROWS:
        method, path = address.format(film=film).split()
        client.open(path, method=method, headers=BAD_KEY, **({} if isinstance(body, bytes) else {"json": body}))
    assert store.jobs("local", "", 10) == [film]
    assert store.load(film) == before


def test_every_address_refuses_what_it_does_not_take(client: FlaskClient) -> None:
    rules = client.application.url_map.iter_rules()
    asked = [(str(rule), method) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    asked = [(address, method) for address, method in asked if address.startswith(PREFIX)]
    assert len(asked) > 15
    for address, method in asked:
        found = problem_of(client.open(f"{address}?nobody=1&none=2", method=method), 422)
        assert {"nobody", "none"} <= {error["field"] for error in found["errors"]}, (method, address)


def test_faults_are_told_of_a_job_that_is_not_there(client: FlaskClient) -> None:
    """Its storyboard cannot be looked at; what is wrong with the form can."""
    body = {"version": 1, "mood": "sad", "quality": "best", "drop": ["s1"]}
    found = problem_of(client.patch("/mcp/storyboard/job_none", json=body), 422)
    assert [error["field"] for error in found["errors"]] == ["quality", "mood"]


def test_an_edit_of_an_old_version_is_not_held_against_the_newest(
    client: FlaskClient, pipeline: Pipeline, film: str
) -> None:
    with pipeline.alive():
        client.patch(f"/mcp/storyboard/{film}", json={"version": 1, "drop": ["s3"]})
    pipeline.run(film)
    for version, fields in ((1, ["mood"]), (2, ["mood", "drop[0]"])):
        body = {"version": version, "mood": "sad", "drop": ["s3"]}
        found = problem_of(client.patch(f"/mcp/storyboard/{film}", json=body), 422)
        assert [error["field"] for error in found["errors"]] == fields
