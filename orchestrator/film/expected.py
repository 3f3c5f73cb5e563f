"""All steps of a film by name, and those whose objects each is given. Pure."""

from collections.abc import Iterable, Mapping

from common.contracts.names import ASSEMBLE, MARK, MIX, PUBLISH, Kind, StepName
from common.contracts.storyboard import Scene, Shot
from orchestrator.film.brief import Brief


def expected(
    brief: Brief, searched: tuple[tuple[Scene, Shot], ...], parts: Mapping[str, int]
) -> tuple[frozenset[str], frozenset[str]]:
    """All steps of the film but `plan`, and those of scenes that were left out of it.

    `parts` is the number of segments by scene, as far as known.
    """
    searches = {StepName.of(Kind.SEARCH, shot.id) for _, shot in searched}
    of_scenes = {name for scene in brief.scenes for name in _steps_of(scene, parts) if name.kind != Kind.SEARCH}
    kept = {scene.id for scene in brief.scenes}
    left_out = {name for scene in brief.story.scenes if scene.id not in kept for name in _steps_of(scene, parts)}
    return frozenset(of_scenes | searches | _mark(brief) | {MIX, ASSEMBLE, PUBLISH}), frozenset(left_out)


def narration_step(scene: Scene) -> StepName:
    """The step that makes the narration of a scene."""
    return StepName.of(Kind.SPEAK if scene.take is None else Kind.TAKE, scene.id)


def inputs(brief: Brief, parts: Mapping[str, int]) -> dict[str, frozenset[str]]:
    """Steps that are given objects, and the steps these come from; each stands after those."""
    found: dict[str, frozenset[str]] = {}
    scenes = brief.scenes
    spoken = {scene.id: narration_step(scene) for scene in scenes if scene.narration}
    rendered: list[StepName] = []
    for scene, after in zip(scenes, (*scenes[1:], None), strict=False):
        segments, said = _segments(scene, parts), frozenset(_present(spoken.get(scene.id)))
        found |= dict.fromkeys(segments, _footage(brief, scene, after) | said | _mark(brief))
        if len(segments) > 1:
            found[StepName.of(Kind.SCENE, scene.id)] = said | set(segments)
        rendered += segments
    return {
        **found,
        MIX: frozenset(spoken.values()),
        ASSEMBLE: frozenset([*rendered, MIX]),
        PUBLISH: frozenset([ASSEMBLE]),
    }


def _mark(brief: Brief) -> frozenset[StepName]:
    """The step that draws the watermark, if it is a picture."""
    return frozenset([MARK] if brief.marked_by_picture else [])


def _footage(brief: Brief, scene: Scene, after: Scene | None) -> frozenset[StepName]:
    """The steps that fetch the footage of a scene, with a transition out of it."""
    shots = [shot.id for shot in scene.shots]
    if after is not None and brief.transition_into(after) != "cut":
        shots.append(after.shots[0].id)
    return frozenset(StepName.of(Kind.ACQUIRE, shot) for shot in shots)


def _segments(scene: Scene, parts: Mapping[str, int]) -> list[StepName]:
    return [StepName.of_part(Kind.SEGMENT, scene.id, number) for number in range(parts.get(scene.id, 1))]


def _steps_of(scene: Scene, parts: Mapping[str, int]) -> list[StepName]:
    spoken = [narration_step(scene)] if scene.narration else []
    joined = [StepName.of(Kind.SCENE, scene.id)] if parts.get(scene.id, 1) > 1 else []
    gathered = [StepName.of(kind, shot.id) for kind in (Kind.SEARCH, Kind.ACQUIRE) for shot in scene.shots]
    return [*spoken, *gathered, *_segments(scene, parts), *joined]


def _present(name: StepName | None) -> Iterable[StepName]:
    return () if name is None else (name,)
