"""Reading bodies: either they can be used, or all their faults are told at once.

A body with a fault in one field is checked on without it, as nobody wants to meet faults one by one.
"""

import copy
import itertools
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError

from api.errors import FieldError
from api.http.forms import Form
from api.http.json_body import TOO_DEEP, TWICE, Location, path_of, too_deep
from api.http.messages import MOST_FAULTS, field_error, innermost
from common.contracts.base import Contract

STEP = re.compile(r"[.\[]")
ROUNDS = 8
"Most times that a body is looked at: some faults hide others."


class Rest(NamedTuple):
    """What a body is without its faults."""

    value: Contract | None
    "None: nothing that can be used."
    faults: list[FieldError]
    hidden: "Hidden"


class Hidden:
    """The fields of which nothing can be said, because something in them or around them was put aside."""

    def __init__(self, form: Form, aside: Iterable[Location]) -> None:
        self._aside = {path_of(location) for location in aside}
        self._around = {outer for field in self._aside for outer in _around(field)}
        leaning = (fields for name, fields in form.leaning.items() if name in self._aside | self._around)
        self._leaning = set(itertools.chain.from_iterable(leaning))

    def __contains__(self, field: str) -> bool:
        return field in self._around or field in self._leaning or not self._aside.isdisjoint((field, *_around(field)))


def read_form(form: Form, body: dict[str, Any], twins: Iterable[Location] = ()) -> Rest:
    """The contract that a body is, or its faults. `twins` are members that were given twice.

    The body is changed if it has faults, and of no other use.
    """
    reader = _Reader(form, body)
    for location in twins:
        reader.refuse(location, TWICE)
    for location in too_deep(form.members(body)):
        reader.refuse(location, TOO_DEEP)
    value = reader.value()
    return Rest(value, list(reader.faults), Hidden(form, reader.aside))


def _around(field: str) -> list[str]:
    """What the field lies in: `scenes` and `scenes[0]` for `scenes[0].show`."""
    return [field[: step.start()] for step in STEP.finditer(field)]


class _Reader:
    """Reads one body, from which it puts aside what is wrong."""

    def __init__(self, form: Form, body: dict[str, Any]) -> None:
        self._form, self._body = form, body
        self.faults: dict[FieldError, None] = {}
        self.aside: set[Location] = set()

    def refuse(self, location: Location, message: str) -> None:
        if location not in self.aside:
            self.faults[FieldError(path_of(location), message)] = None
            self._put_aside(location)

    def value(self) -> Contract | None:
        for _ in range(ROUNDS):
            try:
                return self._form.contract.model_validate(self._body)
            except ValidationError as error:
                for fault in innermost(error):
                    if fault["loc"] not in self.aside:
                        self.faults[field_error(fault)] = None
                    self._put_aside(fault["loc"])
            if len(self.faults) >= MOST_FAULTS:
                break
        return None

    def _put_aside(self, location: Location) -> None:
        """Puts a stand-in in the place of a part, or leaves it out. If its object cannot do without, that goes, too."""
        reached, holder, part = self._reached(location)
        mend = self._form.wholes.get(_place(reached))
        if mend is not None and isinstance(part, dict):
            mend(part)
        elif location in self.aside:
            self._put_aside(location[:-1])
        elif reached not in self.aside and reached:
            self.aside.add(reached)
            self._replace(reached, holder)

    def _replace(self, location: Location, holder: Any) -> None:
        place = _place(location)
        if place in self._form.stand_ins:
            holder[location[-1]] = copy.deepcopy(self._form.stand_ins[place])
        elif isinstance(holder, dict):
            holder.pop(location[-1], None)
        else:  # the other items would move up
            self._put_aside(location[:-1])

    def _reached(self, location: Location) -> tuple[Location, Any, Any]:
        """The location, what holds the part there, and the part. A short form that stands for an object is one part."""
        holder: Any = None
        part: Any = self._body
        for depth, step in enumerate(location):
            if isinstance(step, int) and isinstance(part, list):
                holder, part = part, part[step]
            elif isinstance(step, str) and isinstance(part, dict):
                holder, part = part, part.get(step)
            else:
                return location[:depth], holder, part
        return location, holder, part


def _place(location: Location) -> str:
    """The location without its numbers: `scenes[].show`."""
    return path_of(location, numbered=False)
