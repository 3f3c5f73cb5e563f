"""What is remembered between two looks."""

from collections.abc import Callable, Hashable
from typing import Any

import pytest

from common.contracts.job import READY
from common.contracts.names import StepName
from common.contracts.request import VideoRequest
from orchestrator.engine.memo import Memo
from tests.support.sim import Sim


def test_a_value_is_computed_again_only_for_another_object() -> None:
    memo, computed = Memo(), []

    def length(text: str, extra: list[int]) -> int:
        computed.append(text)
        return len(text) + len(extra)

    extra = [1]
    assert memo(length, "abc", extra) == 4
    assert memo(length, "abc", extra) == 4
    assert computed == ["abc"]
    assert memo(length, "abc", [1]) == 4
    assert computed == ["abc", "abc"]


def test_functions_subjects_and_numbers_of_inputs_are_told_apart() -> None:
    def count(*values: object) -> int:
        return len(values)

    def negative(*values: object) -> int:
        return -len(values)

    memo = Memo()
    assert memo(count, None) == 1
    assert memo(count, None, None) == 2
    assert memo(negative, None, None) == -2
    assert memo(count, None, None, None, of="another") == 3
    assert memo.together("row", 1, 2) == (1, 2)
    assert memo.together("row", 1, 2) is memo.together("row", 1, 2)


def test_an_equal_value_becomes_the_object_it_was() -> None:
    memo = Memo()
    first = memo.same("sources", ["pexels", "scenery"])
    assert memo.same("sources", ["pexels", "scenery"]) is first
    assert memo.same("others", ["pexels", "scenery"]) is not first
    assert memo.same("sources", ["scenery"]) == ["scenery"]


def test_equal_numbers_of_different_kinds_stay_different() -> None:
    memo = Memo()
    memo.same("pace", 1)
    assert repr(memo.same("pace", 1.0)) == "1.0"


# a whole job


class Counting(Memo):
    """Knows what was computed."""

    def __init__(self) -> None:
        super().__init__()
        self.computed: list[Hashable] = []
        self._counted: dict[Hashable, Callable[..., Any]] = {}

    def __call__(self, compute: Callable[..., Any], *inputs: Any, of: Hashable = "") -> Any:
        def counted(*values: Any) -> Any:
            self.computed.append((compute.__name__, of))
            return compute(*values)

        return super().__call__(self._counted.setdefault((compute, of), counted), *inputs, of=of)

    def taken(self) -> list[Hashable]:
        found, self.computed = self.computed, []
        return found


@pytest.mark.parametrize("target", [None, 60.0])
@pytest.mark.parametrize("scenes", [5, 30])
def test_a_look_computes_only_what_changed_however_long_the_film_is(scenes: int, target: float | None) -> None:
    told = [{"narration": f"Scene {number} is about a harbour and its boats."} for number in range(scenes)]
    sim = Sim(VideoRequest(scenes=told, duration_target=target))
    sim.compare = False
    memo = sim.memo = Counting()
    sim.run(until=lambda sim: f"segment:s{scenes}.0" in sim.names(READY))
    sim.look()
    memo.taken()
    sim.look()
    assert memo.taken() == [], "nothing has changed"
    segments = [name for name in sim.names(READY) if StepName(name).kind == "segment"]
    for name in segments[:3]:
        token = sim.claim(name)
        assert token is not None
        sim.look()
        assert memo.taken() == []
        sim.commit(name, token)
        sim.look()
        scene = name.partition(":")[2].partition(".")[0]
        assert memo.taken() == [("parse_facts", name), ("_tuple", ("segments", scene)), ("cut", scene)]
