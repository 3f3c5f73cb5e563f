"""What the addresses take of a request: parameters, headers, a body. All that is wrong with them is told at once.

A view says with `takes` what it takes, and is called only if all of it can be used. What nobody takes is refused, as it
would do nothing.
"""

import contextlib
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from flask import Request, current_app, request

from api.errors import FieldError, InvalidFields, Unreadable, WrongType, raise_if_any
from api.http.faults import read_form
from api.http.forms import Form
from api.http.json_body import TWICE
from api.http.messages import WHOLE
from api.http.parsing import json_object
from common.errors import ReelwrightError

View = TypeVar("View", bound=Callable[..., Any])
Checks = Callable[..., list[FieldError]]
"""Finds the faults of a value that only this server can see: of files that are not here, and voices nobody has. Is
called with the value, and the parts of the address by name."""
FREE = ("health",)
"Blueprints that do not look at parameters: whoever probes health may add some against caches."
LONGEST_NAME = 60


def none(*_: Any, **__: Any) -> list[FieldError]:
    """The checks of a value that can be used by anybody who can read it."""
    return []


class Reading(NamedTuple):
    """What was read of an input."""

    value: Any
    faults: Sequence[FieldError] = ()
    checks: Checks = none
    """Asked only if something else is wrong: the use case checks by itself, and not at all if it has given the answer
    before."""
    alone: ReelwrightError | None = None
    "What is raised if nothing else is wrong."


class Input(Protocol):
    """Something that an address takes."""

    def read(self, request: Request) -> Reading: ...


@dataclass(frozen=True)
class Parameter:
    """A parameter of an address."""

    name: str
    value: Callable[[str], Any]
    "Its value; None for a text that is none."
    must: str
    "The cure of a text that is none."
    default: Any = None
    checks: Checks = none

    def read(self, request: Request) -> Reading:
        given = self.given(request)
        if len(given) > 1:
            return Reading(None, [FieldError(self.name, TWICE)])
        value = self.value(given[0]) if given else self.default
        wrong = bool(given) and value is None
        return Reading(value, [FieldError(self.name, self.must)] if wrong else [], none if wrong else self.checks)

    def given(self, request: Request) -> list[str]:
        return request.args.getlist(self.name)


class Header(Parameter):
    """The same in a header."""

    def given(self, request: Request) -> list[str]:
        return request.headers.getlist(self.name)


@dataclass(frozen=True)
class Body:
    """A JSON object."""

    form: Form
    checks: Checks = none
    optional: bool = False
    "True if nothing at all stands for an empty object."
    most_bytes: int | None = None
    "None: as for all addresses."

    def read(self, request: Request) -> Reading:
        if self.most_bytes is not None:
            request.max_content_length = self.most_bytes
        try:
            body, twins = json_object(request, self.optional)
        except InvalidFields as error:
            return Reading(None, error.errors)
        except (Unreadable, WrongType) as error:
            return Reading(None, [FieldError(WHOLE, str(error))], alone=error)
        value, faults, hidden = read_form(self.form, body, twins)

        def checks(value: Any, **places: str) -> list[FieldError]:
            found = self.checks(value, **places) if value is not None else []
            return [fault for fault in found if fault.field not in hidden]

        return Reading(value, faults, checks)


def takes(**inputs: Input) -> Callable[[View], View]:
    """Says on a view what its address takes, by the arguments with which the view is called."""

    def said(view: View) -> View:
        @functools.wraps(view)
        def reading(**places: str) -> Any:
            return view(**places, **_values(inputs, places))

        reading.takes = inputs  # type: ignore[attr-defined]
        return reading  # type: ignore[return-value]

    return said


def refuse_unknown() -> None:
    """Raises `InvalidFields` for the parameters of an address that takes nothing."""
    if request.endpoint is None or request.blueprint in FREE:
        return
    if not hasattr(current_app.view_functions[request.endpoint], "takes"):
        raise_if_any(_unknown(()))


def _values(inputs: Mapping[str, Input], places: Mapping[str, str]) -> dict[str, Any]:
    """What every input is. Raises `InvalidFields` with all that is wrong."""
    readings = {name: one.read(request) for name, one in inputs.items()}
    names = [one.name for one in inputs.values() if isinstance(one, Parameter) and not isinstance(one, Header)]
    faults = [*_unknown(names), *(fault for reading in readings.values() for fault in reading.faults)]
    if not faults:
        return {name: reading.value for name, reading in readings.items()}
    alone = [reading.alone for reading in readings.values() if reading.alone is not None]
    if len(faults) == len(alone):
        raise alone[0]
    for reading in readings.values():
        # With a store that is away, or a job that is not there, the other faults can be told all the same.
        with contextlib.suppress(ReelwrightError):
            faults += reading.checks(reading.value, **places)
    raise InvalidFields(faults)


def _unknown(known: Collection[str]) -> list[FieldError]:
    there_are = f"takes {' and '.join(known)}" if known else "takes no parameters"
    return [
        FieldError(name[:LONGEST_NAME], f"is no parameter of this address, which {there_are}")
        for name in request.args
        if name not in known
    ]
