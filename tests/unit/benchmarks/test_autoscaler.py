"""The number of pods by the rules of KEDA and the HPA."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scaling.autoscaler import Autoscaler, Policy, Rules

RULES = Rules(target=2, least=1, most=20)


def course(rules: Rules, *loads: float, pods: int = 1, floor: int = 0) -> list[int]:
    """The pods after each look, with these loads at looks that are 15 seconds apart."""
    scaler, found = Autoscaler(rules), []
    for number, load in enumerate(loads):
        pods = scaler.sync(15.0 * number, load, pods, floor)
        found.append(pods)
    return found


def test_it_grows_at_once_by_four_or_to_the_double() -> None:
    assert course(RULES, 40, 40, 40, 40) == [5, 10, 20, 20]
    assert course(RULES, 5) == [3]


def test_what_is_nearly_right_stays() -> None:
    assert course(RULES, 22, pods=10) == [10]
    assert course(RULES, 23, pods=10) == [12]
    assert course(RULES, 19, *[18] * 30, pods=10) == [10] * 31


def test_it_shrinks_after_five_minutes_by_one_a_minute() -> None:
    found = course(RULES, 20, *[0] * 40, pods=10)
    assert found[:20] == [10] * 20  # the recommendation of the first look still counts
    assert found[20:32] == [9, 9, 9, 9, 8, 8, 8, 8, 7, 7, 7, 7]
    assert course(RULES, 20, *[0] * 80, pods=10)[-1] == 1


def test_a_peak_within_the_window_keeps_the_pods() -> None:
    found = course(RULES, 20, *[0] * 10, 16, *[0] * 25, pods=10)
    assert found[20] == 9
    assert found[24] == 8
    assert found[30] == 8  # four pairs and five minutes since the peak of sixteen
    assert found[31] == 7


def test_policies_of_several_kinds_allow_the_larger_change() -> None:
    rules = Rules(target=2, most=40, window=0, down=(Policy(60, pods=1), Policy(60, percent=25)))
    assert course(rules, 0, 0, 0, 0, 0, pods=20) == [15, 15, 15, 15, 11]
    assert course(rules, 0, pods=2) == [1]


def test_limits_hold() -> None:
    assert course(RULES, 1000, pods=20) == [20]
    assert course(Rules(target=2, least=3, window=0, down=(Policy(15, percent=100),)), 0, pods=9) == [3]


def test_jobs_without_steps_keep_the_last_pod() -> None:
    rules = Rules(target=2, least=0, window=0, down=(Policy(15, percent=100),))
    assert course(rules, 0, 0, pods=5, floor=1) == [1, 1]


def test_the_first_pod_comes_by_keda_and_the_last_goes_by_it() -> None:
    scaler = Autoscaler(Rules(target=2, least=0, cooldown=300))
    assert scaler.sync(0, 50, 0) == 0
    assert scaler.poll(0, False, 0) == 0
    assert scaler.poll(15, True, 0) == 1
    assert scaler.poll(300, False, 4) == 4
    assert scaler.poll(316, False, 4) == 0
    assert Autoscaler(RULES).poll(999, False, 4) == 4


@given(st.lists(st.floats(0, 500), min_size=1, max_size=60), st.integers(1, 30), st.sampled_from([1.0, 2.0, 5.0]))
def test_it_keeps_to_its_limits_and_its_pace(loads: list[float], pods: int, target: float) -> None:
    rules = Rules(target=target, least=1, most=30)
    before, highest = pods, 0
    for load, after in zip(loads, course(rules, *loads, pods=pods), strict=True):
        assert rules.least <= after <= rules.most
        assert before - 1 <= after <= max(before + 4, 2 * before)
        assert after >= min(before, math.ceil(load / target), rules.most) or after == before - 1
        before, highest = after, max(highest, after)


@pytest.mark.parametrize("target", [1, 2, 4])
def test_a_load_that_lasts_is_met(target: int) -> None:
    assert course(Rules(target=target, most=50), *[40] * 20)[-1] == 40 // target
