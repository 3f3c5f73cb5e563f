"""A film whose first speech engine cannot speak comes out spoken by the next one, and says who was passed over and why.

The services are loopback servers; the record, the reconciler, the step runner, the API and the other engines are real.
"""

import io
import re
import wave
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from common.contracts.job import TERMINAL
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.integration.test_http import accepted
from tests.integration.test_voices import Speakers, narrations
from tests.support.speech_server import (
    HANG,
    SERVERS,
    Answer,
    SpeechServer,
    halved,
    running,
    silent,
)

STORY = {
    "scenes": [
        {"narration": "The sun rises slowly over the quiet harbour town.", "show": "harbour"},
        {"narration": "Small boats go out to sea and come back at noon.", "show": "boats"},
    ],
    "music": "none",
}
LAST = "espeak-ng"


def forbidden(server: SpeechServer) -> None:
    server.always = Answer(403, b'{"detail":"no credit"}')


def hanging(server: SpeechServer) -> None:
    server.always = HANG


def broken(server: SpeechServer) -> None:
    server.always = Answer(500)


def speechless(server: SpeechServer) -> None:
    server.spoil = silent


def breaking_off(server: SpeechServer) -> None:
    server.spoil = halved


def sending_pages(server: SpeechServer) -> None:
    server.always = Answer(200, b"<html>Just a moment...</html>", "text/html")


TROUBLES = {
    forbidden: "refused with 403",
    hanging: "does not answer|took longer",
    broken: "answered 500",
    speechless: "sent silence",
    breaking_off: "of sound",
    sending_pages: "not sound|not JSON",
}


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[SpeechServer]:
    with running(SERVERS[request.param]) as server:
        yield server


@pytest.fixture
def speakers(quick: Settings, store: JobStore, storage: MemoryStorage, server: SpeechServer) -> Speakers:
    own = {**server.settings(), "speech_timeout": 0.5, "fetch_allow_networks": "127.0.0.0/8"}
    return Speakers(replace(quick, **own), store, storage)


def name_of(server: SpeechServer) -> str:
    return next(name for name, kind in SERVERS.items() if type(server) is kind)


def result(client: FlaskClient, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/mcp/result/{job_id}").get_json()
    return found


def heard(client: FlaskClient, speakers: Speakers, job_id: str) -> dict[str, str]:
    """The engine of each narration; all of them have sound."""
    job = speakers.run(job_id)
    # A film in which something was replaced says so by its state.
    assert job.state in ("completed", "partial"), job.failure
    said = narrations(job)
    for narration in said.values():
        data = speakers.storage.get_bytes("assets", narration.audio.key)
        with wave.open(io.BytesIO(data)) as sound:
            assert sound.getnframes() > 48_000
        assert not narration.silent
    return {step: narration.engine for step, narration in said.items()}


def test_a_service_that_works_speaks_the_film(client: FlaskClient, speakers: Speakers, server: SpeechServer) -> None:
    name = name_of(server)
    speakers.come(f"{name},{LAST}")
    job_id = accepted(client, **STORY)
    assert set(heard(client, speakers, job_id).values()) == {name}
    (row,) = result(client, job_id)["voices"]
    assert (row["engine"], row["instead_of"]) == (name, [])
    assert len(server.spoken) == 2, "each narration once"


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_the_next_engine_speaks_for_a_service_that_cannot(
    client: FlaskClient, speakers: Speakers, server: SpeechServer, trouble: Any
) -> None:
    name = name_of(server)
    trouble(server)
    speakers.come(f"{name},{LAST}")
    job_id = accepted(client, **STORY)
    assert set(heard(client, speakers, job_id).values()) == {LAST}
    (row,) = result(client, job_id)["voices"]
    assert row["engine"] == LAST
    (passed,) = row["instead_of"]
    assert passed["engine"] == name
    assert re.search(TROUBLES[trouble], passed["why"])


def test_a_service_that_fails_in_the_middle_leaves_one_voice_in_the_film(
    client: FlaskClient, speakers: Speakers, server: SpeechServer
) -> None:
    name = name_of(server)
    speakers.come(f"{name},{LAST}")
    job_id = accepted(client, **STORY)
    speakers.run(job_id, lambda job: bool(server.spoken) or job.state in TERMINAL)
    forbidden(server)
    assert len(set(heard(client, speakers, job_id).values())) == 1


def test_an_open_breaker_costs_the_next_film_no_call(
    client: FlaskClient, speakers: Speakers, server: SpeechServer
) -> None:
    forbidden(server)
    speakers.come(f"{name_of(server)},{LAST}")
    heard(client, speakers, accepted(client, **STORY))
    asked = len(server.spoken)
    other = {**STORY, "scenes": [{"narration": "Other words are spoken in the second film.", "show": "sea"}]}
    job_id = accepted(client, **other)
    assert set(heard(client, speakers, job_id).values()) == {LAST}
    assert len(server.spoken) == asked
    assert "is left alone" in result(client, job_id)["voices"][0]["instead_of"][0]["why"]
