"""An edit carried out on a storyboard. Pure.

Everything the edit does not name stays the same to the last byte, so that all the work done for it is found again.
"""

from collections.abc import Sequence

from common.contracts.edit import Edit, SceneAdd, SceneEdit, ShotEdit
from common.contracts.footage import SCENERY
from common.contracts.names import scene_id_of
from common.contracts.request import MAX_SCENES, VideoRequest
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard, said_over
from common.errors import Permanent
from common.prose import tidied
from orchestrator.planners.rules import plan_scene, search_terms

MAX_SEED = 2**31 - 1


def revise(request: VideoRequest, storyboard: Storyboard, edit: Edit) -> Storyboard:
    """The storyboard with the changes made, in this order: drop, order, add, scenes, shots, the rest.

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
        scene = _find(scenes, scene_id_of(shot.id))
        scenes = _with_scene(scenes, _with_shot(scene, shot, edit.avoid.get(shot.id, ()), request, storyboard.topic))
    return storyboard.model_copy(
        update={
            "scenes": tuple(scenes),
            "made": made + len(edit.add),
            "voice": (edit.voice or "") if edit.gives("voice") else storyboard.voice,
            "speed": edit.speed if edit.gives("speed") else storyboard.speed,
            "pitch": edit.pitch if edit.gives("pitch") else storyboard.pitch,
            "quality": edit.quality if edit.gives("quality") else storyboard.quality,
            "mood": edit.mood if edit.gives("mood") else storyboard.mood,
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
    """The scenes with new ones after those they follow; several after the same one keep the order they are named in."""
    following: dict[str | None, list[Scene]] = {}
    for number, one in enumerate(wanted, made + 1):
        if one.after is not None:
            _find(scenes, one.after)
        scene = plan_scene(
            f"s{number}", topic, narration=one.narration, show=one.show, media=one.media, duration=one.duration
        )
        scene = scene.model_copy(update={"transition": one.transition, "voice": one.voice})
        following.setdefault(one.after, []).append(scene)
    behind = [new for old in scenes for new in (old, *following.get(old.id, ()))]
    return [*following.get(None, ()), *behind]


def _changed(scene: Scene, edit: SceneEdit, topic: Sequence[str]) -> Scene:
    planned = _planned_again(scene, edit, topic)
    # Properties of the scene, not of its words and pictures, survive new ones.
    kept: dict[str, object] = {"card": scene.card, "credits": scene.credits}
    kept["transition"] = edit.transition if edit.gives("transition") else scene.transition
    kept["paragraph"] = scene.paragraph
    kept["voice"] = edit.voice if edit.gives("voice") else scene.voice
    # A recording is of these words, and gives way to a voice that is asked for.
    kept["take"] = scene.take if planned.narration == scene.narration and not edit.voice else None
    return planned.model_copy(update=kept)


def _planned_again(scene: Scene, edit: SceneEdit, topic: Sequence[str]) -> Scene:
    if edit.gives("media") and edit.media is None:
        scene, edit = _without_media(scene, edit, topic)
    planned = _from_scratch(scene, edit, topic)
    if not _anew(edit) and _narration(scene, edit) == scene.narration:
        return _lasting(scene, planned)
    return _with_settled_shots(scene, planned, edit)


def _from_scratch(scene: Scene, edit: SceneEdit, topic: Sequence[str]) -> Scene:
    """The scene planned as if it had been asked for as edited."""
    narration = _narration(scene, edit)
    show = edit.show if edit.gives("show") else _own_show(scene)
    # Words to search for replace the user's own media; else it stays, whatever is said over it.
    own = scene.shots[0].media if len(scene.shots) == 1 and not edit.gives("show") else None
    return plan_scene(
        scene.id,
        topic,
        narration=narration,
        show=show or (None if narration else scene.narration),
        media=edit.media or own,
        duration=edit.duration if edit.gives("duration") else scene.min_seconds,
    )


def _with_settled_shots(scene: Scene, planned: Scene, edit: SceneEdit) -> Scene:
    """The planned scene with the user's earlier choices for its shots."""
    said, before = said_over(scene), {shot.id: shot for shot in scene.shots}
    shots = tuple(
        _as_settled(shot, before[shot.id], said[shot.id], edit) if shot.id in before else shot for shot in planned.shots
    )
    settled = planned.model_copy(update={"shots": shots})
    terms = {shot.id: shot.terms for shot in scene.shots}
    return _searched(settled, scene) if terms == {shot.id: shot.terms for shot in shots} else settled


def _anew(edit: SceneEdit) -> bool:
    """True if the edit names something for the scene to show."""
    return edit.gives("show") or edit.media is not None


def _narration(scene: Scene, edit: SceneEdit) -> str:
    return tidied(edit.narration or "") if edit.gives("narration") else scene.narration


def _lasting(scene: Scene, planned: Scene) -> Scene:
    """The scene with the length of the planned one."""
    if planned.min_seconds == scene.min_seconds:
        return scene
    return _searched(scene.model_copy(update={"min_seconds": planned.min_seconds, "estimate": planned.estimate}), scene)


def _searched(scene: Scene, before: Scene) -> Scene:
    """The scene with the length its pictures were searched for: those that last long enough need no new search."""
    seconds = before.search_seconds
    return scene.model_copy(update={"searched": seconds if seconds > scene.estimate else None})


def _as_settled(shot: Shot, before: Shot, said: str, edit: SceneEdit) -> Shot:
    """The user's choices for a shot survive new words of its scene; dislikes survive no other search."""
    settled: dict[str, object] = {"avoid": before.avoid, "seed": before.seed}
    if not _anew(edit) and (before.media is not None or before.show != said):
        settled |= {"show": before.show, "terms": before.terms, "media": before.media}
    kept = shot.model_copy(update=settled)
    if kept.terms == before.terms:
        # The chosen candidate is found again only if the same is searched for.
        return kept.model_copy(update={"pick": before.pick})
    return kept.model_copy(update={"avoid": ()}) if edit.gives("show") else kept


def _without_media(scene: Scene, edit: SceneEdit, topic: Sequence[str]) -> tuple[Scene, SceneEdit]:
    """The scene without media of the user's own, and what is left of the edit.

    If that was all it showed, it is planned as if there had never been any.
    """
    if not any(shot.media for shot in scene.shots):
        return scene, edit
    if len(scene.shots) == 1:
        bare = scene.model_copy(update={"shots": (scene.shots[0].model_copy(update={"media": None}),)})
        show = edit.show if edit.gives("show") else _own_show(scene)
        return bare, edit.model_copy(update={"show": show})
    shots = (_searched_for(shot, scene.narration, topic) if shot.media else shot for shot in scene.shots)
    return scene.model_copy(update={"shots": tuple(shots)}), edit


def _own_show(scene: Scene) -> str | None:
    """The subject of the scene, if that is one thing and not just its narration."""
    first = scene.shots[0]
    one_thing = all(shot.show == first.show for shot in scene.shots)
    return first.show if one_thing and first.show not in (UNNAMED, said_over(scene)[first.id]) else None


# shots


def _with_shot(
    scene: Scene, edit: ShotEdit, shown: Sequence[str], request: VideoRequest, topic: Sequence[str]
) -> Scene:
    if edit.id not in {shot.id for shot in scene.shots}:
        raise Permanent(f"scene {scene.id} has no shot {edit.id}")
    shots = (
        _shot_again(shot, edit, shown, request, scene, topic) if shot.id == edit.id else shot for shot in scene.shots
    )
    return scene.model_copy(update={"shots": tuple(shots)})


def _shot_again(
    shot: Shot, edit: ShotEdit, shown: Sequence[str], request: VideoRequest, scene: Scene, topic: Sequence[str]
) -> Shot:
    """The shot with the changes made, in the order of the fields of an edit."""
    if edit.gives("show"):
        shot = _showing(shot, edit.show, scene, topic)
    if edit.media is not None:
        shot = shot.model_copy(update={"media": edit.media, "pick": None})
    elif edit.gives("media"):
        shot = _searched_for(shot, scene.narration, topic)
    if edit.gives("candidate"):
        avoid = tuple(name for name in shot.avoid if name != edit.candidate)
        shot = shot.model_copy(update={"pick": edit.candidate, "avoid": avoid})
    if edit.gives("avoid"):
        shot = shot.model_copy(update={"avoid": tuple(dict.fromkeys(edit.avoid or ()))})
    if edit.another:
        shot = _another(_searched_for(shot, scene.narration, topic), shown, request)
    return shot.model_copy(update={"seed": edit.seed}) if edit.gives("seed") else shot


def _showing(shot: Shot, show: str | None, scene: Scene, topic: Sequence[str]) -> Shot:
    """The shot showing something else: choices and dislikes among finds for the old words no longer count."""
    said = said_over(scene)[shot.id]
    if show is None:
        terms = search_terms(said, scene.narration, topic)
    else:
        terms = shot.terms if shot.terms and show == shot.show != said else search_terms(show, "", [])
    avoid = shot.avoid if terms == shot.terms else ()
    update = {"show": said if show is None else show, "terms": terms, "media": None, "pick": None, "avoid": avoid}
    return shot.model_copy(update=update)


def _another(shot: Shot, shown: Sequence[str], request: VideoRequest) -> Shot:
    """The shot showing something other than now."""
    changes: dict[str, object] = {"pick": None, "avoid": tuple(dict.fromkeys((*shot.avoid, *shown)))}
    if any(candidate.startswith(SCENERY) for candidate in shown):
        # Painted pictures differ by their seed alone.
        changes["seed"] = ((request.seed if shot.seed is None else shot.seed) + 1) % (MAX_SEED + 1)
    return shot.model_copy(update=changes)


def _searched_for(shot: Shot, narration: str, topic: Sequence[str]) -> Shot:
    """The shot without media of the user's own."""
    return shot.model_copy(update={**_searchable(shot, narration, topic), "media": None})


def _searchable(shot: Shot, narration: str, topic: Sequence[str]) -> dict[str, object]:
    """Search words for a shot that showed the user's own media; other shots have theirs already."""
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
