"""The line before the workers."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scaling.lines import Line, Ready
from common.contracts.names import StepName


def ready(job: int, step: str) -> Ready:
    return Ready(job, StepName(step))


def drained(line: Line) -> list[Ready]:
    found = []
    while line.waiting:
        line.hint(1)
        one = line.take()
        assert one is not None
        found.append(one)
    return found


def test_jobs_take_turns_and_quick_steps_come_last() -> None:
    line = Line(ahead=1)
    for step in ("mix", "segment:s1.0", "segment:s2.0"):
        line.add(ready(1, step))
    line.add(ready(2, "segment:s1.0"))
    assert drained(line) == [
        ready(1, "segment:s1.0"),
        ready(2, "segment:s1.0"),
        ready(1, "segment:s2.0"),
        ready(1, "mix"),
    ]


def test_a_newcomer_does_not_wait_for_all_who_came_before() -> None:
    line = Line(ahead=1)
    for number in range(1, 9):
        line.add(ready(1, f"segment:s{number}.0"))
        line.add(ready(2, f"segment:s{number}.0"))
    line.hint(6)
    assert [one.job for one in (line.take(), line.take(), line.take()) if one] == [1, 2, 1]
    line.add(ready(3, "segment:s1.0"))
    assert 3 in [one.job for one in drained(line)[:6]]


def test_there_are_no_more_hints_than_slots_can_take() -> None:
    line = Line(ahead=2)
    for number in range(10):
        line.add(ready(number, "plan"))
    line.hint(0)
    assert line.take() is None
    line.hint(2)
    taken = [line.take() for _ in range(5)]
    assert taken[4] is None
    assert None not in taken[:4]
    assert line.waiting == 6


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30)), unique=True), st.integers(1, 3))
def test_every_step_comes_out_once_and_those_of_a_job_in_their_order(steps: list[tuple[int, int]], ahead: int) -> None:
    line = Line(ahead)
    for job, number in steps:
        line.add(ready(job, f"segment:s{number}.0"))
    found = drained(line)
    assert sorted(found) == sorted(ready(job, f"segment:s{number}.0") for job, number in steps)
    for job in {job for job, _ in steps}:
        assert [one for one in found if one.job == job] == [
            ready(job, f"segment:s{number}.0") for owner, number in steps if owner == job
        ]
