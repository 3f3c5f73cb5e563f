"""The schedule of faults: pure, and the same for the same seed."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One fault to come. `luck` chooses among the victims that exist when its time has come."""

    kind: str
    at: float
    "Seconds after the start."
    lasts: float
    "Seconds; 0 for a fault of a moment."
    luck: int


class Habit(NamedTuple):
    """The pattern of faults of one kind."""

    part: str
    "The part it hits. One part has one lasting fault at a time."
    share: int
    lasts: tuple[float, float] = (0.0, 0.0)
    "Shortest and longest, in seconds."


def schedule(seed: int, seconds: float, gap: float, habits: Mapping[str, Habit]) -> tuple[Fault, ...]:
    """Faults in order of time, `gap` seconds apart on average. All have ended after `seconds`.

    Kinds are drawn from a shuffled deck that holds each of them `share` times, so a short run has met nearly all.
    """
    rng = random.Random(f"faults/{seed}")
    faults: list[Fault] = []
    deck: list[str] = []
    free: dict[str, float] = {}
    at = rng.uniform(0.5, 1.5) * gap
    while at < seconds:
        deck = deck or _shuffled(rng, habits)
        kind = deck.pop()
        habit = habits[kind]
        start, lasts = max(at, free.get(habit.part, 0.0)), rng.uniform(*habit.lasts)
        luck = rng.getrandbits(32)
        if start + lasts <= seconds:
            faults.append(Fault(kind, start, lasts, luck))
            free[habit.part] = start + lasts + gap / 2
        at += rng.uniform(0.5, 1.5) * gap
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _shuffled(rng: random.Random, habits: Mapping[str, Habit]) -> list[str]:
    deck: Sequence[str] = [kind for kind, habit in habits.items() for _ in range(habit.share)]
    return rng.sample(deck, len(deck))
