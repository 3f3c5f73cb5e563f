"""Rules of regenerate: from a wish for another picture to edits of the shots of a scene."""

from collections.abc import Iterator, Sequence
from typing import Any

from api.edit.choices import Choices
from api.errors import Conflict, FieldError
from api.views.film_state import shown_in
from common.contracts.edit import RegenerateRequest, ShotEdit
from common.contracts.storyboard import Scene, Shot


def regenerate_errors(scene: Scene, wanted: RegenerateRequest, choices: Choices) -> Iterator[FieldError]:
    """Every fault of the wish. Of a shot that is not there all are meant, so that the rest can be looked at."""
    if not _named(scene, wanted):
        names = ", ".join(shot.id for shot in scene.shots)
        yield FieldError("shot", f"scene {scene.id} has no shot {wanted.shot}; it has {names}")
    shots = _named(scene, wanted) or scene.shots
    if wanted.candidate is not None and (wanted.query is not None or wanted.seed is not None):
        yield FieldError("candidate", "give either a candidate, or a query or seed to find another one with")
    elif wanted.candidate is not None:
        yield from _of_candidate(shots, wanted.candidate, choices)
    elif _only_reseeded(wanted) and not _painted(shots, choices):
        yield FieldError("seed", choices.unpainted(shots[0]))


def regenerated_shots(scene: Scene, wanted: RegenerateRequest, choices: Choices) -> tuple[ShotEdit, ...]:
    """The candidate that is named, another painting, or something else than what is shown. The wish has no fault.

    Raises `Conflict` while the scene shows nothing yet.
    """
    shots = _named(scene, wanted)
    if wanted.candidate is not None:
        return (ShotEdit(id=_found_for(shots, wanted.candidate, choices)[0], candidate=wanted.candidate),)
    if wanted.query is None and not all(shown_in(choices.cast, shot) for shot in shots):
        raise Conflict("not_finished", f"scene {scene.id} shows nothing yet; wait until its footage is chosen")
    if _only_reseeded(wanted):
        return tuple(ShotEdit(id=shot.id, seed=wanted.seed) for shot in _painted(shots, choices))
    given: dict[str, Any] = {"another": True, "show": wanted.query, "seed": wanted.seed}
    given = {name: value for name, value in given.items() if value is not None}
    return tuple(ShotEdit(id=shot.id, **given) for shot in shots)


def _named(scene: Scene, wanted: RegenerateRequest) -> list[Shot]:
    """The shots that are meant; all of the scene unless one is named."""
    return [shot for shot in scene.shots if wanted.shot in (None, shot.id)]


def _only_reseeded(wanted: RegenerateRequest) -> bool:
    return wanted.seed is not None and wanted.query is None


def _of_candidate(shots: Sequence[Shot], candidate: str, choices: Choices) -> Iterator[FieldError]:
    found = _found_for(shots, candidate, choices)
    if len(found) > 1:
        yield FieldError("shot", f"the candidate was found for {', '.join(found)}; say for which it is meant")
    elif error := choices.unfit("candidate", (found or [shots[0].id])[0], candidate):
        yield error


def _found_for(shots: Sequence[Shot], candidate: str, choices: Choices) -> list[str]:
    """The shots that the candidate was found for."""
    return [shot.id for shot in shots if choices.was_found(shot.id, candidate)]


def _painted(shots: Sequence[Shot], choices: Choices) -> list[Shot]:
    """Those of the shots that another seed changes."""
    return [shot for shot in shots if not choices.unpainted(shot)]
