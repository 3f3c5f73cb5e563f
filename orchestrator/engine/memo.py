"""Values that are computed once for as long as what they are computed from stays the same object. Pure.

A job is looked at many times, and from one look to the next nearly everything about it is the same. What a `Memo`
remembers is only ever what a fresh one would compute, so it may be thrown away at any time.
"""

from collections.abc import Callable, Hashable
from operator import is_
from typing import Any, TypeVar

Value = TypeVar("Value")


class Memo:
    """What was computed for one job, by name. For one look at a time."""

    def __init__(self) -> None:
        self._computed: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._seen: dict[Hashable, Any] = {}

    def __call__(self, name: Hashable, compute: Callable[..., Value], *inputs: Any) -> Value:
        """`compute(*inputs)`, as it was computed before if every input is the very object it was then.

        One name always goes with one function. Inputs must never change in place.
        """
        found = self._computed.get(name)
        # The inputs are kept, so none of them can have made room for another object at the same address.
        if found is not None and len(found[0]) == len(inputs) and all(map(is_, found[0], inputs)):
            value: Value = found[1]
            return value
        value = compute(*inputs)
        self._computed[name] = (inputs, value)
        return value

    def same(self, name: Hashable, value: Value) -> Value:
        """`value`, as the object that was given under this name before if the two are equal."""
        seen = self._seen.get(name)
        if type(seen) is type(value) and seen == value:
            return seen
        self._seen[name] = value
        return value
