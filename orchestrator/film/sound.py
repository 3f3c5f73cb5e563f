"""The narrations of a film and the layout they give it, at a pace that fits the target. Pure."""

from collections.abc import Iterable

from common.contracts.base import fingerprint
from common.contracts.narration import Narration
from common.contracts.storyboard import Scene
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.film import specs
from orchestrator.film.brief import Brief
from orchestrator.film.expected import narration_step
from orchestrator.film.layout import Layout, Placement, lay_out, placement_of, tails

Narrations = dict[str, Narration]
"Narrations that are there, by scene."


def want_narrations(copy: WorkingCopy, brief: Brief) -> Narrations:
    if not copy.pins.pace:
        copy.pin(pace=brief.story.pace)
    pace = copy.memo.same("pace", copy.pins.pace)
    spoken: Narrations = {}
    copy.keep_casts(brief.speaker(scene) for scene in brief.scenes if scene.narration and scene.take is None)
    for scene in brief.scenes:
        if scene.narration:
            narration = _spoken(copy, brief, scene, pace)
            if narration is not None:
                spoken[scene.id] = narration
    return spoken


def _spoken(copy: WorkingCopy, brief: Brief, scene: Scene, pace: float | None) -> Narration | None:
    if scene.take is not None:
        taken: Narration | None = copy.want(narration_step(scene), specs.take, scene)
        return taken
    cast = copy.cast(brief.speaker(scene))
    if cast is None:
        return None
    narration: Narration | None = copy.want(
        narration_step(scene), specs.speak, brief, scene, cast, pace, toolchain=cast.chain
    )
    return narration


def want_layout(copy: WorkingCopy, brief: Brief, spoken: Narrations) -> tuple[Iterable[Placement], Layout | None]:
    """The known placements, and the layout once all are known."""
    all_spoken = all(scene.id in spoken for scene in brief.scenes if scene.narration)
    target = brief.story.duration_target
    if target is None:
        placements = _placements(copy, brief, spoken)
        return placements, copy.memo(_in_a_row, *placements) if all_spoken else None
    if not all_spoken:
        return (), None
    pace = copy.memo.same("pace", copy.pins.pace)
    layout = copy.memo(_laid_out, target, brief.scenes, brief.profiles.picture.fps, pace, *spoken.values())
    return (layout.placements, layout) if _paced(copy, brief, layout) else ((), None)


def _placements(copy: WorkingCopy, brief: Brief, spoken: Narrations) -> list[Placement]:
    """The placements of a film without a target, in which no scene depends on another."""
    scenes, fps = brief.scenes, brief.profiles.picture.fps
    placements = []
    for scene, seconds in zip(scenes, copy.memo(tails, scenes), strict=True):
        if not scene.narration or scene.id in spoken:
            tail = copy.memo.same(("tail", scene.id), seconds)
            known = spoken.get(scene.id), scene is scenes[0], tail
            placements.append(copy.memo(placement_of, scene, *known, fps, of=scene.id))
    return placements


def _paced(copy: WorkingCopy, brief: Brief, layout: Layout) -> bool:
    """False while the words are spoken once more, at a pace that fits the target better; once for every script."""
    script = copy.memo(_script, brief)
    if copy.pins.paced == script:
        return True
    copy.pin(paced=script)
    if layout.pace is None:
        return True
    copy.pin(pace=layout.pace)
    want_narrations(copy, brief)
    return False


def _script(brief: Brief) -> str:
    """The fingerprint of the spoken words, their voices, their speed and the target length."""
    said = [[scene.narration, brief.speaker(scene).key] for scene in brief.story.scenes]
    return fingerprint(brief.story.duration_target, brief.speed, said)


def _in_a_row(*placements: Placement) -> Layout:
    return Layout(placements)


def _laid_out(target: float, scenes: tuple[Scene, ...], fps: int, pace: float, *narrations: Narration) -> Layout:
    spoken = [scene.id for scene in scenes if scene.narration]
    return lay_out(scenes, dict(zip(spoken, narrations, strict=True)), target, fps, pace)
