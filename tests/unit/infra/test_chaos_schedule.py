"""Schedules of faults, the orders of the users, and the figures of a report."""

import random
from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise

from common.contracts.job import Event, Job
from common.contracts.request import VideoRequest
from common.settings import Settings
from infra.chaos.expectations import Order
from infra.chaos.faults.kinds import kinds
from infra.chaos.faults.striking import Struck
from infra.chaos.figures import Report, executions, hits, lines, percentile, tally
from infra.chaos.injector import Done
from infra.chaos.invariants import Record
from infra.chaos.orders import batched, jobs_of, orders
from infra.chaos.recovery import Hit, Lag
from infra.chaos.run import GAP_SECONDS
from infra.chaos.schedule import Fault, Habit, schedule
from infra.chaos.site import Held
from tests.unit.infra.test_chaos_invariants import ref

HABITS = {name: kind.habit for name, kind in kinds(Settings(lease_seconds=3.0)).items()}


def test_a_seed_gives_one_schedule_and_another_seed_another() -> None:
    assert schedule(7, 60, 1.5, HABITS) == schedule(7, 60, 1.5, HABITS)
    assert schedule(7, 60, 1.5, HABITS) != schedule(8, 60, 1.5, HABITS)


def test_faults_come_in_order_end_in_time_and_never_overlap_in_one_part() -> None:
    for seed in range(50):
        faults = schedule(seed, 90, 1.0, HABITS)
        assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
        assert all(fault.at + fault.lasts <= 90 for fault in faults)
        for part in {habit.part for habit in HABITS.values()}:
            mine = [fault for fault in faults if HABITS[fault.kind].part == part]
            assert all(one.at + one.lasts < other.at for one, other in pairwise(mine))


def test_a_run_of_two_minutes_meets_every_kind() -> None:
    for seed in range(50):
        assert {fault.kind for fault in schedule(seed, 120, GAP_SECONDS, HABITS)} == set(HABITS)


def test_shares_say_how_often_a_kind_comes() -> None:
    faults = schedule(1, 900, 1.0, {"often": Habit("a", 3), "seldom": Habit("b", 1)})
    count = Counter(fault.kind for fault in faults)
    assert 2.5 < count["often"] / count["seldom"] < 3.5


def test_orders_are_valid_requests_of_every_kind_and_the_same_for_the_same_seed() -> None:
    clip = f"ast_{'0' * 32}"
    made = list(islice(orders(random.Random("x"), clip), 100))
    assert made == list(islice(orders(random.Random("x"), clip), 100))
    requests = [VideoRequest.model_validate(order) for order in made]
    assert any(request.prompt for request in requests)
    assert any(request.script for request in requests)
    assert any(scene.media for request in requests for scene in request.scenes or ())
    assert len({str(order) for order in made}) < len(made), "no order came twice"


def test_some_orders_are_sent_together_and_none_is_lost() -> None:
    sent = list(islice(batched(random.Random("x"), orders(random.Random("y"), "")), 50))
    single = [one for order in sent for one in order.get("requests", [order])]
    assert single == list(islice(orders(random.Random("y"), ""), len(single)))
    assert {Order("key", order).path for order in sent} == {"/mcp/batch", "/mcp/generate"}
    assert jobs_of({"job_id": "job_1"}) == ["job_1"]
    assert jobs_of({"jobs": [{"index": 0, "job_id": "job_1"}, {"index": 1, "job_id": "job_2"}]}) == ["job_1", "job_2"]
    assert jobs_of({"detail": "no"}) == []


def event(seq: int, at: int, step: str, state: str, **more: bool) -> Event:
    return Event(seq, at, "step", {"step": step, "state": state, **more})


EVENTS = (
    event(1, 1_000, "mix", "ready"),
    event(2, 1_100, "mix", "running"),
    event(3, 5_000, "mix", "ready"),
    event(4, 5_200, "mix", "running"),
    event(5, 6_000, "mix", "done"),
    event(6, 6_100, "plan", "done", reused=True),
)


def record(state: str) -> Record:
    return Record("job_1", frozenset({state}), Job("job_1", "local", state, ref("request"), 0, 1), EVENTS)


def test_starts_that_came_to_nothing_are_counted_but_not_in_cancelled_jobs() -> None:
    assert executions([record("completed")]) == (2, 1)
    assert executions([record("cancelled")]) == (0, 0)


def test_the_link_of_redis_is_whole_while_another_fault_of_redis_waits_for_its_healing() -> None:
    habits = {name: kind.habit for name, kind in kinds(Settings(), hosts=True).items()}
    of_redis = {habit.part for name, habit in habits.items() if name.startswith("Redis")}
    assert {"Redis full", "Redis cut off for 5 s", "Redis cut off for 30 s"} <= habits.keys()
    assert len(of_redis) == 1


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([3.0], 0.99) == 3.0


def test_only_steps_that_ran_at_that_moment_are_hit_and_only_by_faults_aimed_at_them() -> None:
    mix = Held("job_1", "mix", 1)
    done = [
        Done(Fault("worker killed", 1, 0, 1), Struck(2_000, [mix])),
        Done(Fault("worker killed", 2, 0, 1), Struck(7_000, [mix])),
        Done(Fault("worker killed", 3, 0, 1), Struck(8_000)),
        Done(Fault("API killed", 4, 0, 1), Struck(9_000)),
    ]
    table = tally(done, [record("completed")], {"worker killed"})
    assert (table["worker killed"].count, table["worker killed"].hits, table["worker killed"].steps) == (3, 1, 1)
    assert hits(table) == (1, 3)


def test_the_report_shows_the_seed_the_faults_the_times_and_what_is_broken() -> None:
    done = [
        Done(Fault("worker killed", 1, 0, 1), Struck(2_000, [Held("job_1", "mix", 1)])),
        Done(Fault("disk full", 2, 1, 1), None, "a small disk of our own needs root"),
    ]
    report = Report(
        seed=42,
        seconds=20,
        faults=tally(done, [record("completed")], {"worker killed", "disk full"}),
        outcomes=Counter(completed=3, cancelled=1),
        wishes=Counter(cancel=1),
        runs=20,
        repeated=1,
        settled=4.2,
        violations=["job_1 is lost"],
        lags=[Lag(Hit("worker killed", 2_000, "job_1", "mix", "renderer", 8.0), 3.0, 2.5)],
    )
    text = "\n".join(lines(report))
    assert text.startswith("seed 42: 1 faults in 20 s, 4 jobs accepted")
    assert "3.2 / 3.2 / 3.2" in text
    assert "1 of 1 faults that are aimed at steps met one" in text
    assert "1 steps lost their holders; they were ready again after 3.0 / 3.0 / 3.0 s." in text
    assert "that is 2.5 / 2.5 / 2.5 s, of 8" in text
    assert "4.0 / 4.0 / 4.0" in text
    assert "not made: a small disk of our own needs root" in text
    assert "jobs: 3 completed, 1 cancelled" in text
    assert "steps were started 20 times; 1 of these starts (5.0 %) came to nothing" in text
    assert "  job_1 is lost" in text
    assert "all jobs had ended 4.2 s after the last fault" in text
    assert not report.well
    stuck = "\n".join(lines(replace(report, outcomes=Counter(completed=3, rendering=1))))
    assert "not all jobs have ended" in stuck
