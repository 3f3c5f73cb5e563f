"""Which packages a service imports while it works, as Python itself tells it, against those its image lists."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OWNERS = "import importlib.metadata, json; print(json.dumps(importlib.metadata.packages_distributions()))"
"A program that prints which packages own each importable name, as JSON."
NOT_IMPORTED = ("# files only", "# with a model only")
"Comments in these lists: a package that holds no code, and one that is imported where a model is configured."
LINE = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\w+)", re.M)
"What Python writes for each module it imports: two times in microseconds, and the name."


def watched(services: Iterable[str]) -> dict[str, Any]:
    """A compose file that has every process of these services tell what it imports."""
    return {"services": {name: {"environment": {"PYTHONPROFILEIMPORTTIME": "1"}} for name in services}}


def seen(logs: str, owners: Mapping[str, list[str]]) -> set[str]:
    """The packages that own a module named in the logs."""
    return {_plain(owner) for name in set(LINE.findall(logs)) for owner in owners.get(name, [])}


def without(logs: str) -> str:
    """The logs as they would be without the watching."""
    return "".join(line for line in logs.splitlines(keepends=True) if "import time:" not in line)


def listed(folder: Path, service: str) -> set[str]:
    """The packages with code in the list of an image, and in those it names."""
    lines = (folder / f"{service}.txt").read_text().split("\n")
    named = [line for line in lines if line and not line.startswith(("-", "#"))]
    own = {_plain(line) for line in named if not any(mark in line for mark in NOT_IMPORTED)}
    return own.union(*(listed(folder, line[3:].removesuffix(".txt")) for line in lines if line.startswith("-r ")))


def _plain(name: str) -> str:
    """Names of packages are the same in any case and with any of the three signs between their words."""
    return re.sub(r"[-_.]+", "-", name).lower()
