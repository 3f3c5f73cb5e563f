"""Values that are computed once for as long as their inputs stay the same objects. Pure.

A job is looked at many times, and from one look to the next nearly everything about it is the same. A `Memo` only ever
returns what a fresh one would compute, so it may be thrown away at any time.
"""

from collections.abc import Callable, Hashable
from operator import is_
from typing import Any, TypeVar

Value = TypeVar("Value")


class Memo:
    """The computed values of one job. For one look at a time."""

    def __init__(self) -> None:
        self._computed: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._seen: dict[Hashable, Any] = {}

    def __call__(self, compute: Callable[..., Value], *inputs: Any, of: Hashable = "") -> Value:
        """`compute(*inputs)`, or its earlier result if every input is the very object it was then.

        `of` is the subject of the value if a function is used for several: the last inputs of each are remembered.
        Inputs must never change in place.
        """
        before = self._computed.get((compute, of))
        # The inputs are kept, so none of them can have made room for another object at the same address.
        if before is not None and len(before[0]) == len(inputs) and all(map(is_, before[0], inputs)):
            value: Value = before[1]
            return value
        value = compute(*inputs)
        self._computed[compute, of] = (inputs, value)
        return value

    def together(self, name: Hashable, *values: Value) -> tuple[Value, ...]:
        """The values as a tuple that is the same object for as long as each of them is."""
        return self(_tuple, *values, of=name)

    def same(self, name: Hashable, value: Value) -> Value:
        """`value`, or the object last given under this name if the two are equal."""
        seen = self._seen.get(name)
        if type(seen) is type(value) and seen == value:
            return seen
        self._seen[name] = value
        return value


def _tuple(*values: Any) -> tuple[Any, ...]:
    return values
