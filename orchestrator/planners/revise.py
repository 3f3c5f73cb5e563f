"""An edit carried out on a storyboard. Pure.

What the edit does not name stays as it was to the last byte, so that all the work done for it is found again.
"""

import itertools
from collections.abc import Sequence

from common.contracts.edit import Edit, SceneAdd, SceneEdit, ShotEdit
from common.contracts.request import MAX_SCENES, VideoRequest
from common.contracts.storyboard import Scene, Shot, Storyboard, words_of
from common.errors import Permanent
from orchestrator.planners.rules import UNNAMED, plan_scene, search_terms

MAX_SEED = 2**31 - 1
SCENERY = "scenery:"
"How the ids of painted candidates begin."


def revise(request: VideoRequest, storyboard: Storyboard, edit: Edit) -> Storyboard:
    """The storyboard with the changes made, in this order: drop, order, add, scenes, shots, voice.

    The request is that of the first version. Raises `Permanent` for an edit that does not fit the storyboard.
    """
    scenes = _ordered(_without(storyboard.scenes, edit.drop), edit.order)
    made = max([storyboard.made, *(_number(scene) for scene in storyboard.scenes)])
    scenes = _with_new(scenes, edit.add, made, storyboard.topic)
    if not 1 <= len(scenes) <= MAX_SCENES:
        raise Permanent(f"after the edit the film has {len(scenes)} scenes; it must have 1 to {MAX_SCENES}")
    for change in edit.scenes:
        scenes = _with_scene(scenes, _changed(_find(scenes, change.id), change, storyboard.topic))
    for shot in edit.shots:
        scene = _find(scenes, shot.id.partition(".")[0])
        scenes = _with_scene(scenes, _with_shot(scene, shot, edit.avoid.get(shot.id, ()), request, storyboard.topic))
    return storyboard.model_copy(
        update={
            "scenes": tuple(scenes),
            "made": made + len(edit.add),
            "voice": storyboard.voice if edit.voice is None else edit.voice,
            "quality": storyboard.quality if edit.quality is None else edit.quality,
            "mood": storyboard.mood if edit.mood is None else edit.mood,
        }
    )


# scenes


def _without(scenes: Sequence[Scene], drop: Sequence[str]) -> list[Scene]:
    for name in drop:
        _find(scenes, name)
    return [scene for scene in scenes if scene.id not in drop]


def _ordered(scenes: list[Scene], order: Sequence[str]) -> list[Scene]:
    if order and sorted(order) != sorted(scene.id for scene in scenes):
        raise Permanent("the new order must name every scene that stays, each of them once")
    return [_find(scenes, name) for name in order] or scenes


def _with_new(scenes: list[Scene], wanted: Sequence[SceneAdd], made: int, topic: Sequence[str]) -> list[Scene]:
    """New scenes behind the one they follow; several behind the same one in the order they are named in."""
    following: dict[str | None, list[Scene]] = {}
    for number, one in enumerate(wanted, made + 1):
        if one.after is not None:
            _find(scenes, one.after)
        scene = plan_scene(
            f"s{number}", topic, narration=one.narration, show=one.show, media=one.media, duration=one.duration
        )
        scene = scene.model_copy(update={"transition": one.transition})
        following.setdefault(one.after, []).append(scene)
    behind = [new for old in scenes for new in (old, *following.get(old.id, ()))]
    return [*following.get(None, ()), *behind]


def _changed(scene: Scene, edit: SceneEdit, topic: Sequence[str]) -> Scene:
    planned = _planned_again(scene, edit, topic)
    # What belongs to the scene and not to its words and pictures outlives new ones.
    kept = {"transition": edit.transition or scene.transition, "card": scene.card, "credits": scene.credits}
    return planned.model_copy(update=kept)


def _planned_again(scene: Scene, edit: SceneEdit, topic: Sequence[str]) -> Scene:
    narration = scene.narration if edit.narration is None else " ".join(edit.narration.split())
    show = edit.show or _own_show(scene) or (None if narration else scene.narration)
    duration = edit.duration or scene.min_seconds
    # Words to search for replace the user's own media; else it stays, whatever is said over it.
    own = scene.shots[0].media if len(scene.shots) == 1 and edit.show is None else None
    planned = plan_scene(scene.id, topic, narration=narration, show=show, media=edit.media or own, duration=duration)
    if edit.show is None and edit.media is None and narration == scene.narration:
        return scene if edit.duration is None else _lasting(scene, planned)
    said, before = _said(scene), {shot.id: shot for shot in scene.shots}
    anew = edit.show is not None or edit.media is not None
    shots = tuple(
        _as_settled(shot, before[shot.id], said[shot.id], anew) if shot.id in before else shot for shot in planned.shots
    )
    # Pictures that last long enough need not be searched for again.
    same = all(shot.id in before and shot.terms == before[shot.id].terms for shot in shots)
    enough = same and len(shots) == len(before) and planned.estimate <= scene.estimate
    return planned.model_copy(update={"shots": shots, "estimate": scene.estimate if enough else planned.estimate})


def _lasting(scene: Scene, planned: Scene) -> Scene:
    return scene.model_copy(update={"min_seconds": planned.min_seconds, "estimate": planned.estimate})


def _as_settled(shot: Shot, before: Shot, said: str, anew: bool) -> Shot:
    """What the user had settled for a shot outlives new words of its scene; of a new picture, the dislikes stay."""
    settled: dict[str, object] = {"avoid": before.avoid, "seed": before.seed}
    if not anew and (before.media is not None or before.show != said):
        settled |= {"show": before.show, "terms": before.terms, "media": before.media}
    kept = shot.model_copy(update=settled)
    # The chosen candidate is found again only where the same is searched for.
    return kept.model_copy(update={"pick": before.pick}) if kept.terms == before.terms else kept


def _own_show(scene: Scene) -> str | None:
    """What the scene shows, if that is one thing and not just what it says."""
    first = scene.shots[0]
    one_thing = all(shot.show == first.show for shot in scene.shots)
    return first.show if one_thing and first.show != _said(scene)[first.id] else None


def _said(scene: Scene) -> dict[str, str]:
    """By shot, the words that are spoken over it."""
    words = words_of(scene.narration)
    borders = itertools.pairwise([*(shot.from_word for shot in scene.shots), len(words)])
    return {shot.id: " ".join(words[start:end]) for shot, (start, end) in zip(scene.shots, borders, strict=True)}


# shots


def _with_shot(
    scene: Scene, edit: ShotEdit, shown: Sequence[str], request: VideoRequest, topic: Sequence[str]
) -> Scene:
    if edit.id not in {shot.id for shot in scene.shots}:
        raise Permanent(f"scene {scene.id} has no shot {edit.id}")
    shots = (
        _shot_again(shot, edit, shown, request, scene.narration, topic) if shot.id == edit.id else shot
        for shot in scene.shots
    )
    return scene.model_copy(update={"shots": tuple(shots)})


def _shot_again(
    shot: Shot, edit: ShotEdit, shown: Sequence[str], request: VideoRequest, narration: str, topic: Sequence[str]
) -> Shot:
    changes: dict[str, object] = {}
    if edit.show is not None:
        changes |= {"show": edit.show, "terms": search_terms(edit.show, "", []), "media": None, "pick": None}
    if edit.another:
        changes = {**_searchable(shot, narration, topic), "media": None, "pick": None} | changes
        changes["avoid"] = tuple(dict.fromkeys((*shot.avoid, *shown)))
        if any(candidate.startswith(SCENERY) for candidate in shown):
            # Painted pictures differ by their seed alone.
            changes["seed"] = ((request.seed if shot.seed is None else shot.seed) + 1) % (MAX_SEED + 1)
    if edit.candidate is not None:
        avoid = tuple(name for name in shot.avoid if name != edit.candidate)
        changes |= {"pick": edit.candidate, "avoid": avoid}
    if edit.media is not None:
        changes |= {"media": edit.media, "pick": None}
    if edit.seed is not None:
        changes["seed"] = edit.seed
    return shot.model_copy(update=changes)


def _searchable(shot: Shot, narration: str, topic: Sequence[str]) -> dict[str, object]:
    """What to search with for a shot that showed the user's own media; others know already."""
    if shot.terms:
        return {}
    show = shot.show if shot.show != UNNAMED else " ".join(topic[:3]) or UNNAMED
    return {"show": show, "terms": search_terms(show, narration, topic)}


# places


def _find(scenes: Sequence[Scene], name: str) -> Scene:
    for scene in scenes:
        if scene.id == name:
            return scene
    raise Permanent(f"there is no scene {name} in this version of the storyboard")


def _with_scene(scenes: Sequence[Scene], changed: Scene) -> list[Scene]:
    return [changed if scene.id == changed.id else scene for scene in scenes]


def _number(scene: Scene) -> int:
    return int(scene.id[1:])
