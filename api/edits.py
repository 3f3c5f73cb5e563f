"""Whether an edit fits the storyboard it was made for. Pure; what it finds is named as the user wrote it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from api.refusals import Complaint
from common.contracts.edit import Changes, SceneEdit, ShotEdit
from common.contracts.request import MAX_SCENES, MAX_SCRIPT_CHARS
from common.contracts.storyboard import Scene, Storyboard

Choice = Callable[[str, str], str]
"Why a candidate (second) cannot be shown in a shot (first); empty when it can."


def edit_complaints(changes: Changes, storyboard: Storyboard, choice: Choice) -> list[Complaint]:
    """Everything about the changes that does not fit."""
    known = {scene.id: scene for scene in storyboard.scenes}
    stay = {name: scene for name, scene in known.items() if name not in changes.drop}
    return list(
        chain(
            _of_names("drop", changes.drop, known),
            _of_order(changes.order, list(stay)),
            _of_places(changes, stay),
            _of_names("scenes", [edit.id for edit in changes.scenes], stay, ".id"),
            _of_empty("scenes", changes.scenes),
            _of_shots(changes, stay, choice),
            _of_size(changes, stay),
        )
    )


def _of_names(field: str, names: Sequence[str], known: Iterable[str], part: str = "") -> Iterator[Complaint]:
    """Each must be known, and named once."""
    known, seen = set(known), set[str]()
    for index, name in enumerate(names):
        if name not in known:
            yield Complaint(f"{field}[{index}]{part}", f"there is no {name} in this version of the storyboard")
        elif name in seen:
            yield Complaint(f"{field}[{index}]{part}", f"names {name} a second time")
        seen.add(name)


def _of_order(order: Sequence[str], stay: Sequence[str]) -> Iterator[Complaint]:
    if not order:
        return
    missing = [name for name in stay if name not in order]
    wrong = [name for name in order if name not in stay]
    twice = [name for name, count in Counter(order).items() if count > 1]
    for names, what in ((missing, "is missing"), (wrong, "is no scene that stays"), (twice, "is named twice")):
        if names:
            told = f"{', '.join(names)} {what if len(names) == 1 else what.replace('is ', 'are ', 1)}"
            yield Complaint("order", f"must name every scene that stays, each once: {told}")


def _of_places(changes: Changes, stay: Iterable[str]) -> Iterator[Complaint]:
    stay = set(stay)
    for index, scene in enumerate(changes.add):
        if scene.after is not None and scene.after not in stay:
            yield Complaint(f"add[{index}].after", f"there is no {scene.after} among the scenes that stay")


def _of_empty(field: str, edits: Sequence[SceneEdit] | Sequence[ShotEdit]) -> Iterator[Complaint]:
    for index, edit in enumerate(edits):
        if not edit.model_dump(exclude_defaults=True, exclude={"id"}):
            yield Complaint(f"{field}[{index}]", "it changes nothing")


def _of_shots(changes: Changes, stay: dict[str, Scene], choice: Choice) -> Iterator[Complaint]:
    known = [shot.id for scene in stay.values() for shot in scene.shots]
    yield from _of_names("shots", [edit.id for edit in changes.shots], known, ".id")
    yield from _of_empty("shots", changes.shots)
    anew = {edit.id for edit in changes.scenes if edit.narration is not None or edit.show or edit.media}
    for index, edit in enumerate(changes.shots):
        field, scene = f"shots[{index}]", edit.id.partition(".")[0]
        if scene in anew:
            yield Complaint(field, f"scene {scene} gets new shots by this edit; change them in another one")
        elif edit.id in known:
            yield from _of_wishes(field, edit, choice)


def _of_wishes(field: str, edit: ShotEdit, choice: Choice) -> Iterator[Complaint]:
    searched = edit.show is not None or edit.another
    if sum((searched, edit.media is not None, edit.candidate is not None)) > 1:
        yield Complaint(field, "give one of media, candidate, and show or another")
    elif edit.candidate is not None and (why := choice(edit.id, edit.candidate)):
        yield Complaint(f"{field}.candidate", why)


def _of_size(changes: Changes, stay: dict[str, Scene]) -> Iterator[Complaint]:
    count = len(stay) + len(changes.add)
    if not count:
        yield Complaint("drop", "a film needs at least one scene")
    if count > MAX_SCENES:
        yield Complaint("add", f"the film would have {count} scenes; it may have {MAX_SCENES}")
    said = {name: scene.narration for name, scene in stay.items()}
    said |= {edit.id: edit.narration for edit in changes.scenes if edit.narration is not None and edit.id in said}
    chars = sum(map(len, said.values())) + sum(len(scene.narration) for scene in changes.add)
    if chars > MAX_SCRIPT_CHARS:
        field = "scenes" if changes.scenes else "add"
        yield Complaint(field, f"the narrations would have {chars:,} characters together; {MAX_SCRIPT_CHARS:,} may be")
