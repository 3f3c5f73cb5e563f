"""Casting: one candidate per shot, over the whole film. Pure.

No clip twice while there is another, no two neighbours by one creator if it can be helped, and a shot
that had its candidate keeps it.
"""

import hashlib
from collections.abc import Mapping, Sequence

from common.contracts.footage import Candidate, Provenance, SceneryRecipe

REPEAT = 2.0
"Cost of a clip that is in the film already: more than any difference in score."
SAME_CREATOR_NEXT = 0.15
SAME_CREATOR = 0.03


def cast(
    shots: Sequence[str],
    candidates: Mapping[str, Sequence[Candidate]],
    kept: Mapping[str, str],
    rejected: Mapping[str, Sequence[str]],
) -> dict[str, Candidate]:
    """Chooses for every shot. `kept` names earlier choices (ids), `rejected` those that proved unusable."""
    # What proved unusable for one shot is so for all.
    unusable = {name for names in rejected.values() for name in names}
    usable = {
        shot: [one for one in candidates.get(shot, ()) if one.id not in unusable] or [last_resort(shot)]
        for shot in shots
    }
    chosen = {shot: one for shot in shots for one in usable[shot] if one.id == kept.get(shot)}
    # Whoever has least to choose from chooses first; ties in the order of the film.
    for shot in sorted((shot for shot in shots if shot not in chosen), key=lambda name: len(usable[name])):
        chosen[shot] = max(usable[shot], key=lambda one: one.score - _cost(one, shot, shots, chosen))
    return chosen


def last_resort(shot: str) -> Candidate:
    """Scenery for a shot nobody has anything for."""
    seed = int(hashlib.sha256(shot.encode()).hexdigest()[:7], 16)
    return Candidate(
        id=f"scenery:abstract:day:{seed}",
        kind="scenery",
        score=0.0,
        scenery=SceneryRecipe(theme="abstract", light="day", seed=seed),
        provenance=Provenance(provider="scenery", licence="generated"),
    )


def _cost(one: Candidate, shot: str, shots: Sequence[str], chosen: Mapping[str, Candidate]) -> float:
    place = shots.index(shot)
    cost = 0.0
    for other_shot, other in chosen.items():
        if other.id == one.id:
            cost += REPEAT
        elif one.provenance.creator and other.provenance.creator == one.provenance.creator:
            next_to = abs(shots.index(other_shot) - place) == 1
            cost += SAME_CREATOR_NEXT if next_to else SAME_CREATOR
    return cost
