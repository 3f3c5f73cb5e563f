"""What was measured of real films, for simulations to begin with. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.scaling.films import Film


@dataclass(frozen=True)
class Timing:
    """What goes on between steps, and how wide they are."""

    decide: float
    "Seconds from the end of a step until what follows it is ready, without the look itself."
    pickup: float
    "Seconds from then until a free worker begins it."
    widths: Mapping[str, float]
    "Cores that a step can use at once, by kind."


@dataclass(frozen=True)
class Trial:
    """A crowd of small films that was really made by some renderers with one slot each, on one machine."""

    renderers: int
    cores: float
    "Cores that the workers had on average; others used the machine, too."
    seconds: float
    "From the first request to the end of the last film."
    films: Sequence[float]
    "Seconds of each film, from its request to its end."
    timing: Timing


@dataclass(frozen=True)
class Recorded:
    """All that was measured."""

    about: Mapping[str, Any]
    "The machine, and how much of it there was."
    timing: Timing
    films: Sequence[Film]
    crowd: Sequence[Film]
    "The films of the trials."
    trials: Sequence[Trial]
