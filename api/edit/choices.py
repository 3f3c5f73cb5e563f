"""Choices for a shot: the candidates it may show, and whether another seed would change it. Pure, but for the reader
of candidates that it is given.
"""

from collections.abc import Callable, Sequence

from api.errors import Cure, FieldError, Remedy
from api.views.film_state import shown_in, unusable
from common.contracts.edit import Changes
from common.contracts.footage import OWN, SCENERY, Candidate
from common.contracts.names import scene_id_of
from common.contracts.steps import CastFacts
from common.contracts.storyboard import Shot


class Choices:
    """The choices for the shots of one job. `candidates` reads what was found for a shot."""

    def __init__(self, job_id: str, cast: CastFacts, candidates: Callable[[str], Sequence[Candidate]]) -> None:
        self._job_id, self.cast, self._candidates = job_id, cast, candidates

    def was_found(self, shot: str, candidate: str) -> bool:
        return candidate in self._found(shot)

    def unfit(self, field: str, shot: str, candidate: str) -> FieldError | None:
        """The reason why the shot cannot show the candidate that `field` names; None if it can."""
        found = self._found(shot)
        if candidate not in found:
            message = f"is none of the {len(found)} candidates found for {shot}"
            cure = Cure(Remedy.LIST_CANDIDATES, self._job_id, scene=scene_id_of(shot))
            return FieldError(field, message, cure)
        if why := unusable(self.cast, shot, candidate).rstrip("."):
            return FieldError(field, f'proved unusable: {why}; give "avoid": null for the shot, and it is tried again')
        return None

    def unpainted(self, shot: Shot) -> str:
        """The reason why another seed would not change the shot; empty when it would, or when nobody knows yet."""
        shown = shown_in(self.cast, shot)
        if not shown or shown.startswith(SCENERY):
            return ""
        what = "media of your own" if shown.startswith(OWN) else shown
        return (
            f"changes generated scenery only, and {shot.id} shows {what}; give a candidate, or a query to search with"
        )

    def _found(self, shot: str) -> list[str]:
        return [candidate.id for candidate in self._candidates(shot)]


def forgiving(cast: CastFacts, changes: Changes) -> CastFacts:
    """The casting without the rejections that the changes want tried again."""
    forgiven = {edit.id for edit in changes.shots if edit.forgives}
    rejected = {shot: rejections for shot, rejections in cast.rejected.items() if shot not in forgiven}
    return CastFacts(chosen=cast.chosen, rejected=rejected)
