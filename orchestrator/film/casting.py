"""Casting: one candidate per shot, over the whole film. Pure.

The user's choice plays. No clip appears twice while there is another, no two neighbours are by one creator
if it can be helped, and a shot that had its candidate keeps it.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from common.contracts.footage import Candidate, Painted, Provenance, SceneryRecipe, is_pick
from common.contracts.sources import SCENERY

REPEAT = 2.0
"Cost of a clip that is in the film already: more than any difference in score."
SAME_CREATOR_NEXT = 0.15
SAME_CREATOR = 0.03


@dataclass(frozen=True)
class Call:
    """A shot to be cast. Candidates are named by their ids."""

    shot: str
    candidates: Sequence[Candidate]
    kept: str | None = None
    "The earlier choice."
    pick: str | None = None
    "The user's choice."
    avoid: Collection[str] = ()
    "Candidates the user does not want to see again; played only if there is nothing else."
    rejected: Collection[str] = ()
    "Candidates that proved unusable."
    scenery_only: bool = False
    seed: int | None = None
    "Seed of the shot's painted pictures, if the user gave one."


def cast(calls: Sequence[Call]) -> dict[str, Candidate]:
    """Chooses a candidate for every shot; `calls` are in the order of the film."""
    usable = {call.shot: _usable(call) for call in calls}
    places = {call.shot: place for place, call in enumerate(calls)}
    film = _Film(len(calls))
    chosen: dict[str, Candidate] = {}
    for call in calls:
        for one in usable[call.shot]:
            if one.id == call.kept:
                chosen[call.shot] = one
                film.take(places[call.shot], one)
                break
    # The shot with the fewest candidates chooses first; ties in the order of the film.
    for shot in sorted((shot for shot in usable if shot not in chosen), key=lambda name: len(usable[name])):
        place = places[shot]
        chosen[shot] = max(usable[shot], key=lambda one, place=place: one.score - film.cost(place, one))  # type: ignore[misc]
        film.take(place, chosen[shot])
    return chosen


def last_resort(shot: str, seed_of_user: int | None = None) -> Candidate:
    """Scenery for a shot that no source has anything for."""
    name = shot if seed_of_user is None else f"{shot}/{seed_of_user}"
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:7], 16)
    return Candidate(
        id=f"scenery:abstract:day:{seed}",
        kind="scenery",
        score=0.0,
        origin=Painted(recipe=SceneryRecipe(theme="abstract", light="day", seed=seed)),
        provenance=Provenance(provider=SCENERY, licence="generated"),
    )


def _usable(call: Call) -> Sequence[Candidate]:
    fit = [one for one in call.candidates if one.id not in call.rejected and (one.painted or not call.scenery_only)]
    picked = [one for one in fit if call.pick is not None and is_pick(call.pick, one.id)]
    liked = [one for one in fit if one.id not in call.avoid]
    return picked or liked or fit or [last_resort(call.shot, call.seed)]


class _Film:
    """The film so far, counted so that the cost of one more clip does not depend on the length of the film."""

    def __init__(self, shots: int) -> None:
        self._places: list[Candidate | None] = [None] * shots
        self._clips: Counter[str] = Counter()
        self._creators: Counter[str] = Counter()
        self._both: Counter[tuple[str, str]] = Counter()

    def take(self, place: int, one: Candidate) -> None:
        creator = one.provenance.creator
        self._places[place] = one
        self._clips[one.id] += 1
        self._creators[creator] += 1
        self._both[one.id, creator] += 1

    def cost(self, place: int, one: Candidate) -> float:
        """The deduction from the score of `one` for showing it at `place`."""
        creator = one.provenance.creator
        repeats = self._clips[one.id]
        if not creator:
            return REPEAT * repeats
        others = self._creators[creator] - self._both[one.id, creator]
        neighbours = self._places[max(0, place - 1) : place + 2]
        near = sum(
            other is not None and other.provenance.creator == creator and other.id != one.id for other in neighbours
        )
        return REPEAT * repeats + SAME_CREATOR_NEXT * near + SAME_CREATOR * (others - near)
