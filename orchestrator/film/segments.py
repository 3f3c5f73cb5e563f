"""The segments of a film: each scene in one part or several, as soon as its footage and narration are there. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from common.contracts.footage import Footage
from common.contracts.names import Kind, StepName
from common.contracts.steps import MarkFacts, SegmentFacts
from common.contracts.storyboard import Scene
from common.contracts.timeline import Profile, SceneCut
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.film import specs, wording
from orchestrator.film.brief import Brief
from orchestrator.film.layout import Part, Placement, parts_of
from orchestrator.film.sound import Narrations


class After(NamedTuple):
    """Data about the next scene that a transition needs."""

    shown: tuple[Placement, Footage, tuple[str, ...]] | None
    "Its placement, its first footage, and the lines of its card as far as the transition depends on them."
    awaited: bool = False
    "True while `shown` is not known."


NOTHING = After(None)
Credits = tuple[str, ...] | None
"Credit lines of an end card; None until they are known."


class Segments:
    """Wants the segments of all scenes. `longest` is the most seconds of a segment."""

    def __init__(
        self,
        copy: WorkingCopy,
        brief: Brief,
        longest: float,
        spoken: Narrations,
        footage: dict[str, Footage],
        drawn: MarkFacts | None,
    ) -> None:
        """`drawn` is the picture of the watermark; None if there is none, or not yet."""
        self._copy, self._brief, self._longest, self._drawn = copy, brief, longest, drawn
        self._spoken, self._footage = spoken, footage
        self._credits = self._credited()
        self.parts: dict[str, int] = {}
        "Number of segments by scene, as far as known."
        self.cuts: list[SceneCut] = []
        "Cuts of every scene that is rendered."
        self.held_up = False
        "True if a segment waits for footage or the watermark."

    def want(self, placements: Iterable[Placement]) -> list[tuple[SegmentFacts, ...] | None]:
        """The segments of each scene that is placed; None for a scene with a segment that is not there yet."""
        known = {placement.scene.id: placement for placement in placements}
        scenes = self._brief.scenes
        return [
            self._scene(known[scene.id], self._after(scene, after, known))
            for scene, after in zip(scenes, (*scenes[1:], None), strict=False)
            if scene.id in known
        ]

    def _scene(self, placement: Placement, after: After) -> tuple[SegmentFacts, ...] | None:
        """The segments of one scene; if there are several, they are joined, so that it can be watched by itself."""
        memo, scene = self._copy.memo, placement.scene
        credit = self._credits if scene.credits else ()
        parts = memo(_parts, placement, self._longest, self._brief.profiles.picture, of=scene.id)
        self.parts[scene.id] = len(parts)
        facts = [self._segment(placement, part, after if part is parts[-1] else NOTHING, credit) for part in parts]
        if credit is None or not all(fact is not None for fact in facts):
            return None
        segments: tuple[SegmentFacts, ...] = memo.together(("segments", scene.id), *filter(None, facts))
        self.cuts.append(self._cut(placement, after, credit))
        if len(parts) > 1 and not self._joined(placement, segments):
            return None
        return segments

    def _segment(self, placement: Placement, part: Part, after: After, credit: Credits) -> SegmentFacts | None:
        brief, scene = self._brief, placement.scene
        media = [self._footage.get(scene.shots[placement.shots[piece.shown][0]].id) for piece in part.pieces]
        unmarked = brief.marked_by_picture and self._drawn is None
        if unmarked or after.awaited or credit is None or not all(footage is not None for footage in media):
            self.held_up = True
            return None
        name = StepName.of_part(Kind.SEGMENT, scene.id, part.number)
        given = brief, self._drawn, placement, part, self._spoken.get(scene.id), after.shown, credit
        facts: SegmentFacts | None = self._copy.want(name, specs.segment, *given, *media)
        return facts

    def _joined(self, placement: Placement, segments: tuple[SegmentFacts, ...]) -> bool:
        scene = placement.scene.id
        given = placement, segments, self._spoken.get(scene), self._brief.profiles.picture
        return self._copy.want(StepName.of(Kind.SCENE, scene), specs.scene, *given) is not None

    def _cut(self, placement: Placement, after: After, credit: tuple[str, ...]) -> SceneCut:
        scene = placement.scene
        media = [self._footage[scene.shots[index].id] for index, _ in placement.shots]
        return self._copy.memo(specs.cut, self._brief, placement, after.shown, credit, *media, of=scene.id)

    def _after(self, scene: Scene, after: Scene | None, known: dict[str, Placement]) -> After:
        """Data about the next scene that the transition out of a scene needs; nothing for a cut."""
        if after is None or self._brief.transition_into(after) == "cut":
            return NOTHING
        placement, first = known.get(after.id), self._footage.get(after.shots[0].id)
        # Without a text of its own, a card is there only if there is somebody to name.
        lines = self._credits if after.credits and after.card is not None and not after.card.text else ()
        if placement is None or first is None or lines is None:
            return After(None, awaited=True)
        together = self._copy.memo(_shown_first, placement, first, lines, of=scene.id)
        return After(together)

    def _credited(self) -> Credits:
        """The credit lines of an end card; None until all footage of the film is there."""
        shots = [shot.id for scene in self._brief.scenes for shot in scene.shots]
        if not any(scene.credits for scene in self._brief.scenes):
            return ()
        if not all(shot in self._footage for shot in shots):
            return None
        return self._copy.memo(_credit_lines, *(self._footage[shot] for shot in shots))


def _parts(placement: Placement, longest: float, profile: Profile) -> tuple[Part, ...]:
    return parts_of(placement, round(longest * profile.fps))


def _shown_first(
    placement: Placement, footage: Footage, lines: tuple[str, ...]
) -> tuple[Placement, Footage, tuple[str, ...]]:
    return placement, footage, lines


def _credit_lines(*footage: Footage) -> tuple[str, ...]:
    return wording.credit_lines(footage)
