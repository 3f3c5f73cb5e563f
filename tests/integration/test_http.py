"""The HTTP service over a real Redis: what each route answers, and how it says what is wrong."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from api.assets import Assets
from api.http.app import create_app
from api.jobs import MOST_LOOKED_AT
from common import scratch
from common.contracts.base import ObjectRef
from common.contracts.job import WorkerInfo
from common.contracts.sources import REQUESTED
from common.contracts.voice import SpeechEngine, Voice
from common.errors import StorageFull, StorageUnavailable
from common.jobs.ids import new_job_ids
from common.jobs.store import JobStore, connect
from common.jobs.wishes import NewJob
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.support import clips
from tests.support.api_server import api_server
from tests.support.disks import small_disk
from tests.support.ready import make_job, make_ready
from tests.support.records import fail, finish, plan, write

UNKNOWN = "job_" + "0" * 32
A_SOURCE = " or ".join([", ".join(map(repr, REQUESTED[:-1])), repr(REQUESTED[-1])])
SERVICES = ("orchestrator", "retriever", "whisper_worker", "renderer")


@pytest.fixture
def settings(quick: Settings) -> Settings:
    return replace(quick, max_upload_mb=1)


def png() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def speech_worker() -> WorkerInfo:
    """It speaks English and German."""
    voices = (Voice(id="en-gb", name="", language="en"), Voice(id="de", name="", language="de"))
    engine = SpeechEngine(name="test", version="1", voices=voices)
    return WorkerInfo("speaker", "whisper_worker", 1, {"speech": [engine.model_dump()]})


def accepted(client: FlaskClient, **body: Any) -> str:
    reply = client.post("/mcp/generate", json=body or {"prompt": "waves at sunset"})
    assert reply.status_code == 202, reply.get_data(as_text=True)
    return str(reply.json["job_id"])


def problem_of(reply: TestResponse, status: int) -> dict[str, Any]:
    """Checks that the reply is a complete problem document, and returns it."""
    assert reply.status_code == status, reply.get_data(as_text=True)
    assert reply.mimetype == "application/problem+json"
    body: dict[str, Any] = json.loads(reply.data)
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == status
    assert "Traceback" not in reply.get_data(as_text=True)
    return body


# accepting


def test_a_request_becomes_a_queued_job_and_its_body_is_stored(
    client: FlaskClient, store: JobStore, storage: MemoryStorage
) -> None:
    reply = client.post("/mcp/generate", json={"prompt": "waves at sunset", "metadata": {"mine": 1}})
    assert reply.status_code == 202
    assert reply.json["status"] == "accepted"
    assert reply.headers["Location"] == f"/mcp/status/{reply.json['job_id']}"
    job = store.load(reply.json["job_id"])
    assert job is not None
    assert (job.state, job.title, job.metadata) == ("queued", "waves at sunset", {"mine": 1})
    assert json.loads(storage.get_bytes("assets", job.request.key))["prompt"] == "waves at sunset"


def test_nothing_is_accepted_while_the_object_store_is_away(settings: Settings, store: JobStore) -> None:
    class Away(MemoryStorage):
        def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
            raise StorageUnavailable("the object store does not answer")

    reply = create_app(settings, store, Away()).test_client().post("/mcp/generate", json={"prompt": "x"})
    assert problem_of(reply, 503)["code"] == "storage_unavailable"
    assert reply.headers["Retry-After"]
    assert store.jobs("local", "", 10) == []


def test_a_state_store_that_is_away_is_a_503(storage: MemoryStorage) -> None:
    nobody = Settings(state_url="redis://127.0.0.1:1/0")
    client = create_app(nobody, connect(nobody), storage).test_client()
    reply = client.get(f"/mcp/status/{UNKNOWN}")
    assert problem_of(reply, 503)["code"] == "state_unavailable"
    assert reply.headers["Retry-After"]


def test_the_same_key_with_the_same_request_gives_the_same_job(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = client.post("/mcp/generate", json={"prompt": "x", "music": "none"}, headers=headers)
    again = client.post("/mcp/generate", json={"music": False, "prompt": " x "}, headers=headers)
    assert again.status_code == 202
    assert again.json["job_id"] == first.json["job_id"]


def test_the_same_key_with_another_request_is_refused(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "order-1"}
    client.post("/mcp/generate", json={"prompt": "x"}, headers=headers)
    reply = client.post("/mcp/generate", json={"prompt": "y"}, headers=headers)
    assert problem_of(reply, 422)["code"] == "idempotency_key_reused"


def test_without_a_key_every_request_is_a_new_job(client: FlaskClient) -> None:
    assert accepted(client) != accepted(client)


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_an_unusable_key_is_named(client: FlaskClient, key: str) -> None:
    reply = client.post("/mcp/generate", json={"prompt": "x"}, headers={"Idempotency-Key": key})
    assert problem_of(reply, 422)["errors"][0]["field"] == "Idempotency-Key"


# refusing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b'{"prompt": NaN}',
        b'{"metadata": {"x": 1e999}, "prompt": "x"}',
        b'{"prompt": "half \\ud800"}',
        b'{"prompt": "\xff"}',
    ],
)
def test_what_is_no_json_object_is_a_400(client: FlaskClient, body: bytes) -> None:
    reply = client.post("/mcp/generate", data=body, content_type="application/json")
    assert problem_of(reply, 400)["code"] == "bad_request"


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ({}, "request", "exactly one"),
        ({"prompt": "x", "script": "y"}, "request", "exactly one"),
        ({"prompt": ""}, "prompt", "at least 1 character"),
        ({"prompt": 5}, "prompt", "valid string"),
        ({"prompt": "x", "colour": "red"}, "colour", "no field we know"),
        ({"prompt": "x", "duration_target": 1}, "duration_target", "greater than or equal to 3"),
        ({"prompt": "x", "aspect": "4:3"}, "aspect", "'16:9'"),
        ({"prompt": "x", "language": "English!"}, "language", "pt-BR"),
        ({"prompt": "x", "footage": "attic"}, "footage.sources[0]", f"must be {A_SOURCE}"),
        ({"prompt": "x", "footage": {"sources": ["folder", "url"]}}, "footage.sources[1]", f"must be {A_SOURCE}"),
        ({"prompt": "x", "music": "jazzy"}, "music.mood", "'calm'"),
        ({"scenes": []}, "scenes", "at least 1 item"),
        ({"scenes": [{"narration": "a", "duration": 0.1}]}, "scenes[0].duration", "0.5"),
        ({"scenes": [{"narration": "a"}, {"media": {"url": "ftp://x"}}]}, "scenes[1].media.url", "http or https"),
        ({"scenes": [{"media": {"asset": "ast_1"}}]}, "scenes[0].media.asset", "POST /mcp/assets"),
        ({"scenes": [{}]}, "scenes[0]", "narration, show, media or recording"),
        ({"prompt": "x", "metadata": {"k": "v" * 5000}}, "metadata", "4096 bytes"),
        ({"prompt": "x", "callback_url": "https://example.org"}, "callback_url", "poll /mcp/status"),
    ],
)
def test_an_invalid_field_is_named_as_the_user_writes_it(
    client: FlaskClient, body: dict[str, Any], field: str, word: str
) -> None:
    found = problem_of(client.post("/mcp/generate", json=body), 422)
    assert found["errors"][0]["field"] == field
    assert word in found["errors"][0]["message"]
    assert field in found["detail"]


@pytest.mark.parametrize("levels", [33, 200, 300, 900, 100_000])
def test_what_is_nested_too_deep_is_refused_at_the_door(client: FlaskClient, levels: int) -> None:
    body = '{"prompt": "x y", "metadata": ' + '{"a":' * levels + "1" + "}" * levels + "}"
    found = problem_of(client.post("/mcp/generate", data=body, content_type="application/json"), 422)
    assert "more than 32 levels" in found["errors"][0]["message"]
    assert found["errors"][0]["field"] == ("metadata" if levels < 950 else "request")


def test_every_address_refuses_a_body_that_is_nested_too_deep(client: FlaskClient) -> None:
    deep = '{"x": ' + "[" * 33 + "]" * 33 + "}"
    for address in ("/mcp/voices/preview", f"/mcp/versions/{UNKNOWN}/1/restore"):
        found = problem_of(client.post(address, data=deep, content_type="application/json"), 422)
        assert found["errors"][0]["field"] == "x"
    batch = '{"requests": [{"prompt": "x"}, {"prompt": "x", "metadata": ' + deep + "}]}"
    found = problem_of(client.post("/mcp/batch", data=batch, content_type="application/json"), 422)
    assert [error["field"] for error in found["errors"]] == ["requests[1].metadata"]


def test_32_levels_of_metadata_come_back(client: FlaskClient) -> None:
    deep: Any = 1
    for _ in range(31):
        deep = {"a": deep}
    job_id = accepted(client, prompt="x", metadata={"a": deep})
    assert client.get(f"/mcp/status/{job_id}").json["metadata"] == {"a": deep}


def test_a_member_that_is_given_twice_is_named(client: FlaskClient) -> None:
    body = b'{"prompt": "one", "title": {"text": "a", "text": "b"}, "prompt": "two"}'
    found = problem_of(client.post("/mcp/generate", data=body, content_type="application/json"), 422)
    assert [error["field"] for error in found["errors"]] == ["prompt", "title.text"]
    assert "twice" in found["detail"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"prompt": "x", "fps": 7, "voice": "nobody"}, ["fps", "voice"]),
        ({"prompt": "x", "callback_url": "https://example.org", "voice": "nobody"}, ["callback_url", "voice"]),
        ({"prompt": "x", "voice": "nobody", "language": "xx", "fps": 7}, ["fps", "voice", "language"]),
        ({"fps": 7, "size": "1920x1080", "aspect": "1:1"}, ["fps", "request", "request"]),
        ({"prompt": "", "script": "x", "voice": "no body"}, ["prompt", "voice", "request"]),
        ({"prompt": "x", "language": "English!", "voice": "de"}, ["language"]),
        (
            {"scenes": [{"duration": 0, "media": {"asset": "ast_" + "0" * 32}}, {}], "music": {"mood": "sad"}},
            ["scenes[0].duration", "scenes[1]", "music.mood", "scenes[0].media.asset"],
        ),
        (
            {"prompt": "x", "watermark": {"asset": "ast_" + "0" * 32, "opacity": 3}, "metadata": {"x": "y" * 5000}},
            ["watermark.opacity", "metadata", "watermark.asset"],
        ),
        ({"prompt": "x", "watermark": {}, "music": {"asset": "ast_1"}}, ["music.asset", "watermark"]),
    ],
)
def test_all_faults_of_a_request_are_told_at_once(
    client: FlaskClient, store: JobStore, body: dict[str, Any], fields: list[str]
) -> None:
    store.register(speech_worker(), 60)
    found = problem_of(client.post("/mcp/generate", json=body), 422)
    assert [error["field"] for error in found["errors"]] == fields
    batch = {"requests": [{"prompt": "fine"}, body], "name": "mine"}
    found = problem_of(client.post("/mcp/batch", json=batch), 422)
    inner = [f"requests[1].{field}".removesuffix(".request") for field in fields]
    assert sorted(error["field"] for error in found["errors"]) == sorted(["name", *inner])
    assert store.jobs("local", "", 10) == []


def test_faults_are_told_while_the_stores_are_away(storage: MemoryStorage) -> None:
    nobody = Settings(state_url="redis://127.0.0.1:1/0")
    client = create_app(nobody, connect(nobody), storage).test_client()
    found = problem_of(client.post("/mcp/generate", json={"prompt": "x", "fps": 7, "voice": "nobody"}), 422)
    assert [error["field"] for error in found["errors"]] == ["fps"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"scenes": [{}]}, "scenes[0]", "a scene needs narration, show, media or recording"),
        ({"scenes": [{"media": "x.jpg"}]}, "scenes[0].media", "must be a JSON object"),
        ({"scenes": {"show": "x"}}, "scenes", "must be a JSON list"),
        ({"prompt": "x", "metadata": 3}, "metadata", "must be a JSON object"),
    ],
)
def test_one_fault_is_one_error_in_the_words_of_json(
    client: FlaskClient, body: dict[str, Any], field: str, message: str
) -> None:
    found = problem_of(client.post("/mcp/generate", json=body), 422)
    assert found["errors"] == [{"field": field, "message": message}]


def test_an_unknown_asset_is_named(client: FlaskClient) -> None:
    unknown = "ast_" + "0" * 32
    body = {"scenes": [{"narration": "a"}, {"media": {"asset": unknown}}]}
    found = problem_of(client.post("/mcp/generate", json=body), 422)
    assert found["errors"][0]["field"] == "scenes[1].media.asset"
    found = problem_of(client.post("/mcp/generate", json={"prompt": "x", "music": unknown}), 422)
    assert found["errors"][0]["field"] == "music.asset"
    mark = {"asset": unknown}
    found = problem_of(client.post("/mcp/generate", json={"prompt": "x", "watermark": mark}), 422)
    assert found["errors"][0]["field"] == "watermark.asset"


def test_a_video_is_no_watermark(client: FlaskClient) -> None:
    video = clips.clip(seconds=1.0).read_bytes()
    asset = client.post("/mcp/assets", data=video).json["asset_id"]
    found = problem_of(client.post("/mcp/generate", json={"prompt": "x", "watermark": {"asset": asset}}), 422)
    assert found["errors"] == [{"field": "watermark.asset", "message": "the asset is video/mp4; this needs image"}]


def test_a_picture_is_no_music(client: FlaskClient) -> None:
    asset = client.post("/mcp/assets", data=png()).json["asset_id"]
    found = problem_of(client.post("/mcp/generate", json={"prompt": "x", "music": asset}), 422)
    assert found["errors"][0]["field"] == "music.asset"
    assert "image/png" in found["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_only_json_is_read_because_forms_need_no_permission_from_us(
    client: FlaskClient, content_type: str | None
) -> None:
    reply = client.post("/mcp/generate", data=b'{"prompt": "x"}', content_type=content_type)
    assert "application/json" in problem_of(reply, 415)["detail"]


def test_pages_of_other_sites_cannot_start_anything(client: FlaskClient) -> None:
    for path in ("/mcp/generate", "/mcp/assets", f"/mcp/cancel/{UNKNOWN}"):
        reply = client.post(path, json={"prompt": "x"}, headers={"Origin": "http://elsewhere.example"})
        assert problem_of(reply, 403)["code"] == "forbidden"
    own = client.post("/mcp/generate", json={"prompt": "x"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 202


def test_a_body_that_is_too_large_is_a_413(client: FlaskClient) -> None:
    reply = client.post("/mcp/generate", json={"prompt": "x", "metadata": {"k": "v" * 5_000_000}})
    assert problem_of(reply, 413)["code"] == "too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/nowhere", 404, "not_found"),
        ("get", "/mcp/generate", 405, "method_not_allowed"),
        ("get", f"/mcp/status/{UNKNOWN}", 404, "unknown_job"),
        ("get", f"/mcp/result/{UNKNOWN}", 404, "unknown_job"),
        ("get", f"/mcp/storyboard/{UNKNOWN}", 404, "unknown_job"),
        ("post", f"/mcp/cancel/{UNKNOWN}", 404, "unknown_job"),
        ("get", "/mcp/status/due", 404, "unknown_job"),
    ],
)
def test_what_is_not_there_is_a_problem_too(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    assert problem_of(getattr(client, method)(path), status)["code"] == code


def test_an_address_that_is_not_there_is_answered_with_one_that_is(client: FlaskClient) -> None:
    found = problem_of(client.get("/mcp/job"), 404)
    assert "did you mean /mcp/jobs?" in found["detail"]
    listed = client.get("/").json["addresses"]
    assert {"GET /mcp/jobs", "POST /mcp/generate", "PATCH /mcp/storyboard/<job_id>"} <= set(listed)
    assert "GET /" in found["detail"]


def test_a_method_that_is_not_taken_is_answered_with_those_that_are(client: FlaskClient) -> None:
    reply = client.delete(f"/mcp/storyboard/{UNKNOWN}")
    assert problem_of(reply, 405)["detail"] == f"/mcp/storyboard/{UNKNOWN} takes GET and PATCH, not DELETE"
    assert {"GET", "PATCH"} <= set(reply.headers["Allow"].split(", "))


def test_no_answer_is_in_words_that_are_not_ours(client: FlaskClient) -> None:
    """Those of the framework name no cure."""
    replies = [
        client.get("/mcp/nowhere"),
        client.put("/mcp/jobs"),
        client.post("/mcp/generate", data=b"{" + b" " * 5_000_000, content_type="application/json"),
        client.post("/mcp/assets", data=b"--x", content_type="multipart/form-data; boundary=x"),
        client.post("/mcp/assets", data=b"x", content_type="multipart/form-data"),
    ]
    for reply in replies:
        words = problem_of(reply, reply.status_code)["detail"]
        for theirs in ("The requested URL", "The method is not allowed", "data value transmitted", "browser"):
            assert theirs not in words


# what the server itself has to say


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A real server, which needs no Redis to refuse something."""
    settings = Settings(state_url="redis://127.0.0.1:1/0", max_upload_mb=1)
    with api_server(settings, tmp_path_factory.mktemp("server") / "log") as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


def spoken(server: tuple[str, int], head: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Says all of it before listening, as simple clients do; returns status and problem."""
    with socket.create_connection(server, 60) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            fields = {name.lower(): value.strip() for name, _, value in iter(lambda: header_of(answer), ("", "", ""))}
            assert fields["content-type"] == "application/problem+json"
            assert fields["x-content-type-options"] == "nosniff"
            found: dict[str, Any] = json.loads(answer.read(int(fields["content-length"])))
    assert found["status"] == status
    return status, found


def header_of(answer: BinaryIO) -> tuple[str, str, str]:
    return answer.readline().decode().rstrip("\r\n").partition(":")


CHUNKS = b"10000\r\n" + bytes(0x10000) + b"\r\n"
TOO_MUCH: list[tuple[str, str, bytes]] = [
    ("generate", "Content-Type: application/json\nContent-Length: 20000000", bytes(20_000_000)),
    ("generate", "Content-Type: application/json\nTransfer-Encoding: chunked", CHUNKS * 300 + b"0\r\n\r\n"),
    ("assets", "Content-Type: video/mp4\nContent-Length: 20000000", bytes(20_000_000)),
    ("assets", "Content-Type: video/mp4\nTransfer-Encoding: chunked", CHUNKS * 300 + b"0\r\n\r\n"),
]


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
@pytest.mark.parametrize(("path", "fields", "body"), TOO_MUCH)
def test_who_sends_too_much_hears_that_it_is_too_much(
    server: tuple[str, int], path: str, fields: str, body: bytes, connection: str
) -> None:
    head = f"POST /mcp/{path} HTTP/1.1\nHost: x\n{fields}\nConnection: {connection}\n\n"
    status, found = spoken(server, head, body)
    assert (status, found["code"]) == (413, "too_large")
    assert "MB" in found["detail"]


def test_after_a_body_that_was_too_large_the_connection_can_be_used_again(server: tuple[str, int]) -> None:
    with requests.Session() as session:
        url = f"http://{server[0]}:{server[1]}"
        for _ in range(2):
            assert session.post(f"{url}/mcp/assets", data=bytes(3_000_000), timeout=60).status_code == 413
            assert session.get(f"{url}/healthz", timeout=60).status_code == 200


MISFORMED: list[tuple[str, int, str]] = [
    (f"GET /{'x' * 5000} HTTP/1.1\nHost: x\n\n", 414, "address_too_long"),
    (f"GET / HTTP/1.1\nHost: x\nX-Long: {'x' * 100_000}\n\n", 431, "headers_too_large"),
    ("GET / HTTP/9.9\n\n", 400, "bad_request"),
    ("nonsense\n\n", 400, "bad_request"),
    ("GET / HTTP/1.1\nHost: x\nno header\n\n", 400, "bad_request"),
    ("GET / HTTP/1.1\nHost: x\nExpect: cake\n\n", 417, "bad_request"),
    ("POST /mcp/assets HTTP/1.1\nHost: x\nContent-Length: -5\n\n", 400, "bad_request"),
    (
        "POST /mcp/generate HTTP/1.1\nHost: x\nContent-Type: application/json\nTransfer-Encoding: chunked\n\nzz\n",
        400,
        "bad_request",
    ),
]


@pytest.mark.parametrize(("head", "status", "code"), MISFORMED)
def test_what_is_no_request_is_answered_in_our_form_too(
    server: tuple[str, int], head: str, status: int, code: str
) -> None:
    assert (status, code) == (lambda told: (told[0], told[1]["code"]))(spoken(server, head))


def test_a_fault_of_ours_tells_nothing_of_our_insides(
    settings: Settings, store: JobStore, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MemoryStorage):
        def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
            raise KeyError("secret detail")

    reply = create_app(settings, store, Broken()).test_client().post("/mcp/generate", json={"prompt": "x"})
    assert problem_of(reply, 500)["code"] == "internal_error"
    assert "secret" not in reply.get_data(as_text=True)
    assert "secret detail" in caplog.text


def test_every_answer_forbids_guessing_its_type(client: FlaskClient) -> None:
    for path in ("/healthz", "/nowhere", "/mcp/jobs"):
        assert client.get(path).headers["X-Content-Type-Options"] == "nosniff"


# following


def test_a_new_job_is_queued_with_no_progress(client: FlaskClient) -> None:
    status = client.get(f"/mcp/status/{accepted(client)}").json
    assert status["status"] == "queued"
    assert status["overall_progress"] == 0
    assert status["scenes"] == []
    assert status["logs"]


def test_the_storyboard_is_a_409_until_it_is_there(
    client: FlaskClient, store: JobStore, storage: MemoryStorage
) -> None:
    job_id = accepted(client)
    assert problem_of(client.get(f"/mcp/storyboard/{job_id}"), 409)["code"] == "not_finished"
    plan(store, storage, job_id)
    found = client.get(f"/mcp/storyboard/{job_id}").json
    assert [scene["narration"] for scene in found["scenes"]] == ["Scene s1.", "Scene s2."]
    assert client.get(f"/mcp/status/{job_id}").json["total_scenes"] == 2


def test_the_result_has_links_once_the_film_is_there(
    client: FlaskClient, store: JobStore, storage: MemoryStorage
) -> None:
    job_id = accepted(client)
    plan(store, storage, job_id)
    assert problem_of(client.get(f"/mcp/result/{job_id}"), 409)["code"] == "not_finished"
    finish(store, storage, job_id)
    result = client.get(f"/mcp/result/{job_id}").json
    assert result["video_url"] == f"s3://videos/{job_id}/output.mp4"
    assert result["thumbnail_url"] == f"s3://videos/{job_id}/thumbnail.jpg"
    assert "local/film/x/y" in result["download_url"], "the film of this version, whatever its public name shows later"
    assert "local/srt/x/y" in result["captions"]["srt"]
    assert (result["duration"], result["width"], result["height"]) == (6.0, 640, 360)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_without_a_film_says_why_there_is_none(client: FlaskClient, store: JobStore, state: str) -> None:
    job_id = accepted(client)
    if state == "failed":
        fail(store, job_id, "it took too long")
    else:
        write(store, job_id, {"state": state}, {})
    found = problem_of(client.get(f"/mcp/result/{job_id}"), 409)
    assert found["code"] == state
    assert ("it took too long" in found["detail"]) == (state == "failed")


def test_cancelling_records_the_wish(client: FlaskClient, store: JobStore) -> None:
    job_id = accepted(client)
    for words in ("is being cancelled; it ends", "is being cancelled already; it ends"):
        reply = client.post(f"/mcp/cancel/{job_id}")
        assert reply.status_code == 202
        assert words in reply.json["message"]
    job = store.load(job_id)
    assert job is not None
    assert job.cancel


def test_cancelling_what_is_cancelled_already_promises_nothing(client: FlaskClient, store: JobStore) -> None:
    job_id = accepted(client)
    write(store, job_id, {"state": "cancelled"}, {})
    reply = client.post(f"/mcp/cancel/{job_id}")
    assert reply.status_code == 200
    assert reply.json["message"] == "the job has been cancelled already"


def test_a_job_that_has_ended_cannot_be_cancelled(client: FlaskClient, store: JobStore) -> None:
    job_id = accepted(client)
    write(store, job_id, {"state": "completed"}, {})
    assert problem_of(client.post(f"/mcp/cancel/{job_id}"), 409)["code"] == "already_ended"


def test_a_job_of_somebody_else_looks_like_none(client: FlaskClient, store: JobStore) -> None:
    foreign = "job_" + "f" * 32
    request = ObjectRef(key="x", sha256="x", size=1, media_type="application/json")
    store.create("somebody", [NewJob(foreign, request, timeout=60)], answer=foreign)
    assert client.get(f"/mcp/status/{foreign}").data == client.get(f"/mcp/status/{UNKNOWN}").data.replace(
        UNKNOWN.encode(), foreign.encode()
    )
    assert problem_of(client.post(f"/mcp/cancel/{foreign}"), 404)["code"] == "unknown_job"
    assert client.get("/mcp/jobs").json["jobs"] == []


# listing


def test_jobs_are_listed_newest_first_page_by_page(client: FlaskClient) -> None:
    made = [accepted(client, prompt=f"film {number}") for number in range(5)]
    seen: list[str] = []
    query = "/mcp/jobs?limit=2"
    while query:
        page = client.get(query).json
        seen += [job["job_id"] for job in page["jobs"]]
        query = page["next_cursor"] and f"/mcp/jobs?limit=2&cursor={page['next_cursor']}"
    assert seen == sorted(made, reverse=True)


def test_log_lines_are_read_on_from_where_the_reader_stopped(client: FlaskClient) -> None:
    job_id = client.post("/mcp/generate", json={"prompt": "a lake"}).get_json()["job_id"]
    first = client.get(f"/mcp/status/{job_id}?after=0").get_json()["logs"]
    assert [line["seq"] for line in first] == [1]
    client.post(f"/mcp/cancel/{job_id}")
    later = client.get(f"/mcp/status/{job_id}?after=1").get_json()["logs"]
    assert [line["message"] for line in later] == ["asked to cancel"]
    refused = client.get(f"/mcp/status/{job_id}?after=soon")
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "after")


def test_jobs_can_be_listed_by_status(client: FlaskClient, store: JobStore) -> None:
    done = accepted(client)
    accepted(client)
    write(store, done, {"state": "completed"}, {})
    assert [job["job_id"] for job in client.get("/mcp/jobs?status=completed").json["jobs"]] == [done]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=²", "status=happy", "cursor=???", "cursor=eA"]
)
def test_an_unusable_query_is_named(client: FlaskClient, query: str) -> None:
    found = problem_of(client.get(f"/mcp/jobs?{query}"), 422)
    assert found["errors"][0]["field"] == query.partition("=")[0]


# assets


def test_the_same_file_is_one_asset_however_it_comes(client: FlaskClient, storage: MemoryStorage) -> None:
    form = client.post("/mcp/assets", data={"file": (BytesIO(png()), "../my cat.png")})
    raw = client.post("/mcp/assets", data=png(), content_type="image/jpeg")
    assert form.status_code == raw.status_code == 201
    assert form.json == raw.json
    assert form.json["media_type"] == "image/png"
    assert form.json["size"] == len(png())
    asset_id = form.json["asset_id"]
    assert storage.get_bytes("assets", f"local/asset/{asset_id}/media") == png()
    body = {"scenes": [{"media": {"asset": asset_id}}]}
    assert client.post("/mcp/generate", json=body).status_code == 202


def upload_form(client: FlaskClient, data: bytes) -> TestResponse:
    form = requests.Request("POST", "http://x/", files={"file": ("x.png", data)}).prepare()
    return client.post("/mcp/assets", data=form.body, content_type=form.headers["Content-Type"])


def upload_raw(client: FlaskClient, data: bytes) -> TestResponse:
    return client.post("/mcp/assets", data=data)


@pytest.mark.parametrize("upload", [upload_form, upload_raw])
def test_an_upload_that_is_too_large_is_a_413_and_leaves_nothing(
    client: FlaskClient, tmp_path: Path, upload: Callable[[FlaskClient, bytes], TestResponse]
) -> None:
    assert problem_of(upload(client, png() + bytes(2**20)), 413)["code"] == "too_large"
    assert problem_of(upload(client, png() + bytes(2**20 + 100_000)), 413)["code"] == "too_large"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("upload", [upload_form, upload_raw])
def test_an_upload_for_which_the_disk_has_no_room_is_a_507(
    settings: Settings,
    store: JobStore,
    tmp_path: Path,
    upload: Callable[[FlaskClient, bytes], TestResponse],
) -> None:
    with small_disk(tmp_path / "disk", 300_000) as disk:
        client = create_app(replace(settings, work_dir=str(disk)), store, MemoryStorage()).test_client()
        found = problem_of(upload(client, png() + bytes(600_000)), 507)
        assert (found["code"], "no room" in found["detail"]) == ("disk_full", True)
        assert list(disk.iterdir()) == []
        assert upload(client, png()).status_code == 201


def test_a_full_object_store_is_a_507(settings: Settings, store: JobStore) -> None:
    class Full(MemoryStorage):
        def put_file(self, bucket: str, key: str, path: Path, media_type: str) -> None:
            raise StorageFull("the object store is full")

    client = create_app(settings, store, Full()).test_client()
    found = problem_of(client.post("/mcp/assets", data=png()), 507)
    assert (found["code"], found["detail"]) == ("storage_full", "the object store is full")


@pytest.mark.parametrize("data", [b"<svg onload='x'/>", b"#EXTM3U\nfile:///secret", b"plain words", b"PK\x03\x04"])
def test_content_we_cannot_use_is_refused_whatever_it_calls_itself(client: FlaskClient, data: bytes) -> None:
    reply = client.post("/mcp/assets", data={"file": (BytesIO(data), "film.mp4", "video/mp4")})
    assert problem_of(reply, 415)["code"] == "unsupported_media"


@pytest.mark.parametrize("upload", [upload_form, upload_raw])
def test_an_empty_file_is_called_empty(
    client: FlaskClient, upload: Callable[[FlaskClient, bytes], TestResponse]
) -> None:
    found = problem_of(upload(client, b""), 422)
    assert found["errors"] == [{"field": "file", "message": "the upload is empty"}]


def test_what_only_begins_like_a_picture_is_refused_as_damaged(client: FlaskClient, storage: MemoryStorage) -> None:
    found = problem_of(client.post("/mcp/assets", data=b"\xff\xd8\xff\xe0garbage"), 422)
    assert (found["code"], "image/jpeg" in found["detail"]) == ("damaged_media", True)
    assert list(storage.list("assets")) == []


def test_an_upload_without_a_file_is_named(client: FlaskClient) -> None:
    for reply in (client.post("/mcp/assets", data={"other": (BytesIO(b"x"), "x")}), client.post("/mcp/assets")):
        assert problem_of(reply, 422)["errors"][0]["field"] == "file"


def test_a_form_with_two_files_is_asked_to_send_one(client: FlaskClient, tmp_path: Path) -> None:
    files = [(BytesIO(png()), "a.png"), (BytesIO(png()), "b.png")]
    reply = client.post("/mcp/assets", data={"file": files})
    assert "send one" in problem_of(reply, 422)["errors"][0]["message"]


# parameters


@pytest.mark.parametrize(
    ("address", "field", "word"),
    [
        ("/mcp/jobs?stauts=completed", "stauts", "takes cursor and limit and status"),
        (f"/mcp/status/{UNKNOWN}?version=1", "version", "takes after"),
        ("/mcp/jobs?limit=1&limit=2", "limit", "twice"),
        (f"/mcp/scenes/{UNKNOWN}/s1?verson=1", "verson", "takes version"),
    ],
)
def test_a_parameter_that_would_do_nothing_is_refused(client: FlaskClient, address: str, field: str, word: str) -> None:
    found = problem_of(client.get(address), 422)
    assert [error["field"] for error in found["errors"]] == [field]
    assert word in found["detail"]


def test_parameters_are_looked_at_before_anything_is_done(client: FlaskClient, store: JobStore) -> None:
    found = problem_of(client.post("/mcp/generate?draft=true", json={"prompt": "x"}), 422)
    assert "takes no parameters" in found["errors"][0]["message"]
    assert store.jobs("local", "", 10) == []


def test_probes_of_health_may_have_any_parameter(client: FlaskClient) -> None:
    assert client.get("/healthz?nocache=1").status_code == 200


# health


def test_readiness_names_what_is_missing(client: FlaskClient, store: JobStore) -> None:
    for service in SERVICES[:3]:
        store.register(WorkerInfo(f"{service}-1", service, 1, {}), 60)
    assert client.get("/healthz").json["service"] == "reelwright"
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json["missing_workers"]) == (200, ["renderer"]), "it takes requests all the same"
    store.register(WorkerInfo("renderer-1", "renderer", 1, {}), 60)
    assert client.get("/readyz").json["missing_workers"] == []


def test_readiness_is_told_while_the_stores_hang(settings: Settings, store: JobStore) -> None:
    released = threading.Event()

    class Hung(MemoryStorage):
        def check(self) -> None:
            released.wait()

    client = create_app(settings, store, Hung()).test_client()
    assert "S3" in problem_of(client.get("/readyz"), 503)["detail"]
    released.set()
    assert client.get("/readyz").status_code == 200


def figures(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_metrics_always_name_every_queue_and_count_its_work(client: FlaskClient, store: JobStore) -> None:
    assert figures(client.get("/metrics").text)['reelwright_queue_load{queue="render"}'] == 0
    make_job(store)
    make_ready(store)
    store.register(WorkerInfo("renderer-1", "renderer", 3, {}), 60)
    found = figures(client.get("/metrics").text)
    loads = {name: value for name, value in found.items() if "queue_load" in name}
    assert loads == {f'reelwright_queue_load{{queue="{queue}"}}': float(queue == "render") for queue in QUEUES}
    assert found['reelwright_slots{service="renderer"}'] == 3
    assert found['reelwright_workers{service="retriever"}'] == 0
    assert found['reelwright_jobs{lane="waiting"}'] == 1


@pytest.mark.parametrize(
    ("address", "header", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("192.0.2.1", {}, 403),
        ("192.0.2.1", {"Authorization": "Bearer open sesame"}, 200),
        ("192.0.2.1", {"Authorization": "Bearer open"}, 403),
        ("192.0.2.1", {"Authorization": "open sesame"}, 403),
    ],
)
def test_metrics_are_for_a_network_or_a_token(
    settings: Settings, store: JobStore, storage: MemoryStorage, address: str, header: dict[str, str], status: int
) -> None:
    own = replace(settings, metrics_token="open sesame", metrics_networks="127.0.0.0/8, 10.0.0.0/8")
    client = create_app(own, store, storage).test_client()
    reply = client.get("/metrics", headers=header, environ_base={"REMOTE_ADDR": address})
    assert reply.status_code == status


def test_without_a_token_none_opens_the_metrics(settings: Settings, store: JobStore, storage: MemoryStorage) -> None:
    client = create_app(settings, store, storage).test_client()
    reply = client.get("/metrics", headers={"Authorization": "Bearer "}, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert reply.status_code == 403


def test_readiness_names_stores_that_are_away() -> None:
    class Away(MemoryStorage):
        def check(self) -> None:
            raise StorageUnavailable("the object store does not answer")

    nobody = Settings(state_url="redis://127.0.0.1:1/0")
    client = create_app(nobody, connect(nobody), Away()).test_client()
    assert client.get("/healthz").status_code == 200
    detail = problem_of(client.get("/readyz"), 503)["detail"]
    assert "Redis" in detail
    assert "S3" in detail


# what is gone, and what is too much


def test_a_repeat_is_answered_even_if_what_it_names_has_gone_since(client: FlaskClient, storage: MemoryStorage) -> None:
    asset = upload_raw(client, png()).json["asset_id"]
    body = {"scenes": [{"narration": "Look.", "media": {"asset": asset}}]}
    for path, wanted in (("generate", body), ("batch", {"requests": [body]})):
        first = client.post(f"/mcp/{path}", json=wanted, headers={"Idempotency-Key": path})
        about = f"local/asset/{asset}/about.json"
        kept = storage.get_bytes("assets", about)
        storage.delete("assets", about)
        again = client.post(f"/mcp/{path}", json=wanted, headers={"Idempotency-Key": path})
        assert again.status_code == 202
        assert again.headers["Location"] == first.headers["Location"]
        assert problem_of(client.post(f"/mcp/{path}", json=wanted), 422)["code"] == "invalid_request"
        storage.put_bytes("assets", about, kept, "application/json")


def test_a_search_for_rare_jobs_stops_and_goes_on(
    client: FlaskClient, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = accepted(client)
    ref = ObjectRef(key="local/request/x", sha256="0" * 64, size=1, media_type="application/json")
    names = new_job_ids(450)
    store.create("local", [NewJob(name, ref, timeout=60.0) for name in names], answer="x")
    fail(store, rare, "for a test")
    looked: list[str] = []
    load = store.load
    monkeypatch.setattr(store, "load", lambda name: looked.append(name) or load(name))
    pages = [client.get("/mcp/jobs?status=failed").json]
    most = len(looked)
    while pages[-1]["next_cursor"]:
        pages.append(client.get(f"/mcp/jobs?status=failed&cursor={pages[-1]['next_cursor']}").json)
    assert most == MOST_LOOKED_AT
    assert len(pages) == 3
    assert [job["job_id"] for page in pages for job in page["jobs"]] == [rare]


def test_a_storyboard_that_is_gone_is_no_fault_of_the_status(
    client: FlaskClient, store: JobStore, storage: MemoryStorage
) -> None:
    job_id = accepted(client)
    plan(store, storage, job_id)
    finish(store, storage, job_id)
    job = store.load(job_id)
    assert job is not None
    assert job.storyboard is not None
    storage.delete("assets", job.storyboard.key)
    assert client.get(f"/mcp/status/{job_id}").json["status"] == "completed"
    assert client.get("/mcp/jobs").json["jobs"][0]["job_id"] == job_id
    for path in (f"scenes/{job_id}/s1", f"storyboard/{job_id}", f"result/{job_id}"):
        assert problem_of(client.get(f"/mcp/{path}"), 404)["code"] == "no_longer_kept"


def test_a_storyboard_of_another_release_is_refused_in_a_sentence_and_no_fault_of_the_status(
    client: FlaskClient, store: JobStore, storage: MemoryStorage
) -> None:
    job_id = accepted(client)
    plan(store, storage, job_id)
    finish(store, storage, job_id)
    job = store.load(job_id)
    assert job is not None
    assert job.storyboard is not None
    body = json.loads(storage.get_bytes("assets", job.storyboard.key))
    storage.put_bytes("assets", job.storyboard.key, json.dumps({**body, "schema": "storyboard.9"}).encode(), "x")
    assert client.get(f"/mcp/status/{job_id}").status_code == 200
    assert client.get("/mcp/jobs").status_code == 200
    for path in (f"scenes/{job_id}/s1", f"storyboard/{job_id}", f"result/{job_id}"):
        problem = problem_of(client.get(f"/mcp/{path}"), 409)
        assert problem["code"] == "unreadable_document"
        assert "has the schema storyboard.9, and this release reads storyboard.2" in problem["detail"]


def test_documents_that_are_not_kept_whole_make_no_job(settings: Settings, store: JobStore) -> None:
    class Forgetful(MemoryStorage):
        def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
            super().put_bytes(bucket, key, data[:-1], media_type)

    client = create_app(settings, store, Forgetful()).test_client()
    body = {"prompt": "x"}
    for reply in (
        client.post("/mcp/generate", json=body),
        client.post("/mcp/batch", json={"requests": [body]}),
        upload_raw(client, png()),
    ):
        assert problem_of(reply, 503)["code"] == "storage_unavailable"
    assert store.jobs("local", "", 10) == []


def test_uploads_lie_where_a_sweep_finds_those_of_a_killed_process(tmp_path: Path) -> None:
    assets = Assets(MemoryStorage(), Settings(work_dir=str(tmp_path)))
    child = os.fork()
    if child == 0:
        dead = assets.incoming()
        dead.write(b"...")
        os._exit(137)
    os.waitpid(child, 0)
    alive = assets.incoming()
    assert alive.write(b"...") == 3
    assert scratch.sweep(tmp_path) == 1
    assert alive.path.exists()
    alive.close()
    assert list(tmp_path.iterdir()) == []
