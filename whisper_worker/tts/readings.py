"""How written words are read aloud: clock times, years, money, dates, ranges and units. English only, so far. Pure.

A phonemiser reads numbers digit by digit or as a plain count; what people say depends on what the number is. Each
word is read by itself, with a look at its neighbours, so that the words as written keep their times.
"""

import calendar
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from num2words import num2words

MONTHS = {name[:3]: name for name in map(str.lower, calendar.month_name) if name}
MONEY = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
SCALES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
UNITS = {
    "km": "kilometers",
    "cm": "centimeters",
    "mm": "millimeters",
    "kg": "kilograms",
    "mph": "miles per hour",
    "km/h": "kilometers per hour",
    "°c": "degrees Celsius",
    "°f": "degrees Fahrenheit",
    "°": "degrees",
    "kb": "kilobytes",
    "mb": "megabytes",
    "gb": "gigabytes",
    "tb": "terabytes",
    "hz": "hertz",
    "khz": "kilohertz",
    "mhz": "megahertz",
    "ghz": "gigahertz",
}
FRACTIONS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}
ABBREVIATIONS = {
    "vs": "versus",
    "approx": "approximately",
    "w/": "with",
    "w/o": "without",
    "e.g": "for example",
    "i.e": "that is",
    "etc": "et cetera",
    "inc": "Incorporated",
    "ltd": "Limited",
    "dept": "Department",
    "ave": "Avenue",
    "fig": "figure",
    "vol": "volume",
    "est": "established",
}
"Without the last dot."
TITLES = {
    "dr": "Doctor",
    "mr": "Mister",
    "mrs": "Missus",
    "ms": "Miz",
    "prof": "Professor",
    "st": "Saint",
    "gen": "General",
    "sen": "Senator",
    "gov": "Governor",
    "capt": "Captain",
    "lt": "Lieutenant",
    "sgt": "Sergeant",
    "rev": "Reverend",
    "mt": "Mount",
}
"Before a name."
STOPS = frozenset(".,;:!?…\"'()")
"A word of these alone is not read; elsewhere they say how to."
EDGES = re.compile(r"([\"'“‘(\[]*)(.*?)([\"'”’)\].,;:!?…]*)", re.DOTALL)
"What stands before and after the part of a word that is read."
HALF_DAY = re.compile(r"(?P<number>\d{1,2})?(?P<half>[ap]\.?m)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
YEARS = r"1[1-9]\d\d|20[1-9]\d"


class _Place(NamedTuple):
    """A word with its neighbours, without what stands around them; small letters."""

    before: str
    word: str
    after: str


def readings(words: Sequence[str], language: str) -> list[str]:
    """What to read for each word: the word itself, but for those that would be misread.

    Words of other languages than English stay as they are. Control characters, which a phonemiser may take for
    commands, are left out of all, and stops that stand alone.
    """
    clean = [_cleaned(word) for word in words]
    if language.partition("-")[0].lower() != "en":
        return clean
    parts = [_split(word) for word in clean]
    cores = ["", *(core.lower() for _, core, _ in parts), ""]
    return [_read(part, _Place(*cores[number : number + 3])) for number, part in enumerate(parts)]


def _cleaned(word: str) -> str:
    """Without what is not to be read; a pair of brackets would make phonemes of what stands in them."""
    if all(sign in STOPS for sign in word):
        return ""
    return "".join(sign for sign in word if sign.isprintable()).replace("[[", "[ [")


def _split(word: str) -> tuple[str, str, str]:
    found = EDGES.fullmatch(word)
    return (found[1], found[2], found[3]) if found is not None else ("", word, "")


def _read(part: tuple[str, str, str], place: _Place) -> str:
    short = _written_out(part, place)
    if short is not None:
        return short
    for pattern, read in RULES:
        found = pattern.fullmatch(place.word)
        said = read(found, place) if found is not None else None
        if said is not None:
            return f"{part[0]}{said}{part[2]}"
    return "".join(part)


def _written_out(part: tuple[str, str, str], place: _Place) -> str | None:
    """A word that was shortened, without the dot, at which a voice would pause; None for any other.

    The dot stays where nothing follows: it may end the sentence as well.
    """
    rest = part[2].removeprefix(".") if place.after else part[2]
    name, dotted = place.word, part[2].startswith(".")
    if name in ABBREVIATIONS and (dotted or name in ("vs", "w/", "w/o")):
        return f"{part[0]}{ABBREVIATIONS[name]}{rest}"
    if name in TITLES and dotted and place.after[:1].isalpha():
        return f"{part[0]}{TITLES[name]}{rest}"
    if name in MONTHS and dotted and place.after[:1].isdigit():
        return f"{part[0]}{MONTHS[name]}{rest}"
    if name == "no" and dotted and place.after[:1].isdigit():
        return f"{part[0]}number{rest}"
    half = HALF_DAY.fullmatch(name)
    if half is not None and dotted and (half["number"] or place.before[-1:].isdigit()):
        return f"{part[0]}{_half_day(half)}{rest}"
    return None


def _number(text: str) -> str:
    """Of digits with commas between thousands and a decimal point, in words."""
    whole, _, rest = text.replace(",", "").partition(".")
    said = _plain(num2words(int(whole)))
    return f"{said} point {' '.join(_plain(num2words(int(sign))) for sign in rest)}" if rest else said


def _plain(said: str) -> str:
    """Without commas, at which a voice would pause."""
    return said.replace(",", "").replace("-", " ")


def _year(text: str) -> str:
    return _plain(num2words(int(text), to="year"))


def _clock(found: re.Match[str], place: _Place) -> str | None:
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 24 or minute > 59:
        return None
    half = {"a": "A M", "p": "P M"}.get((found["half"] or "")[:1], "")
    followed = place.after.replace(".", "") in ("am", "pm", "o'clock", "hours")
    if minute:
        said = f"{_number(str(hour))} {'oh ' if minute < 10 else ''}{_number(str(minute))}"
    elif 1 <= hour <= 12:
        said = _number(str(hour)) + ("" if half or followed else " o'clock")
    else:
        said = f"{_number(str(hour))} hundred" if hour else "midnight"
    return f"{said} {half}".rstrip()


def _half_day(found: re.Match[str]) -> str:
    said = "A M" if found["half"].startswith("a") else "P M"
    return f"{_number(found['number'])} {said}" if found["number"] is not None else said


def _half_day_of_number(found: re.Match[str], place: _Place) -> str | None:
    return _half_day(found) if found["number"] or place.before[-1:].isdigit() else None


def _money(found: re.Match[str], place: _Place) -> str | None:
    unit, part = MONEY[found["sign"]]
    amount, scale = found["amount"], SCALES.get(found["scale"] or "")
    if scale is not None:
        return f"{_number(amount)} {scale} {unit}s"
    if place.after in SCALES.values():
        return _number(amount)
    whole, _, rest = amount.replace(",", "").partition(".")
    said = f"{_number(whole)} {_counted(unit, int(whole))}"
    if len(rest) == 2 and int(rest):
        return f"{said} and {_number(rest)} {_counted(part, int(rest))}"
    return said if not rest or not int(rest) else f"{_number(amount)} {unit}s"


def _counted(unit: str, number: int) -> str:
    if number == 1:
        return unit
    return "pence" if unit == "penny" else f"{unit}s"


def _scale_of_money(found: re.Match[str], place: _Place) -> str | None:
    """`million` after `$3`."""
    sign = MONEY.get(place.before[:1])
    return f"{found[0]} {sign[0]}s" if sign is not None and re.search(r"\d$", place.before) else None


def _single_year(found: re.Match[str], place: _Place) -> str | None:
    return None if place.after in UNITS or place.before[:1] in MONEY else _year(found[0])


def _decade(found: re.Match[str], place: _Place) -> str:
    said = _year(found["year"]) if len(found["year"]) == 4 else _number(found["year"])
    return re.sub(r"y$", "ie", said) + "s"


def _range(found: re.Match[str], place: _Place) -> str:
    ends = [found["one"], found["other"]]
    years = all(re.fullmatch(YEARS, end) for end in ends)
    return " to ".join(_year(end) if years else _number(end) for end in ends)


def _day(found: re.Match[str], place: _Place) -> str | None:
    """`1` in `May 1` and in `1 May`."""
    day = int(found[0])
    if not 1 <= day <= 31:
        return None
    if _is_month(place.before):
        return _plain(num2words(day, to="ordinal"))
    if _is_month(place.after):
        return ("" if place.before == "the" else "the ") + _plain(num2words(day, to="ordinal")) + " of"
    return None


def _is_month(word: str) -> bool:
    return word in MONTHS or word in MONTHS.values()


def _measure(found: re.Match[str], place: _Place) -> str | None:
    unit = UNITS.get(found["unit"])
    return f"{_number(found['number'])} {unit}" if unit is not None else None


def _unit(found: re.Match[str], place: _Place) -> str | None:
    return UNITS.get(found[0]) if NUMBER.fullmatch(place.before) else None


Rule = tuple[re.Pattern[str], Callable[[re.Match[str], _Place], str | None]]
RULES: Sequence[Rule] = (
    (re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?P<half>[ap]\.?m?\.?)?"), _clock),
    (HALF_DAY, _half_day_of_number),
    (re.compile(rf"(?P<sign>[$€£])(?P<amount>{NUMBER.pattern})(?P<scale>k|m|bn|b|tn)?"), _money),
    (re.compile("thousand|million|billion|trillion"), _scale_of_money),
    (re.compile(YEARS), _single_year),
    (re.compile(rf"'?(?P<year>{YEARS}|2000|[2-9]0)'?s"), _decade),
    (re.compile(r"(?P<one>\d{1,4})[-–](?P<other>\d{1,4})"), _range),
    (re.compile(r"\d{1,2}"), _day),
    (re.compile("|".join(FRACTIONS)), lambda found, place: FRACTIONS[found[0]]),
    (re.compile(rf"(?P<number>{NUMBER.pattern})(?P<unit>\D+)"), _measure),
    (re.compile(r"[a-z°][a-z°/]*"), _unit),
)
"In order: the first that has an answer is taken."
