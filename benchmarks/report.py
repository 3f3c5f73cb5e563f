"""The report of a benchmark: tables for people, the same as JSON, and checks of figures that must not grow."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from infra.local import redis_server

ROOT = Path(__file__).resolve().parent.parent
Row = Mapping[str, float | str]
"Values by the heading of their column; the first column says what was measured."
Say = Callable[[str], None]
"Takes a line about the progress."


class NotMeasured(Exception):
    """A measurement failed. The message says which, and why as far as that is known."""


class Scope(NamedTuple):
    """The extent of a measurement."""

    quick: bool = False
    "Small counts and small pictures, to see that it works; times are not judged."
    pairs: int | None = None
    "Rounds in which the things compared are measured in turn; None: as many as the benchmark finds right."
    data: Path = ROOT / ".reel" / "bench"
    "Folder in which generated footage is kept and everything works."
    measure: bool = False
    "Measure anew what a benchmark keeps in the repository."


class Table(NamedTuple):
    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Check:
    """A figure that may not be higher than a limit."""

    what: str
    figure: float
    most: float

    @property
    def passed(self) -> bool:
        return self.figure <= self.most

    def text(self) -> str:
        verdict = "ok    " if self.passed else "FAILED"
        return f"{verdict}  {self.what}: {self.figure:.2f} (at most {self.most:g})"


@dataclass(frozen=True)
class Report:
    tables: Sequence[Table]
    checks: Sequence[Check]
    details: Mapping[str, Any] = field(default_factory=dict)
    "Every single figure that the tables are made of, for those who read the JSON."

    def text(self) -> str:
        tables = [f"{table.title}\n{_text(table.rows)}" for table in self.tables]
        checks = ["\n".join(check.text() for check in self.checks)] if self.checks else []
        return "\n\n".join([*tables, *checks])

    def as_json(self) -> dict[str, Any]:
        tables = [{"title": table.title, "rows": [dict(row) for row in table.rows]} for table in self.tables]
        checks = [asdict(check) | {"passed": check.passed} for check in self.checks]
        return {"tables": tables, "checks": checks, "details": dict(self.details)}


def growth(table: Table, column: str, most: float) -> Check:
    """A check of the largest factor by which the column grows from any row to a later one."""
    values = [float(row[column]) for row in table.rows]
    grown = [value / min(values[: index + 1]) for index, value in enumerate(values)]
    return Check(f"{table.title}: {column} grows by a factor of", max(grown), most)


def highest(table: Table, column: str, most: float) -> Check:
    return Check(f"{table.title}: {column}", max(float(row[column]) for row in table.rows), most)


def machine() -> dict[str, Any]:
    """The facts a figure depends on."""
    version = subprocess.run([redis_server(), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "redis": version.partition("v=")[2].partition(" ")[0],
        "commit": _git("describe", "--always", "--dirty"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(*arguments: str) -> str:
    """The answer of git; empty outside a repository."""
    try:
        found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _text(rows: Sequence[Row]) -> str:
    heads = list(rows[0])
    lines = [heads, *([_number(row[head]) for head in heads] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    words = isinstance(rows[0][heads[0]], str)
    return "\n".join(_line(line, widths, words) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], words: bool) -> str:
    """Aligns numbers right, and words in the first column left."""
    first = cells[0].ljust(widths[0]) if words else cells[0].rjust(widths[0])
    return "  ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))])


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def say_to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
