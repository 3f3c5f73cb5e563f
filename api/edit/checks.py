"""Checks of an edit against the storyboard it was made for. Pure; faults are named as the user wrote the fields."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from api.edit.choices import Choices
from api.errors import FieldError
from common.contracts.edit import Changes, SceneEdit, ShotEdit
from common.contracts.names import scene_id_of
from common.contracts.request import MAX_SCENES, MAX_SCRIPT_CHARS, MediaRef
from common.contracts.steps import CastFacts
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard, said_over
from common.prose import tidied


def edit_errors(changes: Changes, storyboard: Storyboard, choices: Choices) -> list[FieldError]:
    """Every fault of the changes."""
    known = {scene.id: scene for scene in storyboard.scenes}
    stay = {name: scene for name, scene in known.items() if name not in changes.drop}
    return list(
        chain(
            _of_names("drop", changes.drop, known),
            _of_order(changes.order, list(stay)),
            _of_places(changes, stay),
            _of_names("scenes", [edit.id for edit in changes.scenes], stay, ".id"),
            _of_empty("scenes", changes.scenes),
            _of_bare(changes.scenes, stay),
            _of_shots(changes, stay, choices),
            _of_size(changes, stay),
        )
    )


def _of_names(field: str, names: Sequence[str], known: Iterable[str], part: str = "") -> Iterator[FieldError]:
    """Each must be known, and named once."""
    known, seen = set(known), set[str]()
    for index, name in enumerate(names):
        if name not in known:
            yield FieldError(f"{field}[{index}]{part}", f"there is no {name} in this version of the storyboard")
        elif name in seen:
            yield FieldError(f"{field}[{index}]{part}", f"names {name} a second time")
        seen.add(name)


def _of_order(order: Sequence[str], stay: Sequence[str]) -> Iterator[FieldError]:
    if not order:
        return
    missing = [name for name in stay if name not in order]
    wrong = [name for name in order if name not in stay]
    twice = [name for name, count in Counter(order).items() if count > 1]
    for names, what in ((missing, "is missing"), (wrong, "is no scene that stays"), (twice, "is named twice")):
        if names:
            fault = f"{', '.join(names)} {what if len(names) == 1 else what.replace('is ', 'are ', 1)}"
            yield FieldError("order", f"must name every scene that stays, each once: {fault}")


def _of_places(changes: Changes, stay: Iterable[str]) -> Iterator[FieldError]:
    stay = set(stay)
    for index, scene in enumerate(changes.add):
        if scene.after is not None and scene.after not in stay:
            yield FieldError(f"add[{index}].after", f"there is no {scene.after} among the scenes that stay")


def _of_empty(field: str, edits: Sequence[SceneEdit] | Sequence[ShotEdit]) -> Iterator[FieldError]:
    for index, edit in enumerate(edits):
        if edit.model_fields_set == {"id"}:
            yield FieldError(f"{field}[{index}]", "it changes nothing; give at least one new value")


def _of_bare(edits: Sequence[SceneEdit], stay: dict[str, Scene]) -> Iterator[FieldError]:
    """A scene must keep something to make a film of."""
    for index, edit in enumerate(edits):
        taken = (edit.gives("show") and edit.show is None) or (edit.gives("media") and edit.media is None)
        if edit.id in stay and taken and not _is_left(stay[edit.id], edit):
            yield FieldError(
                f"scenes[{index}]", "a scene needs narration, show, media or recording; this takes away the last one"
            )


def _is_left(scene: Scene, edit: SceneEdit) -> bool:
    narration = edit.narration if edit.gives("narration") else scene.narration
    if narration or scene.narration or edit.show or edit.media:
        return True  # a scene without words shows what it said
    return not edit.gives("show") and scene.shots[0].show != UNNAMED


def _of_shots(changes: Changes, stay: dict[str, Scene], choices: Choices) -> Iterator[FieldError]:
    known = {shot.id: shot for scene in stay.values() for shot in scene.shots}
    yield from _of_names("shots", [edit.id for edit in changes.shots], known, ".id")
    yield from _of_empty("shots", changes.shots)
    anew = {edit.id for edit in changes.scenes if edit.model_fields_set & {"narration", "show", "media"}}
    for index, edit in enumerate(changes.shots):
        field, scene = f"shots[{index}]", scene_id_of(edit.id)
        if scene in anew:
            yield FieldError(field, f"scene {scene} gets new shots by this edit; change them in another one")
        elif edit.id in known:
            yield from _of_wishes(field, edit, stay[scene], known[edit.id], choices)


def _of_wishes(field: str, edit: ShotEdit, scene: Scene, shot: Shot, choices: Choices) -> Iterator[FieldError]:
    searched = edit.gives("show") or edit.another
    if sum((searched, edit.media is not None, edit.candidate is not None)) > 1:
        yield FieldError(field, "give one of media, candidate, and show or another")
    elif edit.candidate is not None and (error := choices.unfit(f"{field}.candidate", shot.id, edit.candidate)):
        yield error
    elif edit.gives("show") and edit.show is None and not scene.narration:
        message = f"nothing is said in scene {scene.id} that could be shown instead; give words"
        yield FieldError(f"{field}.show", message)
    elif only_reseeded(edit) and (why := choices.unpainted(shot)):
        yield FieldError(f"{field}.seed", why)


def only_reseeded(edit: ShotEdit) -> bool:
    """True if the shot is to show what it shows, painted with another seed."""
    return edit.seed is not None and not edit.another and edit.model_fields_set <= {"id", "seed", "another"}


def changes_nothing(changes: Changes, storyboard: Storyboard, cast: CastFacts) -> bool:
    """True if all of it is so already. `changes` must fit the storyboard."""
    scenes = {scene.id: scene for scene in storyboard.scenes}
    shots = {shot.id: (scene, shot) for scene in storyboard.scenes for shot in scene.shots}
    return (
        _film_is_so(changes, storyboard)
        and all(_scene_is_so(edit, scenes[edit.id], cast) for edit in changes.scenes)
        and all(_shot_is_so(edit, *shots[edit.id], cast) for edit in changes.shots)
    )


def _film_is_so(changes: Changes, storyboard: Storyboard) -> bool:
    names = [scene.id for scene in storyboard.scenes]
    given: dict[str, bool] = {
        "drop": not changes.drop,
        "order": list(changes.order or names) == names,
        "add": not changes.add,
        "voice": (changes.voice or "") == (storyboard.voice or ""),
        "speed": changes.speed == storyboard.speed,
        "pitch": changes.pitch == storyboard.pitch,
        "quality": changes.quality == storyboard.quality,
        "mood": changes.mood == storyboard.mood,
    }
    return all(so for name, so in given.items() if changes.gives(name))


def _scene_is_so(edit: SceneEdit, scene: Scene, cast: CastFacts) -> bool:
    given: dict[str, bool] = {
        "narration": tidied(edit.narration or "") == scene.narration,
        "show": all(_shows(shot, edit.show, scene) for shot in scene.shots),
        "media": all(_has_media(shot, edit.media, cast) for shot in scene.shots)
        and (edit.media is None or len(scene.shots) == 1),
        "duration": edit.duration == scene.min_seconds,
        "transition": edit.transition == scene.transition,
        "voice": edit.voice == scene.voice,
    }
    return all(given[name] for name in edit.model_fields_set - {"id"})


def _shot_is_so(edit: ShotEdit, scene: Scene, shot: Shot, cast: CastFacts) -> bool:
    given: dict[str, bool] = {
        "show": _shows(shot, edit.show, scene),
        "media": _has_media(shot, edit.media, cast),
        "candidate": edit.candidate == shot.pick,
        "another": not edit.another,
        "seed": edit.seed == shot.seed,
        "avoid": set(edit.avoid or ()) == set(shot.avoid) and not (edit.forgives and cast.rejected.get(shot.id)),
    }
    return all(given[name] for name in edit.model_fields_set - {"id"})


def _shows(shot: Shot, show: str | None, scene: Scene) -> bool:
    """Words that were asked for are something else than the same words that are just said."""
    said = said_over(scene)[shot.id]
    return shot.media is None and (shot.show == said if show is None else shot.show == show != said)


def _has_media(shot: Shot, media: MediaRef | None, cast: CastFacts) -> bool:
    """Media that proved unusable is tried again when it is given again."""
    return shot.media == media and not (media is not None and cast.rejected.get(shot.id))


def _of_size(changes: Changes, stay: dict[str, Scene]) -> Iterator[FieldError]:
    count = len(stay) + len(changes.add)
    if not count:
        yield FieldError("drop", "a film needs at least one scene")
    if count > MAX_SCENES:
        yield FieldError("add", f"the film would have {count} scenes; it may have {MAX_SCENES}")
    said = {name: scene.narration for name, scene in stay.items()}
    said |= {edit.id: edit.narration or "" for edit in changes.scenes if edit.gives("narration") and edit.id in said}
    chars = sum(map(len, said.values())) + sum(len(scene.narration) for scene in changes.add)
    if chars > MAX_SCRIPT_CHARS:
        field = "scenes" if changes.scenes else "add"
        yield FieldError(field, f"the narrations would have {chars:,} characters together; {MAX_SCRIPT_CHARS:,} may be")
