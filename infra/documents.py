"""The documents that are made from the declarations of settings: `.env.example` and docs/configuration.md."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from common.settings import Settings
from common.settings.declared import GROUPS, SERVICES, STORE, WORKERS
from common.settings.reading import FILE, about, accepts

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 118
READERS: Mapping[tuple[str, ...], str] = {STORE: "all", SERVICES: "all", WORKERS: "workers"}
EXAMPLE = (
    "Every setting, with its default. Copy this file to `.env` beside `reel`, take the # from the lines you need and "
    "change their values. `./reel up` and `./reel make` read it; what is set in the environment itself goes first. A "
    "service that is started by itself (`python -m renderer.main`) reads the environment only.",
    "docs/configuration.md explains more, `./reel settings` shows what applies. This file is made from "
    "common/settings/declared.py by `./reel settings --write`.",
)
PAGE = ROOT / "docs" / "configuration.md"
BEGIN, END = "<!-- settings -->\n", "<!-- end of settings -->\n"
"In the page, the tables stand between these lines."


def documents() -> dict[Path, str]:
    """The texts by their places."""
    return {ROOT / ".env.example": env_example(), PAGE: configuration_page(PAGE.read_text())}


def env_example() -> str:
    """The text of `.env.example`."""
    parts = ["\n#\n".join(map(_comment, EXAMPLE))]
    for group, note in GROUPS.items():
        title = f"# -- {group[0].lower()}{group[1:]} "
        parts.append(title + "-" * (WIDTH - len(title)) + (f"\n{_comment(note)}" if note else ""))
        parts += [_example_of(one) for one in _group(group)]
    return "\n\n".join(parts) + "\n"


def configuration_page(page: str) -> str:
    """The text of docs/configuration.md, with the tables in it made anew."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{PAGE.name} must have the lines {BEGIN.strip()} and {END.strip()}")
    tables = "\n".join(_table(group, note) for group, note in GROUPS.items())
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def value_text(value: object) -> str:
    """A default as it would be written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _group(group: str) -> Iterator["Field[Any]"]:
    return (one for one in fields(Settings) if about(one).group == group)


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)


def _example_of(declared: "Field[Any]") -> str:
    name, default, unit = declared.name.upper(), value_text(declared.default), accepts(Settings)[declared.name].unit
    words = about(declared).meaning + (f" In {unit}." if unit else "") + _other_names(declared, "")
    return f"{_comment(words)}\n{f'#{name}={default}' if default else f'{name}='}"


def _table(group: str, note: str) -> str:
    head = "| variable | default | accepts | unit | meaning | read by |\n|---|---|---|---|---|---|"
    rows = "\n".join(_row(one) for one in _group(group))
    return f"## {group}\n\n{note}{chr(10) * 2 if note else ''}{head}\n{rows}\n"


def _row(declared: "Field[Any]") -> str:
    said, default, accepted = about(declared), value_text(declared.default), accepts(Settings)[declared.name]
    cells = [
        f"`{declared.name.upper()}`" + (" (secret)" if said.secret else ""),
        f"`{default}`" if default else "",
        accepted.words,
        accepted.unit,
        said.meaning + _other_names(declared, "`"),
        READERS.get(said.readers, ", ".join(said.readers)),
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _other_names(declared: "Field[Any]", quote: str) -> str:
    said = about(declared)
    also = "".join(f" Also {quote}{name}{quote}." for name in said.aliases)
    return also + (f" Or in a file: {quote}{declared.name.upper()}{FILE}{quote}." if said.secret else "")
