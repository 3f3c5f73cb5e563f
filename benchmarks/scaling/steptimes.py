"""The file in which measured step times are kept, in the repository."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.report import NotMeasured
from benchmarks.scaling.films import Film
from benchmarks.scaling.recorded import Recorded, Timing, Trial
from common.contracts.names import StepName

FILE = Path(__file__).with_name("steps.json")
DIGITS = 3
"Seconds are kept to a thousandth."


def load(path: Path = FILE) -> Recorded:
    """Raises `NotMeasured` if nothing was measured yet."""
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise NotMeasured(
            f"there are no step times in {path}; measure them with ./reel bench scaling --measure"
        ) from None
    trials = [Trial(**{**one, "timing": Timing(**one["timing"])}) for one in data["trials"]]
    crowd, films = ([_film(one) for one in data[name]] for name in ("crowd", "films"))
    return Recorded(data["about"], Timing(**data["timing"]), films, crowd, trials)


def save(recorded: Recorded, path: Path = FILE) -> None:
    data = {
        "about": dict(recorded.about),
        "timing": asdict(recorded.timing),
        "films": [_plain(film) for film in recorded.films],
        "crowd": [_plain(film) for film in recorded.crowd],
        "trials": [asdict(one) for one in recorded.trials],
    }
    path.write_text(json.dumps(_rounded(data), indent=1) + "\n")


def _film(data: Mapping[str, Any]) -> Film:
    work = {StepName(name): seconds for name, seconds in data["work"].items()}
    return Film(data["name"], data["seconds"], work, data["transitions"], data["megabytes"])


def _plain(film: Film) -> dict[str, Any]:
    plain = {"name": film.name, "seconds": film.seconds, "transitions": film.transitions}
    return {**plain, "megabytes": film.megabytes, "work": dict(film.work)}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else value
