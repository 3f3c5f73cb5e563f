"""Jobs are let in up to a limit, and many requests at once become jobs together or not at all."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from api.http.app import create_app
from common.contracts.request import VideoRequest
from common.documents import read_document
from common.jobs.archive import archive
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.integration.test_http import accepted, problem_of
from tests.support.api_server import api_server
from tests.support.pipeline import Pipeline
from tests.support.redis_server import RedisServer
from tests.support.s3_server import s3_server
from tests.support.waiting import eventually

UNKNOWN = "batch_" + "0" * 32
TRIES = 5


def limited(quick: Settings, store: JobStore, storage: MemoryStorage, **limits: int) -> FlaskClient:
    return create_app(replace(quick, **limits), store, storage).test_client()  # type: ignore[arg-type]


def batch(*prompts: str) -> dict[str, Any]:
    return {"requests": [{"prompt": prompt} for prompt in prompts]}


# batches


def test_a_batch_makes_a_job_of_every_request_in_order(
    client: FlaskClient, store: JobStore, storage: MemoryStorage
) -> None:
    reply = client.post("/mcp/batch", json=batch("bees", "waves", "rain"))
    assert reply.status_code == 202
    assert reply.headers["Location"] == f"/mcp/batch/{reply.json['batch_id']}"
    names = [item["job_id"] for item in reply.json["jobs"]]
    assert [item["index"] for item in reply.json["jobs"]] == [0, 1, 2]
    assert names == sorted(names)
    jobs = [store.load(name) for name in names]
    assert [(job.title, job.lane) for job in jobs if job is not None] == [
        ("bees", "batch"),
        ("waves", "batch"),
        ("rain", "batch"),
    ]
    for job, prompt in zip(jobs, ("bees", "waves", "rain"), strict=True):
        assert job is not None
        assert read_document(VideoRequest, storage.get_bytes("assets", job.request.key)).prompt == prompt


def test_the_items_of_a_batch_are_followed_together_also_when_they_are_forgotten(
    client: FlaskClient, store: JobStore, storage: MemoryStorage, quick: Settings
) -> None:
    pipeline = Pipeline(quick, store, storage)
    made = client.post("/mcp/batch", json=batch("bees", "waves", "rain")).json
    names = [item["job_id"] for item in made["jobs"]]
    client.post(f"/mcp/cancel/{names[2]}")
    pipeline.run(names[0])
    pipeline.run(names[2])
    archive(store, storage, replace(quick, keep_job_seconds=0.0), names[0])
    eventually(lambda: store.forget(names[0]))
    view = client.get(f"/mcp/batch/{made['batch_id']}").json
    assert (view["batch_id"], view["total"]) == (made["batch_id"], 3)
    assert [item["job_id"] for item in view["jobs"]] == names
    states = [item["status"] for item in view["jobs"]]
    assert (states[0], states[2]) == ("completed", "cancelled")
    assert sum(view["counts"].values()) == 3
    assert view["counts"]["completed"] >= 1
    assert view["jobs"][0]["overall_progress"] == 100
    assert client.get(view["jobs"][0]["result"]).json["job_id"] == names[0]
    assert view["jobs"][2]["result"] is None


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ({}, "requests", "is required"),
        ({"requests": []}, "requests", "at least 1 item"),
        ({"requests": [{"prompt": "x"}] * 101}, "requests", "at most 100 items"),
        ({"requests": {"prompt": "x"}}, "requests", "must be a JSON list"),
        ({"requests": [{"prompt": "x"}, 3]}, "requests[1]", "must be a JSON object"),
        ({"requests": [{"prompt": "x"}, {}]}, "requests[1]", "exactly one"),
        ({"requests": [{"scenes": [{"narration": "a", "duration": 0}]}]}, "requests[0].scenes[0].duration", "0.5"),
        (
            {"requests": [{"prompt": "x"}, {"prompt": "x", "callback_url": "http://x"}]},
            "requests[1].callback_url",
            "webhooks",
        ),
        (
            {"requests": [{"prompt": "x"}, {"scenes": [{"media": {"asset": "ast_" + "0" * 32}}]}]},
            "requests[1].scenes[0].media.asset",
            "no asset",
        ),
    ],
)
def test_one_bad_item_refuses_the_whole_batch_by_its_field(
    client: FlaskClient, store: JobStore, body: dict[str, Any], field: str, word: str
) -> None:
    found = problem_of(client.post("/mcp/batch", json=body), 422)
    assert found["errors"][0]["field"] == field
    assert word in found["errors"][0]["message"]
    assert store.jobs("local", "", 10) == []


def test_every_bad_item_of_a_batch_is_named(client: FlaskClient) -> None:
    body = {"requests": [{"prompt": ""}, {"prompt": "x"}, {"script": "y", "aspect": "4:3"}]}
    found = problem_of(client.post("/mcp/batch", json=body), 422)
    assert [error["field"] for error in found["errors"]] == ["requests[0].prompt", "requests[2].aspect"]


def test_the_same_key_gives_the_same_batch(client: FlaskClient, store: JobStore, storage: MemoryStorage) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = client.post("/mcp/batch", json=batch("a", "b"), headers=headers)
    again = client.post("/mcp/batch", json=batch("a", "b"), headers=headers)
    assert again.status_code == 202
    assert (again.json["batch_id"], again.json["jobs"]) == (first.json["batch_id"], first.json["jobs"])
    assert len(store.jobs("local", "", 10)) == 2
    assert len(list(storage.list("assets", "local/batch/"))) == 1
    other = client.post("/mcp/batch", json=batch("b", "a"), headers=headers)
    assert problem_of(other, 422)["code"] == "idempotency_key_reused"
    assert problem_of(client.post("/mcp/generate", json={"prompt": "a"}, headers=headers), 422)


@pytest.mark.parametrize("name", [UNKNOWN, "job_" + "0" * 32, "..", "x"])
def test_an_unknown_batch_is_a_404(client: FlaskClient, name: str) -> None:
    assert problem_of(client.get(f"/mcp/batch/{name}"), 404)["code"] in ("unknown_batch", "not_found")


def test_a_batch_may_be_larger_than_a_request_but_not_without_end(client: FlaskClient) -> None:
    scripts = [{"script": "word " * 9_000} for _ in range(100)]
    assert client.post("/mcp/batch", json={"requests": scripts}).status_code == 202
    assert problem_of(client.post("/mcp/batch", data=b" " * (17 * 2**20), content_type="application/json"), 413)


# limits


def test_a_full_server_says_503_and_when_to_come_back(quick: Settings, store: JobStore, storage: MemoryStorage) -> None:
    client = limited(quick, store, storage, max_queued_jobs=3)
    accepted(client)
    reply = client.post("/mcp/batch", json=batch("a", "b", "c"))
    assert problem_of(reply, 503)["code"] == "too_many_jobs"
    assert int(reply.headers["Retry-After"]) > 0
    assert len(store.jobs("local", "", 10)) == 1, "none of a batch that does not fit as a whole"
    assert list(storage.list("assets", "local/batch/")) == []
    assert client.post("/mcp/batch", json=batch("a", "b")).status_code == 202
    assert problem_of(client.post("/mcp/generate", json={"prompt": "x"}), 503)["code"] == "too_many_jobs"


def test_a_client_with_too_many_jobs_gets_429_until_some_have_ended(
    quick: Settings, store: JobStore, storage: MemoryStorage
) -> None:
    client = limited(quick, store, storage, max_jobs_per_owner=2)
    first, second = accepted(client), accepted(client)
    for path, body in (("generate", {"prompt": "x"}), ("batch", batch("x"))):
        reply = client.post(f"/mcp/{path}", json=body)
        found = problem_of(reply, 429)
        assert (found["code"], found["title"]) == ("too_many_jobs", "Too Many Requests")
        assert int(reply.headers["Retry-After"]) > 0
    pipeline = Pipeline(quick, store, storage)
    pipeline.run(first)
    accepted(client)
    pipeline.run(second)
    # The third job may have ended with the second, so both places may be free.
    for _ in range(2):
        client.post("/mcp/generate", json={"prompt": "x"})
    # What has ended needs a place again to go on.
    edit = client.patch(f"/mcp/storyboard/{first}", json={"version": 1, "voice": "de"})
    assert problem_of(edit, 429)["code"] == "too_many_jobs"


def test_an_idempotent_repeat_is_answered_however_full_it_is(
    quick: Settings, store: JobStore, storage: MemoryStorage
) -> None:
    client = limited(quick, store, storage, max_queued_jobs=1)
    headers = {"Idempotency-Key": "order-1"}
    first = client.post("/mcp/generate", json={"prompt": "x"}, headers=headers).json["job_id"]
    again = client.post("/mcp/generate", json={"prompt": "x"}, headers=headers)
    assert (again.status_code, again.json["job_id"]) == (202, first)


def test_fifty_posts_at_once_with_one_key_make_one_job(
    redis_here: RedisServer, tmp_path: Path, store: JobStore
) -> None:
    (tmp_path / "objects").mkdir()
    with s3_server(tmp_path / "objects") as s3:
        settings = replace(s3, state_url=redis_here.url, broker_url=redis_here.url, api_workers=2)
        with api_server(settings, tmp_path / "api.log") as url, ThreadPoolExecutor(50) as pool:

            def post(path: str, body: dict[str, Any]) -> Any:
                headers = {"Idempotency-Key": f"order {path}".replace(" ", "-")}
                for _ in range(TRIES):
                    reply = requests.post(f"{url}/mcp/{path}", json=body, headers=headers, timeout=60)
                    # The store may refuse some of fifty that write one object; the key makes it safe to ask again.
                    if reply.status_code != 503:
                        break
                assert reply.status_code == 202, reply.text
                return reply.json()

            made = {answer["job_id"] for answer in pool.map(lambda _: post("generate", {"prompt": "x"}), range(50))}
            assert store.jobs("local", "", 10) == list(made)
            batches = {
                json.dumps(answer["jobs"]) for answer in pool.map(lambda _: post("batch", batch("a", "b")), range(50))
            }
            assert len(batches) == 1
            assert len(store.jobs("local", "", 10)) == 3
