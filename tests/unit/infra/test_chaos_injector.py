"""The injector without a stack: the order of the faults, their aim, and their healing."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.chaos import injector
from infra.chaos.faults.striking import FaultKind, NothingToHit, Struck
from infra.chaos.injector import inject
from infra.chaos.schedule import Fault, Habit


class Site:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def check(self) -> None:
        """It is well."""


def kind(name: str, part: str = "", aim: Any = None, alone: bool = False) -> FaultKind:
    @contextmanager
    def harm(site: Any, _: random.Random) -> Iterator[Struck]:
        site.log.append(name)
        try:
            yield Struck(len(site.log))
        finally:
            site.log.append(f"{name} healed")

    return FaultKind(Habit(part or name, 1), harm, aim, alone=alone)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(injector, "TICK", 0.001)
    monkeypatch.setattr(injector, "AIM_SECONDS", 0.05)


def make(kinds: dict[str, FaultKind], *faults: Fault) -> tuple[list[str], list[injector.Done]]:
    site = Site()
    return site.log, inject(site, faults, kinds, threading.Event())  # type: ignore[arg-type]


def test_a_fault_waits_for_its_victim_and_keeps_the_order() -> None:
    looks: list[int] = []

    def third_look(_: Any) -> bool:
        looks.append(1)
        return len(looks) == 3

    kinds = {"a": kind("a", aim=third_look), "b": kind("b")}
    log, done = make(kinds, Fault("a", 0, 0, 1), Fault("b", 0, 0, 1))
    assert len(looks) == 3
    assert log.index("a") < log.index("b")
    assert [one.struck is not None and one.healed > 0 for one in done] == [True, True]


def test_a_fault_that_waits_in_vain_is_made_anyway() -> None:
    log, _ = make({"a": kind("a", aim=lambda _: False)}, Fault("a", 0, 0, 1))
    assert log == ["a", "a healed"]


def test_a_victim_that_cannot_be_looked_for_now_is_waited_for() -> None:
    def nobody(_: Any) -> bool:
        raise NothingToHit("nothing answers")

    log, _ = make({"a": kind("a", aim=nobody)}, Fault("a", 0, 0, 1))
    assert log == ["a", "a healed"]


def test_a_part_is_healed_before_it_is_struck_again_and_others_need_not_wait() -> None:
    kinds = {"a": kind("a", "redis"), "b": kind("b", "redis"), "c": kind("c", "s3")}
    log, _ = make(kinds, Fault("a", 0, 0.02, 1), Fault("b", 0, 0, 1))
    assert log == ["a", "a healed", "b", "b healed"]
    log, _ = make(kinds, Fault("a", 0, 0.05, 1), Fault("c", 0, 0, 1))
    assert log == ["a", "c", "c healed", "a healed"]


def test_a_fault_that_needs_all_others_healed_waits_for_that() -> None:
    kinds = {"a": kind("a"), "b": kind("b", alone=True)}
    log, _ = make(kinds, Fault("a", 0, 0.02, 1), Fault("b", 0, 0, 1))
    assert log == ["a", "a healed", "b", "b healed"]


def test_the_end_heals_what_is_open_and_makes_nothing_more() -> None:
    site, stop = Site(), threading.Event()
    kinds = {"a": kind("a"), "b": kind("b", aim=lambda _: stop.set())}
    done = inject(site, [Fault("a", 0, 60, 1), Fault("b", 0, 60, 1)], kinds, stop)  # type: ignore[arg-type]
    assert site.log == ["a", "a healed"]
    assert [one.fault.kind for one in done] == ["a"]
    assert done[0].healed > 0


def test_a_fault_that_finds_nothing_to_hit_says_why() -> None:
    @contextmanager
    def harmless(site: Any, _: random.Random) -> Iterator[Struck]:
        raise NothingToHit("there is nothing")
        yield

    _, (done,) = make({"a": FaultKind(Habit("a", 1), harmless)}, Fault("a", 0, 0, 1))
    assert (done.struck, done.why_not) == (None, "there is nothing")
