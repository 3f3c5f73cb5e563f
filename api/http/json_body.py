"""JSON bodies: strictly read, and refused with the fault and its place."""

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from api.errors import FieldError, InvalidFields, Unreadable

LONGEST_NUMBER = 300
"Digits of a whole number; no field takes more than ten."
SHOWN = 40
"Characters of the body that a message repeats."
MOST_LOOKED_AT = 100_000
"Values of a body among which a member that is given twice is looked for, to tell its place."
TWICE = "is given twice; give it once"
MAX_LEVELS = 32
"Lists and objects of a field that may lie in each other."
TOO_DEEP = f"has lists and objects nested in more than {MAX_LEVELS} levels; use fewer"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"\[\]{}:,]+')
"A string, or a number or word outside of strings."
_HIGH, _LOW = r"u[dD][89abAB][0-9a-fA-F]{2}", r"u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rf"\\(?:{_HIGH}\\{_LOW}|({_HIGH}|{_LOW})|.)")
"An escape in a string; the group is half of a character that stands alone."

Step = str | int
"One step down into a value: the name of a member, or the index of an item."
Location = tuple[Step, ...]
"The way to a value; empty for the body itself."


def read_json(data: bytes) -> tuple[Any, list[Location]]:
    """The value that a body has, and the members that are given twice, of which it has the last.

    Raises `Unreadable` for what is not JSON, and `InvalidFields` for more levels than can be read.
    """
    reader = _Reader(_text(data))
    value = reader.read()
    reader.refuse_halves()
    return value, reader.twins_in(value)


class _Reader:
    """Reads one text. Remembers objects with a member twice, of which JSON itself would keep the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._twins: dict[int, tuple[dict[str, Any], list[str]]] = {}

    def read(self) -> Any:
        try:
            return json.loads(
                self._text,
                parse_constant=self._refuse_word,
                parse_int=self._whole,
                parse_float=self._broken,
                object_pairs_hook=self._object,
            )
        except json.JSONDecodeError as error:
            raise Unreadable(
                f"the body is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]} "
                f"(line {error.lineno}, column {error.colno})"
            ) from None
        except RecursionError:
            raise InvalidFields([FieldError("request", TOO_DEEP)]) from None

    def refuse_halves(self) -> None:
        """Raises `Unreadable` for half of a character, which no text can hold: \\ud800 without its other half."""
        half = next((found for found in _ESCAPE.finditer(self._text) if found[1]), None)
        if half is not None:
            self._refuse_at(half.start(), f"{half[0]} is half of a character")

    def twins_in(self, value: Any) -> list[Location]:
        """The members that are given twice; the name of one if they lie in what was itself given twice."""
        if not self._twins:
            return []
        found: list[Location] = [
            (*path, name)
            for path, part in itertools.islice(_walk(value), MOST_LOOKED_AT)
            if id(part) in self._twins
            for name in self._twins[id(part)][1]
        ]
        _, names = next(iter(self._twins.values()))
        return found or [(names[0],)]

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            # The object is kept too, so that no other one gets its id.
            self._twins[id(found)] = (found, [name for name, count in counts.items() if count > 1])
        return found

    def _whole(self, digits: str) -> int:
        if len(digits) > LONGEST_NUMBER:
            self._refuse(digits, f"a number of {len(digits):,} characters is too long")
        return int(digits)

    def _broken(self, digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            self._refuse(digits, f"the number {digits[:SHOWN]} is too large")
        return number

    def _refuse_word(self, word: str) -> NoReturn:
        self._refuse(word, f"{word} is no number in JSON")

    def _refuse(self, token: str, why: str) -> NoReturn:
        """The reader stops at the first fault, so the first token of this spelling is the one."""
        self._refuse_at(next(found.start() for found in _TOKEN.finditer(self._text) if found[0] == token), why)

    def _refuse_at(self, start: int, why: str) -> NoReturn:
        line, column = self._text.count("\n", 0, start) + 1, start - self._text.rfind("\n", 0, start)
        raise Unreadable(f"the body is not valid JSON: {why} (line {line}, column {column})")


def too_deep(parts: Iterable[tuple[Location, Any]]) -> list[Location]:
    """Those of the parts of a body that are nested too deep to be handled, though they could be read."""
    return [location for location, value in parts if _deeper_than(value, MAX_LEVELS)]


def _deeper_than(value: Any, levels: int) -> bool:
    """True if lists and objects lie in each other in more than so many levels. Deep values cost no recursion."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [part for part in layer if isinstance(part, dict | list)]
        if not layer:
            return False
        layer = [inner for part in layer for inner in (part.values() if isinstance(part, dict) else part)]
    return True


def _walk(value: Any) -> Iterator[tuple[Location, Any]]:
    """Every value inside of `value`, itself first, with the way to it."""
    rest: list[tuple[Location, Any]] = [((), value)]
    while rest:
        path, part = rest.pop()
        yield path, part
        inner: Any = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        rest += reversed([((*path, step), below) for step, below in inner])


def path_of(location: Location, numbered: bool = True) -> str:
    """The way to a value as a user writes it: `scenes[0].duration`, or `scenes[].duration` for any number."""
    steps = (f".{step}" if isinstance(step, str) else f"[{step}]" if numbered else "[]" for step in location)
    return "".join(steps).removeprefix(".")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8 text (byte {error.start + 1})") from None
