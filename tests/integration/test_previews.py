"""Voice previews over HTTP: a job that is answered while its request waits."""

import io
import json
import threading
import wave
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.samples import SENTENCES
from common.contracts.base import Contract
from common.contracts.job import WorkerInfo
from common.contracts.job_kinds import JOB_KINDS, JobKind
from common.contracts.kinds import STEP_KINDS
from common.contracts.voice import SpeechEngine, Voice
from common.errors import Permanent
from common.jobs.archive import archive
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.runner import StepRunner
from common.worker.steprun import StepRun
from tests.support.ready import BUILD, every_toolchain
from tests.support.tiny_films import Studio
from tests.support.waiting import eventually
from whisper_worker import tasks

SENTENCE = {"text": "The sea is calm today."}


class Pipeline:
    """A reconciler and a real speech worker, in a thread of their own."""

    def __init__(self, settings: Settings, store: JobStore, storage: MemoryStorage) -> None:
        self.handlers = dict(tasks.handlers(settings))
        self.spoken: list[str] = []
        about = {"ffmpeg": BUILD, **tasks.engines(settings)}
        runner = StepRunner(settings, store, storage, {"speak": self._speak}, every_toolchain(about))
        self._studio = Studio(settings, store, storage, runner.run, about=about)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _speak(self, spec: Any, run: StepRun) -> Contract:
        self.spoken.append(spec.text)
        answer = self.handlers["speak"](spec, run)
        assert isinstance(answer, Contract)
        return answer

    def _work(self) -> None:
        while not self._stop.is_set():
            if not self._studio.work():
                self._studio.store.wait_for_wake(0.2)

    def __enter__(self) -> "Pipeline":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def pipeline(settings: Settings, store: JobStore, storage: MemoryStorage) -> Iterator[Pipeline]:
    with Pipeline(settings, store, storage) as pipeline:
        yield pipeline


def hear(client: FlaskClient, body: Any = SENTENCE, wait: int = 30, **headers: str) -> Any:
    return client.post(f"/mcp/voices/preview?wait={wait}", json=body, headers=headers)


def test_the_sound_comes_back_in_the_answer(client: FlaskClient, pipeline: Pipeline) -> None:
    reply = hear(client)
    assert (reply.status_code, reply.mimetype) == (200, "audio/wav")
    with wave.open(io.BytesIO(reply.data)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (48_000, 1, 2)
        assert 0.8 < sound.getnframes() / 48_000 < 4


def test_a_client_that_wants_json_gets_words_and_a_link(client: FlaskClient, pipeline: Pipeline) -> None:
    view = hear(client, Accept="application/json").get_json()
    assert view["text"] == SENTENCE["text"]
    assert [word["text"] for word in view["words"]] == SENTENCE["text"].split()
    assert 0 < view["words"][-1]["end"] <= view["seconds"]
    assert view["download_url"]
    result = client.get(f"/mcp/result/{view['job_id']}").get_json()
    assert result.pop("download_url")
    assert result == {name: value for name, value in view.items() if name != "download_url"}


def test_the_same_sentence_is_not_spoken_twice(client: FlaskClient, pipeline: Pipeline) -> None:
    assert hear(client).data == hear(client).data
    assert pipeline.spoken == [SENTENCE["text"]]


def test_a_preview_that_takes_longer_is_followed_like_any_job(client: FlaskClient, store: JobStore) -> None:
    reply = hear(client, wait=0)
    assert reply.status_code == 202
    job_id = reply.get_json()["job_id"]
    assert reply.headers["Location"] == f"/mcp/result/{job_id}"
    assert client.get(f"/mcp/result/{job_id}").get_json()["code"] == "not_finished"
    status = client.get(f"/mcp/status/{job_id}").get_json()
    assert (status["kind"], status["lane"], status["title"]) == ("voice_preview", "preview", SENTENCE["text"])
    assert client.post(f"/mcp/cancel/{job_id}").status_code == 202


def test_a_key_makes_one_preview(client: FlaskClient, store: JobStore) -> None:
    ids = {hear(client, wait=0, **{"Idempotency-Key": "k"}).get_json()["job_id"] for _ in range(2)}
    assert len(ids) == 1
    assert hear(client, {"text": "Other words."}, wait=0, **{"Idempotency-Key": "k"}).status_code == 422


def test_a_sentence_that_cannot_be_spoken_is_refused_with_the_reason(client: FlaskClient, pipeline: Pipeline) -> None:
    def mute(spec: Any, run: StepRun) -> Contract:
        raise Permanent("the voice has a cold")

    pipeline.handlers["speak"] = mute
    reply = hear(client)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "failed")
    assert "the voice has a cold" in reply.get_json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 301}, "text"),
        ({"text": "Hello", "speed": 9}, "speed"),
        ({"text": "Hello", "voices": "en"}, "voices"),
    ],
)
def test_a_bad_preview_names_the_field(client: FlaskClient, body: Any, field: str) -> None:
    reply = hear(client, body)
    assert reply.status_code == 422
    assert [error["field"] for error in reply.get_json()["errors"]] == [field]


@pytest.mark.parametrize("wait", ["31", "x", "-1"])
def test_the_wait_has_limits(client: FlaskClient, wait: str) -> None:
    reply = client.post(f"/mcp/voices/preview?wait={wait}", json=SENTENCE)
    assert [error["field"] for error in reply.get_json()["errors"]] == ["wait"]


def test_a_preview_is_no_film(client: FlaskClient, store: JobStore) -> None:
    job_id = hear(client, wait=0).get_json()["job_id"]
    for method, address in [
        ("GET", f"/mcp/storyboard/{job_id}"),
        ("GET", f"/mcp/versions/{job_id}"),
        ("GET", f"/mcp/scenes/{job_id}/s1"),
        ("GET", f"/mcp/export/{job_id}"),
        ("PATCH", f"/mcp/storyboard/{job_id}"),
        ("POST", f"/mcp/scenes/{job_id}/s1/regenerate"),
    ]:
        reply = client.open(address, method=method, json={"version": 1, "drop": ["s1"]} if method == "PATCH" else None)
        assert (reply.status_code, reply.get_json()["code"]) == (404, "no_film"), reply.get_json()
    assert client.get("/mcp/jobs").get_json()["jobs"] == []


def test_a_preview_is_forgotten_after_a_while_and_leaves_no_manifest(
    client: FlaskClient, pipeline: Pipeline, store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job_id = hear(client, Accept="application/json").get_json()["job_id"]
    assert archive(store, storage, settings, job_id)
    assert not [one.key for one in storage.list(settings.assets_bucket) if "/manifest/" in one.key]
    expiry = store.scripts.client.zscore("expiry", job_id)
    assert expiry - store.now() <= 1000 * JOB_KINDS[JobKind.VOICE_PREVIEW].kept
    store.scripts.client.zadd("expiry", {job_id: 0})
    assert store.forget(job_id)
    assert client.get(f"/mcp/status/{job_id}").status_code == 404


def test_a_key_whose_preview_is_forgotten_says_so(client: FlaskClient, store: JobStore) -> None:
    job_id = hear(client, wait=0, **{"Idempotency-Key": "k"}).get_json()["job_id"]
    store.scripts.client.delete(f"job:{job_id}")
    reply = hear(client, wait=0, **{"Idempotency-Key": "k"})
    assert (reply.status_code, reply.get_json()["code"]) == (404, "no_longer_kept")


def test_previews_take_no_place_of_films_and_have_few_of_their_own(client: FlaskClient, store: JobStore) -> None:
    most = JOB_KINDS[JobKind.VOICE_PREVIEW].most
    answers = [hear(client, {"text": f"Number {number}."}, wait=0).status_code for number in range(most + 1)]
    assert answers == [*[202] * most, 429]
    assert client.post("/mcp/generate", json={"prompt": "Waves"}).status_code == 202
    assert len(client.get("/mcp/jobs?limit=1").get_json()["jobs"]) == 1
    assert store.revive() == most + 1
    assert store.scripts.client.scard("active:local") == 1


def test_a_job_of_a_kind_that_only_a_newer_release_knows_hides_no_other(
    client: FlaskClient, store: JobStore, settings: Settings, storage: MemoryStorage
) -> None:
    film = client.post("/mcp/generate", json={"prompt": "Waves"}).get_json()["job_id"]
    song = client.post("/mcp/generate", json={"prompt": "La la la"}).get_json()["job_id"]
    key = f"job:{song}"
    head = json.loads(store.scripts.client.hget(key, "head"))
    store.scripts.client.hset(key, "head", json.dumps(head | {"kind": "song"}))
    assert [job["job_id"] for job in client.get("/mcp/jobs").get_json()["jobs"]] == [film]
    assert client.get(f"/mcp/status/{song}").get_json()["kind"] == "song"
    assert client.get(f"/mcp/result/{song}").get_json()["code"] == "no_result"
    assert client.get(f"/mcp/storyboard/{song}").get_json()["code"] == "no_film"
    studio = Studio(settings, store, storage, lambda job, step: None)
    store.scripts.client.zadd("due", {song: 0})
    studio.work()
    assert client.get(f"/mcp/status/{song}").get_json()["status"] == "queued", "it is left to others"
    client.post(f"/mcp/cancel/{song}")

    def is_cancelled() -> bool:
        studio.work()  # which passes over a job that rests after its last look
        return bool(client.get(f"/mcp/status/{song}").get_json()["status"] == "cancelled")

    eventually(is_cancelled)


def test_a_preview_has_one_version(client: FlaskClient, pipeline: Pipeline) -> None:
    job_id = hear(client, Accept="application/json").get_json()["job_id"]
    assert client.get(f"/mcp/result/{job_id}?version=1").status_code == 200
    assert client.get(f"/mcp/result/{job_id}?version=7").get_json()["code"] == "unknown_version"


def test_only_a_speech_worker_has_to_do_with_it(client: FlaskClient, store: JobStore, pipeline: Pipeline) -> None:
    job_id = hear(client, Accept="application/json").get_json()["job_id"]
    job = store.load(job_id)
    assert job is not None
    assert {STEP_KINDS[step.kind].queue for step in job.steps.values()} == {"speech"}


def test_each_voice_has_a_sample_that_is_spoken_once(client: FlaskClient, pipeline: Pipeline) -> None:
    rows = [one for one in client.get("/mcp/voices?engine=espeak-ng").get_json()["voices"] if one["language"] == "de"]
    heard = [client.get(f"{rows[0]['sample']}&wait=30") for _ in range(2)]
    assert [(reply.status_code, reply.mimetype) for reply in heard] == [(200, "audio/wav")] * 2
    assert heard[0].data == heard[1].data
    assert pipeline.spoken == [SENTENCES["de"]]


def test_a_voice_that_costs_money_has_no_sample(client: FlaskClient, store: JobStore) -> None:
    voice = Voice(id="nova", name="Nova")
    about = SpeechEngine(name="openai", version="1", voices=(voice,), paid=True).model_dump()
    store.register(WorkerInfo("w", "whisper_worker", 1, {"speech": [about]}), 600.0)
    (row,) = client.get("/mcp/voices").get_json()["voices"]
    assert row["sample"] is None
    reply = client.get("/mcp/voices/sample?voice=openai/nova")
    assert (reply.status_code, reply.get_json()["code"]) == (409, "no_sample")
    assert "POST /mcp/voices/preview" in reply.get_json()["detail"]


@pytest.mark.parametrize("query", ["?voice=nobody", "?voice=", ""])
def test_a_sample_is_that_of_a_voice_there_is(client: FlaskClient, pipeline: Pipeline, query: str) -> None:
    reply = client.get(f"/mcp/voices/sample{query}")
    assert reply.status_code == 422
    assert [error["field"] for error in reply.get_json()["errors"]] == ["voice"]
