"""Steps that share the cores of a machine."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.lines import Ready
from benchmarks.scaling.machines import Machine, Run
from common.contracts.names import PLAN


def ends(cores: float, *runs: tuple[float, float, float]) -> list[float]:
    """When runs end that begin at a time, with so much work, and so many cores that they can use."""
    clock = Clock()
    machine = Machine(clock, cores)
    found = [-1.0] * len(runs)

    def run(number: int, work: float, width: float) -> Run:
        def done() -> None:
            found[number] = clock.now

        return Run(Ready(number, PLAN), work, width, done)

    for number, (time, work, width) in enumerate(runs):
        clock.at(time, functools.partial(machine.start, run(number, work, width)))
    clock.run(lambda: False, 1e9)
    return found


def test_a_step_alone_has_the_cores_it_can_use() -> None:
    assert ends(2, (0, 6, 1)) == [6]
    assert ends(2, (1, 6, 1.5)) == [5]
    assert ends(2, (0, 6, 3)) == [3]


def test_steps_share_what_there_is() -> None:
    assert ends(2, (0, 6, 1), (0, 6, 1)) == [6, 6]
    assert ends(1, (0, 6, 1), (0, 3, 1)) == [9, 6]
    assert ends(1, (0, 4, 1), (2, 1, 1)) == [5, 4]


def test_a_step_that_is_stopped_tells_what_it_had_and_leaves_its_share() -> None:
    clock = Clock()
    machine = Machine(clock, 1)
    ended: list[float] = []
    first = Run(Ready(1, PLAN), 10, 1, lambda: ended.append(clock.now))
    second = Run(Ready(2, PLAN), 10, 1, lambda: ended.append(clock.now))
    machine.start(first)
    machine.start(second)
    clock.at(6, lambda: ended.append(-machine.stop(first)))
    clock.run(lambda: False, 1e9)
    assert ended == [-3, 13]


@given(
    st.floats(0.5, 8),
    st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 50), st.floats(0.5, 3)), min_size=1, max_size=12),
)
def test_nothing_is_quicker_than_its_width_and_nothing_in_all_than_the_cores(
    cores: float, runs: list[tuple[float, float, float]]
) -> None:
    found = ends(cores, *runs)
    for end, (time, work, width) in zip(found, runs, strict=True):
        assert end >= time + work / min(width, cores) - 1e-6
    first, work = min(time for time, _, _ in runs), sum(work for _, work, _ in runs)
    assert max(found) >= first + work / cores - 1e-6
    slowest = min(cores, *(width for _, _, width in runs))
    assert max(found) <= max(time for time, _, _ in runs) + work / slowest + 1e-6


def test_the_clock_keeps_the_order_of_what_happens_at_once() -> None:
    clock = Clock()
    seen: list[str] = []
    clock.at(5, lambda: seen.append("later"))
    clock.at(3, lambda: seen.append("first"))
    clock.at(3, lambda: seen.append("second"))
    clock.run(lambda: False, latest=4)
    assert seen == ["first", "second"]
    assert clock.now == pytest.approx(4)
