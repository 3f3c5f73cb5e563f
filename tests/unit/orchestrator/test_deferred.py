"""Steps whose work goes on elsewhere: when they are looked at again, and when nobody wants that work any more."""

from typing import Any

import pytest

from common.contracts.job import DEFERRED, DONE, FAILED, READY, SKIPPED, UNKNOWN, WAITING, Failure
from common.contracts.request import VideoRequest
from tests.support.sim import LEASE, Sim

SHOT = "acquire:s1.1"
NOT_NOW = Failure(code="temporarily_unavailable", message="not now", retryable=True)
SCENES: list[dict[str, Any]] = [{"show": "a harbour"}, {"narration": "It comes back.", "show": "a lighthouse"}]


def held(sim: Sim) -> int:
    """The token of the shot's step, claimed as soon as it is ready; everything else goes on as far as it can."""
    for _ in range(50):
        sim.look()
        if SHOT in sim.names(READY):
            token = sim.claim(SHOT)
            assert token is not None
            return token
        sim.work_off()
    raise AssertionError("it never became ready")


def deferred(seconds: float = 10, state: str = DEFERRED) -> Sim:
    sim = Sim(VideoRequest(scenes=SCENES, transition="cut"))
    assert sim.defer(SHOT, held(sim), "t1", seconds, state)
    return sim


def state(sim: Sim) -> str:
    return sim.job.steps[SHOT].state


def test_a_deferred_step_is_ready_again_when_its_time_has_come_and_has_its_ticket() -> None:
    sim = deferred(seconds=10)
    decision = sim.look()
    assert decision is not None
    assert state(sim) == DEFERRED
    assert decision.change.look == sim.now + 10_000, "the next look comes just then"
    sim.now += 10_000
    sim.look()
    assert (state(sim), sim.job.steps[SHOT].ticket) == (READY, "t1")
    sim.run()
    assert sim.job.state == "completed"
    assert sim.tickets == {"t1": "ended"}


def test_the_other_scenes_go_on_meanwhile() -> None:
    sim = deferred(seconds=10)
    while sim.look() and sim.work_off():
        pass
    assert sim.job.steps["segment:s2.0"].state == DONE
    assert state(sim) == DEFERRED


def test_waiting_is_no_attempt_however_often() -> None:
    sim = deferred(seconds=1)
    for _ in range(20):
        sim.now += 1_000
        sim.look()
        token = sim.claim(SHOT)
        assert token is not None
        sim.defer(SHOT, token, "t1", 1)
    assert sim.job.steps[SHOT].attempt == 0
    sim.run()
    assert sim.job.state == "completed"


def test_a_look_at_the_other_side_that_fails_is_repeated_with_the_same_ticket() -> None:
    sim = deferred(seconds=1)
    sim.now += 1_000
    sim.look()
    token = sim.claim(SHOT)
    assert token is not None
    sim.fail(SHOT, token, NOT_NOW)
    sim.look()
    assert (state(sim), sim.job.steps[SHOT].ticket) == (READY, "t1")


def test_a_worker_that_dies_while_it_looks_costs_no_ticket() -> None:
    sim = deferred(seconds=1)
    sim.now += 1_000
    sim.look()
    sim.claim(SHOT)
    sim.now += LEASE + 1
    sim.look()
    assert (state(sim), sim.job.steps[SHOT].ticket) == (READY, "t1")


def test_a_final_failure_calls_off_what_may_go_on_elsewhere() -> None:
    sim = deferred(seconds=1)
    sim.now += 1_000
    sim.look()
    token = sim.claim(SHOT)
    assert token is not None
    sim.fail(SHOT, token, Failure(code="bad_media", message="it is damaged"))
    sim.run()
    assert sim.job.state == "completed"
    assert sim.tickets == {"t1": "called off"}


def test_an_unknown_outcome_is_never_repeated_by_itself_and_given_up_in_the_end() -> None:
    sim = deferred(seconds=300, state=UNKNOWN)
    runs = sim.ran.count(SHOT)
    for _ in range(20):
        sim.now += LEASE + 1
        sim.look()
        sim.work_off()
    assert state(sim) != UNKNOWN
    sim.run()
    assert sim.job.state == "completed", "with other footage"
    assert sim.ran.count(SHOT) == runs + 1, "which is other work of the same step"
    assert sim.tickets == {"t1": "called off"}


def test_an_unknown_outcome_is_looked_into_when_there_is_news() -> None:
    sim = deferred(seconds=300, state=UNKNOWN)
    sim.rouse(SHOT)
    assert state(sim) == READY
    sim.run()
    assert sim.tickets == {"t1": "ended"}


@pytest.mark.parametrize("waits", [DEFERRED, UNKNOWN])
def test_a_cancelled_job_ends_at_once_and_calls_off_what_goes_on_elsewhere(waits: str) -> None:
    sim = deferred(seconds=600, state=waits)
    sim.cancel()
    sim.look()
    assert (sim.job.state, state(sim)) == ("cancelled", SKIPPED)
    assert sim.tickets == {"t1": "called off"}


@pytest.mark.parametrize("waits", [DEFERRED, UNKNOWN])
def test_what_takes_too_long_is_given_up_in_time_to_make_the_film_without_it(waits: str) -> None:
    sim = deferred(seconds=1e6, state=waits)
    while (decision := sim.look()) is not None:
        if not sim.work_off():
            sim.now = decision.change.look
    assert sim.job.state == "completed"
    assert sim.now < sim.job.deadline
    assert sim.tickets == {"t1": "called off"}


@pytest.mark.parametrize("waits", [DEFERRED, UNKNOWN])
def test_a_deadline_does_the_same(waits: str) -> None:
    sim = deferred(seconds=1e6, state=waits)
    sim.now = sim.job.deadline
    sim.look()
    assert (sim.job.state, sim.tickets) == ("failed", {"t1": "called off"})


@pytest.mark.parametrize("waits", [DEFERRED, UNKNOWN])
def test_an_edit_that_asks_for_something_else_calls_off_what_goes_on_elsewhere(waits: str) -> None:
    sim = deferred(seconds=600, state=waits)
    sim.edit(shots=[{"id": "s1.1", "candidate": "pexels:2"}])
    sim.run()
    assert sim.job.state == "completed"
    assert sim.tickets == {"t1": "called off"}
    assert sim.spec(SHOT).candidate.id == "pexels:2"


@pytest.mark.parametrize("waits", [DEFERRED, UNKNOWN])
def test_an_edit_of_something_else_lets_it_go_on(waits: str) -> None:
    sim = deferred(seconds=600, state=waits)
    runs = sim.ran.count(SHOT)
    sim.edit(scenes=[{"id": "s2", "narration": "It never comes back."}])
    sim.run(until=lambda sim: sim.job.steps["segment:s2.0"].state == DONE)
    assert (state(sim), sim.tickets, sim.ran.count(SHOT)) == (waits, {"t1": "kept"}, runs)
    sim.rouse(SHOT)
    sim.run()
    assert (sim.job.state, sim.tickets) == ("completed", {"t1": "ended"})


@pytest.mark.parametrize("waits", [DEFERRED, UNKNOWN])
def test_work_elsewhere_goes_on_while_nobody_knows_whether_it_is_still_wanted(waits: str) -> None:
    sim = deferred(seconds=600, state=waits)
    runs = sim.ran.count(SHOT)
    sim.edit(shots=[{"id": "s1.1", "show": "the open sea"}])
    sim.run(until=lambda sim: sim.job.steps["search:s1.1"].ran_version == 2 and sim.job.steps["search:s1.1"].facts)
    sim.look()
    assert (state(sim), sim.tickets, sim.ran.count(SHOT)) == (waits, {"t1": "kept"}, runs)


def test_a_step_that_is_put_off_while_it_looks_keeps_its_ticket() -> None:
    sim = deferred(seconds=1)
    sim.now += 1_000
    sim.look()
    token = sim.claim(SHOT)
    assert token is not None
    sim.edit(shots=[{"id": "s1.1", "show": "the open sea"}])
    sim.run(until=lambda sim: "search:s1.1" in sim.names(READY))
    assert state(sim) == WAITING, "what it will show is searched anew"
    assert not sim.commit(SHOT, token)
    assert sim.tickets == {"t1": "kept"}
    sim.run()
    assert sim.spec(SHOT).candidate.id == "pexels:0", "the same clip is found again"
    assert (sim.job.state, sim.tickets) == ("completed", {"t1": "ended"})


def test_a_job_that_is_resumed_begins_the_work_elsewhere_anew() -> None:
    sim = deferred(seconds=600)
    sim.cancel()
    sim.look()
    sim.resume()
    token = held(sim)
    assert sim.job.steps[SHOT].ticket == ""
    assert sim.defer(SHOT, token, "t2", 0)
    sim.run()
    assert sim.tickets == {"t1": "called off", "t2": "ended"}
    assert sim.names(FAILED) == []
