"""Rules of regenerate: from a wish for another picture to edits of the shots of a scene."""

from collections.abc import Sequence
from typing import Any

from api.edit.choices import Choices
from api.errors import Conflict, FieldError, InvalidFields
from api.views.film_state import shown_in
from common.contracts.edit import RegenerateRequest, ShotEdit
from common.contracts.storyboard import Scene, Shot


def regenerated_shots(scene: Scene, wanted: RegenerateRequest, choices: Choices) -> tuple[ShotEdit, ...]:
    """The candidate that is named, another painting, or something else than what is shown.

    Raises `InvalidFields` for a wish that cannot be granted, `Conflict` while the scene shows nothing yet.
    """
    shots = _named_shots(scene, wanted)
    if wanted.candidate is not None:
        return (_chosen_shot(shots, wanted.candidate, choices),)
    if wanted.query is None and not all(shown_in(choices.cast, shot) for shot in shots):
        raise Conflict("not_finished", f"scene {scene.id} shows nothing yet; wait until its footage is chosen")
    if wanted.query is None and wanted.seed is not None:
        return tuple(ShotEdit(id=shot.id, seed=wanted.seed) for shot in _painted(shots, choices))
    given: dict[str, Any] = {"another": True, "show": wanted.query, "seed": wanted.seed}
    given = {name: value for name, value in given.items() if value is not None}
    return tuple(ShotEdit(id=shot.id, **given) for shot in shots)


def _named_shots(scene: Scene, wanted: RegenerateRequest) -> list[Shot]:
    """The shots that are meant; all of the scene unless one is named."""
    shots = [shot for shot in scene.shots if wanted.shot in (None, shot.id)]
    if wanted.shot is not None and not shots:
        names = ", ".join(shot.id for shot in scene.shots)
        raise InvalidFields([FieldError("shot", f"scene {scene.id} has no shot {wanted.shot}; it has {names}")])
    if wanted.candidate is not None and (wanted.query is not None or wanted.seed is not None):
        message = "give either a candidate, or a query or seed to find another one with"
        raise InvalidFields([FieldError("candidate", message)])
    return shots


def _chosen_shot(shots: Sequence[Shot], candidate: str, choices: Choices) -> ShotEdit:
    """The candidate, in the shot that it was found for."""
    names = [shot.id for shot in shots]
    fitting = [name for name in names if choices.was_found(name, candidate)]
    if len(fitting) > 1:
        message = f"the candidate was found for {', '.join(fitting)}; say for which it is meant"
        raise InvalidFields([FieldError("shot", message)])
    shot = (fitting or names)[0]
    if error := choices.unfit("candidate", shot, candidate):
        raise InvalidFields([error])
    return ShotEdit(id=shot, candidate=candidate)


def _painted(shots: Sequence[Shot], choices: Choices) -> list[Shot]:
    """Those of the shots that another seed changes; there must be one."""
    painted = [shot for shot in shots if not choices.unpainted(shot)]
    if not painted:
        raise InvalidFields([FieldError("seed", choices.unpainted(shots[0]))])
    return painted
