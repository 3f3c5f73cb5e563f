"""The list of voices, the door that goes by it, and a fleet with two speech engines.

Redis, the record, the reconciler and the step runner are real; the engines are test engines (tests/support/speech.py).
"""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.voices import voice_errors
from common.contracts.job import Job, WorkerInfo
from common.contracts.kinds import parse_facts, tool_of
from common.contracts.names import Kind, StepName
from common.contracts.narration import Narration
from common.contracts.voice import SpeechEngine, Voice
from common.jobs.claims import NotClaimed
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.outcome import Outcome
from common.worker.runner import StepRunner
from common.worker.service import offers, toolchains
from tests.integration.test_http import accepted, problem_of
from tests.support import clips
from tests.support.pipeline import Pipeline
from tests.support.speech import Hummer
from whisper_worker import tts
from whisper_worker.tasks import engines, handlers

ENGLISH = SpeechEngine(
    name="english",
    version="1",
    voices=(Voice(id="en-us", name="American", language="en-us", gender="female"), Voice(id="adam", name="Adam")),
)
GERMAN = SpeechEngine(name="german", version="2", voices=(Voice(id="de", name="Deutsch", language="de"),))


def register(store: JobStore, *engines: SpeechEngine, name: str = "w", **more: Any) -> None:
    about = {"speech": [engine.model_dump() for engine in engines], **more}
    store.register(WorkerInfo(name, "whisper_worker", 1, about), 600.0)


def listed(client: FlaskClient, query: str = "") -> list[str]:
    return [voice["id"] for voice in client.get(f"/mcp/voices{query}").json["voices"]]


# the list


def test_the_voices_of_all_engines_are_listed_by_preference_with_what_a_reader_needs(
    client: FlaskClient, store: JobStore
) -> None:
    register(store, GERMAN, ENGLISH)
    register(store, ENGLISH, name="another")
    assert listed(client) == ["de", "en-us", "adam"]
    assert client.get("/mcp/voices").json["voices"][1] == {
        "id": "en-us",
        "name": "American",
        "language": "en-us",
        "gender": "female",
        "engine": "english",
        "bends": False,
        "sample": "/mcp/voices/sample?voice=english/en-us",
    }


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("?language=de", ["de"]),
        ("?language=DE-at", ["de"]),
        ("?language=en", ["en-us", "adam"]),
        ("?language=en-gb", []),
        ("?engine=english", ["en-us", "adam"]),
        ("?engine=german&language=en", []),
        ("?engine=ENGLISH", ["en-us", "adam"]),
        ("?language=", ["de", "en-us", "adam"]),
    ],
)
def test_the_list_can_be_that_of_a_language_or_an_engine(
    client: FlaskClient, store: JobStore, query: str, ids: list[str]
) -> None:
    register(store, GERMAN, ENGLISH)
    assert listed(client, query) == ids


@pytest.mark.parametrize(
    ("query", "field", "word"), [("?engine=nobody", "engine", "english"), ("?language=!!", "language", "pt-BR")]
)
def test_a_list_of_what_cannot_be_is_refused_with_the_cure(
    client: FlaskClient, store: JobStore, query: str, field: str, word: str
) -> None:
    register(store, GERMAN, ENGLISH)
    (error,) = client.get(f"/mcp/voices{query}").json["errors"]
    assert error["field"] == field
    assert word in error["message"]


def test_without_a_speech_worker_the_list_is_empty(client: FlaskClient) -> None:
    assert client.get("/mcp/voices").json == {"voices": []}


def test_two_versions_of_an_engine_list_their_voices_once(client: FlaskClient, store: JobStore) -> None:
    register(store, GERMAN, GERMAN.model_copy(update={"version": "3"}))
    assert listed(client) == ["de"]


# the door


def test_a_voice_nobody_has_is_refused_at_once_if_somebody_can_know(client: FlaskClient, store: JobStore) -> None:
    body = {"prompt": "x", "voice": "nobody"}
    assert client.post("/mcp/generate", json=body).status_code == 202, "no speech worker is up"
    register(store, ENGLISH, GERMAN)
    found = problem_of(client.post("/mcp/generate", json=body), 422)
    assert found["errors"][0]["field"] == "voice"
    assert found["errors"][0]["message"].endswith("GET /mcp/voices lists them")
    found = problem_of(client.post("/mcp/batch", json={"requests": [{"prompt": "x"}, body]}), 422)
    assert found["errors"][0]["field"] == "requests[1].voice"
    found = problem_of(client.post("/mcp/generate", json={"prompt": "x", "language": "xx-yy"}), 422)
    assert found["errors"][0]["field"] == "language"


def test_a_recording_without_words_is_refused_where_nobody_can_hear_them(client: FlaskClient, store: JobStore) -> None:
    asset = client.post("/mcp/assets", data=clips.tone("wav").read_bytes()).json["asset_id"]
    bare, scene = {"recording": asset}, {"scenes": [{"recording": asset}, {"narration": "x", "recording": asset}]}
    register(store, ENGLISH)
    for body, field in ((bare, "recording"), (scene, "scenes[0].recording")):
        (error,) = problem_of(client.post("/mcp/generate", json=body), 422)["errors"]
        assert error["field"] == field
        assert "no worker that is up recognises speech; give them" in error["message"]
    assert client.post("/mcp/generate", json={"script": "x", "recording": asset}).status_code == 202
    register(store, ENGLISH, name="ears", recogniser=[{"name": "ears", "version": "1"}])
    assert client.post("/mcp/generate", json=bare).status_code == 202


@pytest.mark.parametrize(
    ("voice", "near"), [("adam+f2", "adam"), ("en-us+", "en-us"), ("en_US", "en-us"), ("adm", "adam")]
)
def test_a_voice_must_be_one_of_the_list_and_the_error_names_those_near_it(voice: str, near: str) -> None:
    (error,) = voice_errors([ENGLISH, GERMAN], voice, "en")
    assert (error.field, error.message.partition("; ")[2]) == ("voice", f"near it are {near}")


@pytest.mark.parametrize(
    ("voice", "language", "field"),
    [
        ("de", "en", None),
        ("DE", "en", None),
        ("adam", "en-US", None),
        ("Adam", "de", "language"),
        (None, "de", None),
        (None, "de-AT", None),
        (None, "en", None),
        (None, "pt-BR", "language"),
        ("bob", "de", "voice"),
        ("de+adam", "de", "voice"),
    ],
)
def test_a_voice_has_a_language_of_its_own_or_speaks_those_of_its_engine(
    voice: str | None, language: str, field: str | None
) -> None:
    found = voice_errors([ENGLISH, GERMAN], voice, language)
    assert [one.field for one in found] == ([field] if field else [])
    assert voice_errors([], voice, language) == []


# two engines in one fleet

SCENES = [{"narration": "One two three."}, {"narration": "Four five."}]
WORDS: dict[str, Any] = {"scenes": SCENES, "music": "none"}
CROAK, HUM = "croak", "hum"
"""Both hum in English, croak also in Portuguese and with a voice of its own, hum also in German. Neither is preferred,
so croak comes first by its name."""


class Speakers(Pipeline):
    """A pipeline with speech workers that really speak. Hints for a step reach those first that cannot do it."""

    def __init__(self, settings: Settings, store: JobStore, storage: MemoryStorage) -> None:
        super().__init__(settings, store, storage)
        store.unregister("whisper_worker")
        self._all = settings, store, storage
        self._workers: dict[str, tuple[StepRunner, tuple[str, ...]]] = {}
        "By name; with their toolchains."
        self.outcomes: dict[tuple[str, str], list[tuple[str, str]]] = {}
        "Worker and outcome of every hint, by job and step."

    def come(self, *workers: str) -> None:
        """These workers are there, and no others; each is called by its engines."""
        settings, store, storage = self._all
        for name in self._workers:
            store.unregister(name)
        self._workers = {}
        for name in workers:
            own = replace(settings, speech_engines=name)
            about = engines(own)
            chains = toolchains("speech", about)
            store.register(WorkerInfo(name, "whisper_worker", 1, {**about, "offers": offers(chains)}), 600.0)
            self._workers[name] = StepRunner(own, store, storage, handlers(own), chains), chains[Kind.SPEAK]
        self.restart()  # what it knows of the workers may be a quarter of a second old

    def take(self, job_id: str, step: str) -> None:
        if StepName(step).kind != Kind.SPEAK:
            super().take(job_id, step)
            return
        job = self.store.load(job_id)
        assert job is not None
        needs = job.steps[step].toolchain
        outcomes = self.outcomes.setdefault((job_id, step), [])
        name = sorted(self._workers, key=lambda name: needs in self._workers[name][1])[
            len(outcomes) % len(self._workers)
        ]
        outcomes.append((name, self._workers[name][0].run(job_id, step)))

    def spoken(self, job_id: str) -> dict[str, Narration]:
        """The narrations of a job, once it is completed."""
        job = self.run(job_id)
        assert job.state == "completed", job.failure
        return narrations(job)


def narrations(job: Job) -> dict[str, Narration]:
    return {name: parse_facts(Kind.SPEAK, step.facts) for name, step in job.steps.items() if step.kind == Kind.SPEAK}


@pytest.fixture
def speakers(quick: Settings, store: JobStore, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> Speakers:
    table = {
        CROAK: lambda _: Hummer(CROAK, ("en", "pt"), {"low": 90.0, "toad": 60.0}),
        HUM: lambda _: Hummer(HUM, ("en", "de")),
    }
    monkeypatch.setattr(tts, "ENGINES", table)
    return Speakers(quick, store, storage)


def test_each_job_is_spoken_by_the_engine_that_has_its_voice_whoever_gets_the_hints(
    client: FlaskClient, speakers: Speakers
) -> None:
    speakers.come(CROAK, HUM)
    jobs = {CROAK: accepted(client, **WORDS, voice="pt"), HUM: accepted(client, **WORDS, voice="de")}
    said = {name: speakers.spoken(job_id) for name, job_id in jobs.items()}
    for name, other in ((CROAK, HUM), (HUM, CROAK)):
        assert {narration.engine for narration in said[name].values()} == {name}
        for step in ("speak:s1", "speak:s2"):
            hints = speakers.outcomes[jobs[name], step]
            assert hints == [(other, NotClaimed.OTHER_BUILD), (name, Outcome.DONE)], "it was refused and came back"


def test_equal_words_are_known_of_the_same_engine_and_not_of_another(client: FlaskClient, speakers: Speakers) -> None:
    speakers.come(HUM)
    first = speakers.spoken(accepted(client, **WORDS))
    speakers.come(CROAK)
    second = speakers.spoken(accepted(client, **WORDS))
    speakers.come(CROAK, HUM)
    assert {one.engine for one in first.values()} == {HUM}
    assert {one.engine for one in second.values()} == {CROAK}
    before = len(speakers.outcomes)
    assert speakers.spoken(accepted(client, **WORDS)) == second, "the preferred engine has said it before"
    assert len(speakers.outcomes) == before


def test_a_worker_with_two_engines_speaks_each_job_with_its_own(client: FlaskClient, speakers: Speakers) -> None:
    speakers.come(f"{HUM},{CROAK}")
    jobs = {
        CROAK: accepted(client, **WORDS, voice="toad"),
        HUM: accepted(client, **WORDS, voice="high"),
    }
    usual = accepted(client, **WORDS)
    for name, job_id in [*jobs.items(), (HUM, usual)]:
        assert {one.engine for one in speakers.spoken(job_id).values()} == {name}
    assert {len(hints) for hints in speakers.outcomes.values()} == {1}


def test_a_step_for_an_engine_waits_until_a_worker_with_it_comes(client: FlaskClient, speakers: Speakers) -> None:
    job_id = accepted(client, **WORDS, voice="toad")
    speakers.come(HUM)
    speakers.run(job_id, lambda job: "plan" in job.steps and job.steps["plan"].state == "done")
    speakers.come(CROAK)
    assert {one.engine for one in speakers.spoken(job_id).values()} == {CROAK}


@pytest.mark.parametrize(("voice", "engine"), [("toad", CROAK), ("high", HUM), (None, CROAK)])
def test_a_voice_is_heard_from_the_engine_that_has_it(
    client: FlaskClient, speakers: Speakers, voice: str | None, engine: str
) -> None:
    speakers.come(CROAK, HUM)
    with speakers.alive():
        reply = client.post("/mcp/voices/preview?wait=30", json={"text": "One two.", "voice": voice})
    assert (reply.status_code, reply.mimetype) == (200, "audio/wav")
    job_id = reply.headers["Content-Location"].rpartition("/")[2]
    assert [one.engine for one in speakers.spoken(job_id).values()] == [engine]


def test_an_edit_to_a_voice_of_another_engine_moves_the_job_to_it(client: FlaskClient, speakers: Speakers) -> None:
    speakers.come(CROAK, HUM)
    job_id = accepted(client, **WORDS)
    assert {one.engine for one in speakers.spoken(job_id).values()} == {CROAK}
    with speakers.alive():
        assert client.patch(f"/mcp/storyboard/{job_id}", json={"version": 1, "voice": "de"}).status_code == 202
    assert {one.engine for one in speakers.spoken(job_id).values()} == {HUM}
    job = speakers.store.load(job_id)
    assert job is not None
    assert tool_of(job.pins.casts["de en"].chain) == "hum-1"


@pytest.mark.parametrize(
    ("voice", "message"),
    [("nobody", "has the voice"), ("toad", 'does not speak "de"'), ("low+en", "near it are low")],
)
def test_an_edit_must_name_a_voice_that_speaks_the_language_of_the_job(
    client: FlaskClient, speakers: Speakers, voice: str, message: str
) -> None:
    speakers.come(CROAK, HUM)
    job_id = accepted(client, **WORDS, language="de")
    speakers.spoken(job_id)
    found = problem_of(client.patch(f"/mcp/storyboard/{job_id}", json={"version": 1, "voice": voice}), 422)
    (error,) = found["errors"]
    assert error["field"] == "voice"
    assert message in error["message"]
    with speakers.alive():
        assert client.patch(f"/mcp/storyboard/{job_id}", json={"version": 1, "voice": "LOW"}).status_code == 202
