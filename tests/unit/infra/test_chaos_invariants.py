"""Each invariant of a run of chaos holds for a sound stock and fails for one that is wrong in just this."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from common.contracts.base import Contract, ObjectRef
from common.contracts.job import DONE, Event, Failure, Job, Pins, Step
from common.contracts.steps import AssembleFacts, CastFacts, PlanFacts, PublishFacts, SegmentFacts
from infra.chaos.invariants import Found, Record, Stock, refs_in, violations
from infra.chaos.recovery import Hit, Lag

FRAMES = 30
Move = tuple[str, Mapping[str, Any]]


def ref(name: str) -> ObjectRef:
    return ObjectRef(key=f"local/{name}", sha256=name * 4, size=4, media_type="video/mp4")


FILM = AssembleFacts(media=ref("film"), thumbnail=ref("jpg"), srt=None, vtt=None, frames=FRAMES, width=160, height=90)
FACTS: Mapping[str, Contract] = {
    "plan": PlanFacts(storyboard=ref("storyboard")),
    "cast": CastFacts(chosen={"s1.1": "scenery:1"}),
    "segment:s1.0": SegmentFacts(media=ref("segment"), frames=FRAMES),
    "assemble": FILM,
    "publish": PublishFacts(video_key="job_1/output.mp4", thumbnail_key="job_1/thumbnail.jpg"),
}
OBJECTS = {
    "assets/local/storyboard": Found("storyboard" * 4),
    "assets/local/segment": Found("segment" * 4, FRAMES),
    "assets/local/film": Found("film" * 4, FRAMES),
    "assets/local/jpg": Found("jpg" * 4),
    "videos/job_1/output.mp4": Found("film" * 4),
}


def step(name: str, state: str, **more: Any) -> Move:
    return "step", {"step": name, "state": state, **more}


def job(state: str) -> Move:
    return "job", {"state": state}


def ran(name: str, token: int) -> list[Move]:
    return [step(name, "ready"), step(name, "running", token=token), step(name, "done")]


HISTORY: list[Move] = [
    job("queued"),
    *ran("plan", 1),
    job("rendering"),
    step("cast", "done"),
    step("segment:s1.0", "waiting"),
    step("segment:s1.0", "ready"),
    step("segment:s1.0", "running", token=2),
    step("segment:s1.0", "ready", code="worker_lost"),
    step("segment:s1.0", "running", token=3),
    step("segment:s1.0", "done"),
    *ran("assemble", 4),
    *ran("publish", 5),
    job("completed"),
]
TOKENS = {"plan": 1, "segment:s1.0": 3, "assemble": 4, "publish": 5}


def log(moves: list[Move], first: int = 1) -> tuple[Event, ...]:
    return tuple(Event(number, number * 10, kind, data) for number, (kind, data) in enumerate(moves, first))


def sound_job() -> Job:
    steps = {
        name: Step(name, state=DONE, fingerprint="w", token=TOKENS.get(name, 0), facts=facts.model_dump_json())
        for name, facts in FACTS.items()
    }
    return Job("job_1", "local", "completed", ref("request"), 0, 1, seq=len(HISTORY), token=5, steps=steps, finished=1)


def stock(one: Job | None, events: Sequence[Event] | None = None, *, end: str = "completed", **more: Any) -> Stock:
    events = log(HISTORY) if events is None else events
    record = Record("job_1", frozenset({end}), one, tuple(events))
    return Stock([record], listed=["job_1"], objects=more.pop("objects", OBJECTS), **more)


def with_step(name: str, **changes: Any) -> Job:
    one = sound_job()
    return replace(one, steps={**one.steps, name: replace(one.steps[name], **changes)})


def logged(moves: list[Move], **changes: Any) -> Stock:
    """A job with another history, whose record counts just as many events."""
    return stock(replace(sound_job(), seq=len(moves), **changes), log(moves))


def without(path: str) -> dict[str, Found]:
    return {name: found for name, found in OBJECTS.items() if name != path}


def test_a_sound_stock_breaks_nothing() -> None:
    assert violations(stock(sound_job())) == []


def test_a_trimmed_log_is_no_violation() -> None:
    assert violations(stock(sound_job(), log(HISTORY)[6:])) == []


def test_a_reused_step_needs_no_run() -> None:
    moves = [
        *HISTORY[:-1],
        *(("step", {"step": "plan", "state": "waiting"}), ("step", {"step": "plan", "state": "done", "reused": True})),
        job("completed"),
    ]
    assert violations(logged(moves)) == []


def test_what_a_fault_has_damaged_is_only_wrong_in_the_film() -> None:
    damaged = OBJECTS | {"assets/local/segment": Found("bad")}
    assert violations(stock(sound_job(), objects=damaged, damaged=frozenset({"local/segment"}))) == []
    assert violations(stock(sound_job(), objects=damaged)) != []


def test_a_step_that_was_ready_again_in_time_is_no_violation() -> None:
    hit = Hit("worker killed", 0, "job_1", "mix", "renderer", 8.0)
    assert violations(stock(sound_job(), lags=[Lag(hit, 12.0, 8.0)])) == []


WAITING_LOG: list[Move] = [job("queued"), job("cancelled")]
BROKEN: dict[str, tuple[Stock, str]] = {
    "a job is gone": (stock(None), "job_1 was accepted and is gone"),
    "a job has not ended": (
        stock(replace(sound_job(), state="rendering"), log([*HISTORY[:-1], job("rendering")])),
        "job_1 has not ended: it is rendering",
    ),
    "a job failed": (
        logged(
            [*HISTORY[:-1], job("failed")],
            state="failed",
            failure=Failure(code="x", message="no space", step="mix"),
        ),
        "job_1 is failed instead of completed (mix: no space)",
    ),
    "a cancelled job was completed": (stock(sound_job(), end="cancelled"), "job_1 is completed instead of cancelled"),
    "a second job of one order": (
        replace(stock(sound_job()), listed=["job_1", "job_2"]),
        "job_2 exists, but no order was answered with it",
    ),
    "a scene was left out": (
        stock(replace(sound_job(), pins=Pins(left_out={"s2": "too dark"}))),
        "job_1 left out scene s2: too dark",
    ),
    "footage was given up": (
        stock(with_step("cast", facts='{"chosen": {}, "rejected": {"s1.1": [{"candidate": "own:a", "why": "bad"}]}}')),
        "job_1 gave up footage of s1.1",
    ),
    "an object is missing": (
        stock(sound_job(), objects=without("assets/local/storyboard")),
        "job_1: plan: local/storyboard is not there",
    ),
    "an object has other content": (
        stock(sound_job(), objects=OBJECTS | {"assets/local/jpg": Found("other")}),
        "job_1: assemble: local/jpg has other content than was stored",
    ),
    "a segment cannot be played": (
        stock(sound_job(), objects=OBJECTS | {"assets/local/segment": Found("segment" * 4, FRAMES, "moov missing")}),
        "job_1: segment:s1.0: local/segment cannot be played: moov missing",
    ),
    "a film is short": (
        stock(sound_job(), objects=OBJECTS | {"assets/local/film": Found("film" * 4, FRAMES - 1)}),
        "job_1: assemble: local/film has 29 frames instead of 30",
    ),
    "another film is published": (
        stock(sound_job(), objects=OBJECTS | {"videos/job_1/output.mp4": Found("old")}),
        "job_1: videos/job_1/output.mp4 is not the film that was assembled",
    ),
    "a completed job published nothing": (
        stock(
            with_step("publish", state="skipped", facts=""),
            log([*HISTORY[:-1], step("publish", "skipped"), job("completed")]),
        ),
        "job_1: the job is completed, but nothing was published",
    ),
    "a completed job has a step open": (
        stock(with_step("plan", state="waiting"), log([*HISTORY[:-1], step("plan", "waiting"), job("completed")])),
        "job_1: the job is completed, but plan waiting",
    ),
    "an event is missing": (
        stock(sound_job(), (*log(HISTORY)[:4], *log(HISTORY)[5:])),
        "job_1: event 6 follows event 4",
    ),
    "an event came twice": (
        stock(sound_job(), (*log(HISTORY)[:4], *log(HISTORY)[3:])),
        "job_1: event 4 follows event 4",
    ),
    "the end of the log is missing": (
        stock(sound_job(), log(HISTORY)[:-1]),
        f"job_1: the last event is {len(HISTORY) - 1}, the record counted {len(HISTORY)}",
    ),
    "a job came back from its end": (
        logged([*HISTORY, job("rendering"), job("completed")]),
        f"job_1: event {len(HISTORY) + 1}: the job went from completed to rendering",
    ),
    "the record knows another end": (
        logged([*HISTORY[:-1], job("failed")]),
        "job_1: the log ends with the job failed, the record says completed",
    ),
    "a step made an illegal move": (
        logged([*HISTORY[:-1], step("plan", "failed"), job("completed")]),
        f"job_1: event {len(HISTORY)}: plan went from done to failed",
    ),
    "a step ran from nowhere": (
        logged([job("queued"), step("plan", "running", token=1), *HISTORY[3:]]),
        "job_1: event 2: plan went from waiting to running",
    ),
    "a step was started twice": (
        logged([*HISTORY[:3], step("plan", "running", token=1), *HISTORY[3:]]),
        "job_1: event 4: plan was started while it ran",
    ),
    "a step was committed twice": (
        logged([*HISTORY[:4], step("plan", "done"), *HISTORY[4:]]),
        "job_1: event 5: plan was done a second time",
    ),
    "a token went back": (
        logged([*HISTORY[:10], step("segment:s1.0", "running", token=2), *HISTORY[11:]]),
        "job_1: event 11: the token went from 2 to 2",
    ),
    "two steps hold one token": (stock(with_step("publish", token=4)), "job_1: two steps have the same token"),
    "a token nobody gave out": (
        stock(with_step("publish", token=9)),
        "job_1: a step has token 9, but only 5 were given out",
    ),
    "a lease outlived its job": (
        stock(with_step("plan", state="running", worker="here:1")),
        "job_1 has ended, but plan is still leased to here:1",
    ),
    "a key is left": (
        stock(sound_job(), keys={"ready:render": ["local/job_1/mix"], "due": []}),
        "ready:render still holds 1: local/job_1/mix",
    ),
    "a process is left": (stock(sound_job(), strays=["process 7 (ffmpeg)"]), "left running: process 7 (ffmpeg)"),
    "a folder is left": (stock(sound_job(), folders=["/w/reel-step-1"]), "left on disk: /w/reel-step-1"),
    "a step was ready again too late": (
        stock(sound_job(), lags=[Lag(Hit("worker killed", 0, "job_1", "mix", "renderer", 8.0), 9.0, 8.5)]),
        "job_1: mix was ready again 9.0 s after the fault 'worker killed' (8.5 s after the last thing",
    ),
    "a damaged film was published": (
        stock(
            sound_job(),
            objects=OBJECTS | {"assets/local/film": Found("bad"), "videos/job_1/output.mp4": Found("bad")},
            damaged=frozenset({"local/film"}),
        ),
        "job_1: videos/job_1/output.mp4 is not the film that was assembled",
    ),
    "an answer made no sense": (stock(sound_job(), complaints=["GET / was answered 500"]), "GET / was answered 500"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_promise_is_named(what: str) -> None:
    wrong, line = BROKEN[what]
    assert any(found.startswith(line) for found in violations(wrong)), violations(wrong)


def test_pointers_are_found_however_deep_they_are() -> None:
    assert {one.key for one in refs_in({"a": [FILM, (ref("x"),)], "b": None})} == {"local/film", "local/jpg", "local/x"}
