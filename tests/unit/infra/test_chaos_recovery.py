"""The judgement of recoveries, with made-up events: each thing that delays one counts, and nothing else does."""

from collections.abc import Sequence

import pytest

from common.contracts.job import Event
from infra.chaos.faults.striking import Struck
from infra.chaos.injector import Done
from infra.chaos.recovery import Harm, Hit, Recovery, away, lags, ready_again, recovery, was_running
from infra.chaos.schedule import Fault
from infra.chaos.site import Held
from infra.chaos.watch import harms_of, hits_of

LIMIT = 8.0


def step(at: int, state: str, name: str = "mix", **more: object) -> Event:
    return Event(at, at, "step", {"step": name, "state": state, **more})


def wish(at: int) -> Event:
    return Event(at, at, "wish", {"wish": "edit"})


STARTED = (step(1_000, "ready"), step(1_100, "running"))
AGAIN = (*STARTED, step(5_000, "ready"), step(5_200, "running"), step(6_000, "done"))
LATE = (*STARTED, step(2_500, "running", "speak:s1"), step(15_000, "ready"), step(15_100, "running"))
HIT = Hit("worker killed", 2_000, "job_1", "mix", "renderer", LIMIT)


def test_recovery_is_counted_from_the_fault_to_the_next_start_and_commit() -> None:
    assert recovery(AGAIN, "mix", 2_000) == Recovery(3.2, 4.0)
    assert recovery(AGAIN, "mix", 5_500) == Recovery(None, 0.5), "the holder lived on"
    assert recovery(AGAIN, "mix", 7_000) is None
    assert recovery((*AGAIN[:3], wish(5_100), *AGAIN[3:]), "mix", 2_000) is None, "it waited for somebody's wish"


def test_a_step_was_running_from_its_start_to_its_end() -> None:
    assert [was_running(AGAIN, "mix", at) for at in (900, 1_050, 1_100, 4_999, 5_100, 5_900, 6_000)] == [
        *(False, False, True, True, False, True, False)
    ]
    assert not was_running((), "mix", 2_000)


@pytest.mark.parametrize(
    ("after", "ready"),
    [
        ((step(5_000, "ready"),), 5_000),
        ((step(3_000, "failed"), step(3_100, "ready")), 3_100),
        ((step(3_000, "ready", "speak:s1"), step(3_500, "ready")), 3_500),
        ((step(3_000, "done"), step(9_000, "ready")), None),
        ((step(3_000, "deferred"), step(9_000, "ready")), None),
        ((step(3_000, "waiting"), step(9_000, "ready")), None),
        ((step(3_000, "skipped"),), None),
        ((wish(3_000), step(9_000, "ready")), None),
        ((), None),
    ],
    ids=str,
)
def test_a_step_that_lost_its_holder_is_told_from_one_that_did_not(after: Sequence[Event], ready: int | None) -> None:
    assert ready_again((*STARTED, *after), "mix", 2_000) == ready


def judged(events: Sequence[Event], *harms: Harm, hit: Hit = HIT) -> list[tuple[float, float, bool]]:
    return [(lag.since_fault, lag.counted, lag.late) for lag in lags([hit], {"job_1": events}, harms)]


def test_a_step_that_was_ready_in_time_is_not_late_and_one_that_was_not_is() -> None:
    assert judged(AGAIN) == [(3.0, 3.0, False)]
    assert judged(LATE) == [(13.0, 13.0, True)]
    assert judged(LATE, hit=HIT._replace(limit=13.0)) == [(13.0, 13.0, False)]


@pytest.mark.parametrize("hang", [1_500, 3_000], ids=["before", "after"])
def test_a_step_that_several_faults_hit_has_the_longest_of_their_limits(hang: int) -> None:
    hangs = HIT._replace(kind="ffmpeg hangs", at=hang, limit=25.0)
    assert [lag.late for lag in lags([HIT, hangs], {"job_1": LATE}, [])] == [False, False]
    elsewhere = hangs._replace(step="speak:s1")
    assert [lag.late for lag in lags([HIT, elsewhere], {"job_1": LATE}, [])] == [True]
    later = hangs._replace(at=15_150)
    again = (*LATE, step(20_000, "ready"))
    assert [lag.late for lag in lags([HIT, later], {"job_1": again}, [])] == [True, False], "another run of the step"


def test_a_step_that_did_not_run_when_its_fault_came_is_not_judged() -> None:
    assert judged(LATE, hit=HIT._replace(at=500)) == []
    assert judged(LATE, hit=HIT._replace(job="job_2")) == []


@pytest.mark.parametrize(
    ("harm", "counted"),
    [
        (Harm(3_000, 9_000), 6.0),
        (Harm(1_000, 9_000), 6.0),
        (Harm(9_000, 99_000), 0.0),
        (Harm(500, 1_500), 13.0),
        (Harm(16_000, 17_000), 13.0),
        (Harm(9_000, 9_000, frozenset({"renderer"})), 6.0),
        (Harm(9_000, 9_000, frozenset({"renderer.2", "api"})), 13.0),
        (Harm(2_000, 2_000, frozenset({"renderer"})), 13.0),
    ],
    ids=[
        "something needed was away",
        "it was away before the fault",
        "it was still away",
        "it was away before, and back",
        "it was away afterwards",
        "its holder was hit again",
        "others were hit",
        "the fault itself",
    ],
)
def test_the_clock_starts_with_the_last_thing_a_recovery_had_to_wait_for(harm: Harm, counted: float) -> None:
    assert [one for _, one, _ in judged(LATE, harm)] == [counted]


def test_a_lasting_fault_of_something_needed_is_an_absence_and_one_of_a_worker_is_not() -> None:
    done = [
        Done(Fault("Redis frozen", 1, 2, 1), Struck(1_000, (), frozenset({"redis"})), healed=3_000),
        Done(Fault("orchestrator killed", 1, 0, 1), Struck(4_000, (), frozenset({"orchestrator.2"}))),
        Done(Fault("worker frozen", 1, 2, 1), Struck(5_000, (), frozenset({"renderer"})), healed=9_000),
        Done(Fault("API killed", 1, 0, 1), None, "it does not run"),
    ]
    absences = [(harm.since, harm.until) for harm in harms_of(done) if not harm.programs]
    assert absences == [(1_000, 3_000), (4_000, 4_000)]
    assert {one for harm in harms_of(done) for one in harm.programs} == {"redis", "orchestrator.2", "renderer"}


def test_absences_at_the_same_time_count_once() -> None:
    harms = [
        Harm(1_000, 3_000),
        Harm(2_000, 2_500),
        Harm(2_000, 4_000),
        Harm(9_000, 9_500),
        Harm(0, 9_000, frozenset("a")),
    ]
    assert away(harms) == 3.5


def test_a_step_is_judged_by_the_limit_of_its_fault_else_by_the_promise() -> None:
    struck = Struck(2_000, [Held("job_1", "mix", 7, 1, "renderer")])
    done = [Done(Fault(kind, 1, 0, 1), struck) for kind in ("worker killed", "ffmpeg hangs")]
    limits = {"ffmpeg hangs": 25.0}
    assert [hit.limit for hit in hits_of(done, limits.get, lease=3.0)] == [8.0, 25.0]
    assert hits_of(done, limits.get, lease=3.0)[0] == HIT
