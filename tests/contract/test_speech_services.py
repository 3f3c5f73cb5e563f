"""What a speech service may answer, and what the engine makes of it. Sound is decoded within walls."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis

from common.contracts.storyboard import words_of
from common.contracts.voice import Speaker
from common.errors import NotConfigured, Permanent, Retryable, StepError, Throttled, VoiceUnavailable
from common.net.tally import calls
from common.settings import Settings
from tests.support.redis_server import RedisServer
from tests.support.speech_server import (
    HANG,
    KEY,
    SERVERS,
    Answer,
    SpeechServer,
    Spoil,
    backwards,
    halved,
    late,
    running,
    silent,
)
from whisper_worker.tts import SERVICES, described, desk, make_engines
from whisper_worker.tts.port import Engine, Manner, Speech

TEXT = "The sun sets, with waves crashing on the beach in 2026."
TIMED = sorted(SERVERS.keys() - {"openai"})
TOO_MANY = Answer(429, b"{}", headers={"Retry-After": "7"})
PAGE = Answer(200, b"<html><title>Just a moment...</title></html>", "text/html")


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[SpeechServer]:
    with running(SERVERS[request.param]) as server:
        yield server


@pytest.fixture
def settings(server: SpeechServer, redis_here: RedisServer) -> Settings:
    own = {**server.settings(), "fetch_allow_networks": "127.0.0.0/8"}
    return Settings(state_url=redis_here.url, speech_failover_paid=True, speech_timeout=20.0, **own)


@pytest.fixture
def engine(server: SpeechServer, settings: Settings) -> Engine:
    return engine_of(server, settings)


@pytest.fixture
def client(redis_here: RedisServer) -> Iterator[redis.Redis]:
    with redis_here.client() as client:
        yield client


def name_of(server: SpeechServer) -> str:
    return next(name for name, kind in SERVERS.items() if type(server) is kind)


def engine_of(server: SpeechServer, settings: Settings) -> Engine:
    return SERVICES[name_of(server)](settings)


def say(engine: Engine, text: str = TEXT) -> Speech:
    return engine.speak(text, "en", None)


def outcomes(client: redis.Redis) -> dict[str, int]:
    """Of calls for speech and for voices."""
    found: dict[str, int] = {}
    for (_, outcome), count in calls(client).items():
        found[outcome] = found.get(outcome, 0) + count
    return found


def test_text_becomes_sound_and_the_key_is_nowhere_else(engine: Engine, server: SpeechServer) -> None:
    speech = say(engine)
    assert np.abs(speech.samples).max() > 0.1
    (asked,) = server.spoken
    assert KEY not in repr(asked.body) + asked.path + asked.query + repr(engine.voices()) + engine.version


def test_words_have_the_times_of_the_service_where_it_tells_them(engine: Engine, server: SpeechServer) -> None:
    speech = say(engine)
    assert (speech.words is None) == (name_of(server) not in TIMED)
    if speech.words is None:
        return
    assert [word.text for word in speech.words] == words_of(TEXT)
    loud = np.abs(speech.samples) > 0.01
    for word in speech.words:
        begin = int(word.start * speech.rate)
        quiet, heard = loud[max(0, begin - 200) : begin - 20], loud[begin : begin + 400]
        assert heard.any(), word
        assert begin == 0 or not quiet.all(), word


def test_a_long_text_is_asked_for_in_parts_and_joined(engine: Engine, server: SpeechServer) -> None:
    text = " ".join(f"Sentence number {number} is about the sea." for number in range(60))
    speech = say(engine, text)
    sent = [repr(one.body) for one in server.spoken]
    assert len(sent) > 1
    assert all(len(body) < 1500 for body in sent)
    if speech.words is not None:
        assert [word.text for word in speech.words] == words_of(text)


def test_nothing_to_pronounce_costs_nothing(engine: Engine, server: SpeechServer) -> None:
    say(engine, "— … 😀")
    assert server.spoken == []


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_is_told_in_a_sentence_and_the_service_left_alone(
    engine: Engine, server: SpeechServer, settings: Settings, status: int
) -> None:
    server.script = [Answer(status, f'{{"detail":"{KEY}"}}'.encode())]
    with pytest.raises(VoiceUnavailable, match=rf"refused with {status}; check the key in \w+_KEY and") as told:
        say(engine)
    assert KEY not in str(told.value)
    with pytest.raises(VoiceUnavailable, match="is left alone for"):
        say(engine_of(server, settings))
    assert len(server.spoken) == 1, "an open breaker lets no call through, whoever makes it"


@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_the_service_does_not_take_leaves_it_usable(engine: Engine, server: SpeechServer, status: int) -> None:
    server.script = [Answer(status, b'{"detail":"voice_not_found"}')]
    with pytest.raises(VoiceUnavailable, match=f"answered {status} .* check voice and model"):
        say(engine)
    assert say(engine).samples.size


def test_too_many_calls_are_tried_again_when_the_service_says(engine: Engine, server: SpeechServer) -> None:
    server.script = [TOO_MANY, replace(TOO_MANY, headers={})]
    for seconds in (7.0, desk.PAUSE):
        with pytest.raises(Throttled) as told:
            say(engine)
        assert told.value.retry_after == seconds
    assert say(engine).samples.size


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(500), Retryable),
        (Answer(503, b"busy"), Retryable),
        (Answer(302, headers={"Location": "http://127.0.0.1:1/"}), VoiceUnavailable),
        (PAGE, StepError),
        (Answer(200, b"\xff\xfb garbage that is no sound" * 40, "audio/mpeg"), StepError),
        (Answer(200, b'{"audio": 5}'), StepError),
        (Answer(200, b"{}"), StepError),
        (Answer(200, b""), StepError),
    ],
    ids=["500", "503", "redirect", "page", "garbage", "number", "object", "nothing"],
)
def test_an_answer_without_sound_is_a_fault_of_the_engine(
    engine: Engine, server: SpeechServer, answer: Answer, kind: type[StepError]
) -> None:
    server.script = [answer]
    with pytest.raises(kind) as told:
        say(engine)
    assert isinstance(told.value, Retryable | VoiceUnavailable)


def test_a_body_that_is_cut_off_is_worth_another_try(engine: Engine, server: SpeechServer) -> None:
    say(engine)
    whole = server.speech(server.spoken[0])
    server.script = [replace(whole, cut=True)]
    with pytest.raises(Retryable):
        say(engine)


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [(silent, VoiceUnavailable, "sent silence"), (halved, Retryable, "sent .* of sound")],
)
def test_silence_and_half_of_the_sound_are_not_taken(
    engine: Engine, server: SpeechServer, spoil: Spoil, kind: type[StepError], words: str
) -> None:
    server.spoil = spoil
    with pytest.raises(kind, match=words):
        say(engine)


@pytest.mark.parametrize("spoil", [late, backwards])
def test_times_that_cannot_be_are_not_taken(engine: Engine, server: SpeechServer, spoil: Spoil) -> None:
    if name_of(server) not in TIMED:
        pytest.skip("it sends no times")
    server.spoil = spoil
    with pytest.raises(Retryable, match="sent times of words"):
        say(engine)


def test_a_wav_file_that_ends_early_is_noticed(engine: Engine, server: SpeechServer) -> None:
    if name_of(server) != "openai":
        pytest.skip("its sound comes within JSON")
    say(engine)
    whole = server.speech(server.spoken[0])
    server.script = [replace(whole, body=whole.body[: len(whole.body) - 2000])]
    with pytest.raises(Retryable, match="a part of the sound only"):
        say(engine)


def test_a_service_that_hangs_is_given_up_in_time(server: SpeechServer, settings: Settings) -> None:
    engine = engine_of(server, replace(settings, speech_timeout=0.3))
    engine.voices()
    server.script = [HANG]
    with pytest.raises(Retryable):
        say(engine)


def test_a_service_that_fails_again_and_again_is_left_alone_until_it_works(
    engine: Engine, server: SpeechServer, settings: Settings, client: redis.Redis
) -> None:
    server.script = [Answer(500)] * desk.MOST_FAILURES
    for _ in range(desk.MOST_FAILURES):
        with pytest.raises(Retryable):
            say(engine)
    with pytest.raises(VoiceUnavailable, match="is left alone for 60 s"):
        say(engine_of(server, settings))
    assert len(server.spoken) == desk.MOST_FAILURES
    client.hset("breakers:until", mapping=dict.fromkeys(client.hkeys("breakers:until"), 1))  # its time is over
    assert say(engine).samples.size
    assert outcomes(client)["failed"] == desk.MOST_FAILURES
    assert outcomes(client)["left_alone"] == 1


def test_workers_share_the_limit_of_calls(server: SpeechServer, settings: Settings, client: redis.Redis) -> None:
    limits = {name: 2 for name in vars(settings) if name.endswith("_per_minute")}
    one, other = (engine_of(server, replace(settings, **limits)) for _ in range(2))
    said = 0
    with pytest.raises(Throttled, match=r"the request limit of .* is used up") as told:
        for _ in range(2):
            for engine in (one, other):
                say(engine)
                said += 1
    assert 0 < (told.value.retry_after or 0) <= 60
    assert len([one for one in server.asked if "subtitles" not in one.path]) == 2
    assert outcomes(client) == {"ok": 2, "limited": 1}


def test_a_store_that_is_gone_stops_calls_that_nobody_could_count(server: SpeechServer, settings: Settings) -> None:
    gone = engine_of(server, replace(settings, state_url="redis://127.0.0.1:1/0"))
    with pytest.raises(Retryable):
        say(gone)
    assert server.asked == []


def test_a_list_of_voices_that_cannot_be_had_is_that_of_before(
    server: SpeechServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = engine_of(server, settings).voices()
    monkeypatch.setattr(server, "other", lambda asked: Answer(500))
    assert engine_of(server, settings).voices() == before
    assert before


def test_only_services_that_are_set_up_are_made(settings: Settings, server: SpeechServer) -> None:
    assert name_of(server) in [engine.name for engine in make_engines(settings)]
    assert not {engine.name for engine in make_engines(Settings())} & SERVICES.keys()
    with pytest.raises(NotConfigured, match=r"set [A-Z_]+"):
        SERVICES[name_of(server)](Settings())


@pytest.mark.parametrize(
    ("own", "free"),
    [({}, False), ({"speech_failover_paid": True}, True), ({"speech_engines": "NAME,espeak-ng"}, True)],
)
def test_a_paid_service_speaks_for_its_own_voices_only_unless_settings_say_otherwise(
    server: SpeechServer, settings: Settings, own: dict[str, Any], free: bool
) -> None:
    own = {
        name: value.replace("NAME", name_of(server)) if name == "speech_engines" else value
        for name, value in own.items()
    }
    about = described(engine_of(server, replace(settings, **{"speech_failover_paid": False, **own})))
    paid = name_of(server) != "kokoro-server"
    voice = about.voices[0].id
    assert about.speaks(Speaker(voice, "en"))
    assert about.speaks(Speaker(f"{about.name}/{voice}", "en"))
    for speaker in (Speaker(None, "en"), Speaker("en-neutral", "en"), Speaker("en-female", "en")):
        assert (about.speaks(speaker) or about.stands_in(speaker)) == (free or not paid)


def test_the_pace_is_asked_for(engine: Engine) -> None:
    slow, quick = (engine.speak(TEXT, "en", None, Manner(pace)).samples.size for pace in (0.8, 1.2))
    assert slow > 1.2 * quick


def test_an_unknown_voice_costs_nothing(engine: Engine, server: SpeechServer) -> None:
    with pytest.raises(Permanent, match="is unknown to"):
        engine.speak(TEXT, "en", "nobody")
    assert server.spoken == []
