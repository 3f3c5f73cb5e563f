"""Repairs of final failures that need not end the job: other footage, or a film without the scene. Pure."""

from common.contracts.footage import Candidate
from common.contracts.job import Failure
from common.contracts.names import Kind, StepName
from common.contracts.steps import UNRENDERABLE, CastFacts, Rejection
from common.contracts.storyboard import Storyboard
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.film.brief import Brief
from orchestrator.film.reading import cast_as, casting

OF_A_SCENE = frozenset({Kind.SPEAK, Kind.TAKE, Kind.ACQUIRE, Kind.SEGMENT})
"Kinds of steps that may fail without ending the job: at worst the film is made without their scene."


class Repair:
    """Repairs the failures of one look."""

    def __init__(self, copy: WorkingCopy, brief: Brief, chosen: dict[str, Candidate]) -> None:
        self._copy, self._brief, self._chosen = copy, brief, chosen
        self.left_out: dict[str, Failure] = {}
        "Scenes that are left out from now on, and why."

    def repair(self) -> bool:
        """Repairs what it can; True if something else is wanted now."""
        repaired = [self._repaired(StepName(step), failure) for step, failure in self._copy.final.items()]
        return any(repaired)

    def _repaired(self, step: StepName, failure: Failure) -> bool:
        if step.kind not in OF_A_SCENE:
            return False
        if step.kind == Kind.SPEAK and self._other_engine(step, failure):
            return True
        if step.kind == Kind.ACQUIRE and self._other_footage(step.subject, failure):
            return True
        policy = self._brief.on_scene_failure
        if policy == "fail":
            return False
        replaceable = step.kind == Kind.SEGMENT and policy == "fallback"
        pictures = self._replaceable(step.scene, failure.subject) if replaceable else {}
        if pictures:
            self._reject(pictures, UNRENDERABLE + failure.message)
        else:
            self._leave_out(step.scene, located(failure, step, self._brief.story))
        return True

    def _other_engine(self, step: StepName, failure: Failure) -> bool:
        """Lets the next speech engine speak in the place of one that cannot."""
        speaker = next(self._brief.speaker(one) for one in self._brief.scenes if one.id == step.scene)
        return self._copy.pass_over(speaker, step, failure)

    def _other_footage(self, shot: str, failure: Failure) -> bool:
        """Rejects unavailable footage; the user's own only if the request lets it be replaced."""
        candidate = self._chosen[shot]
        if self._brief.on_scene_failure == "fallback" if candidate.own else not candidate.painted:
            self._reject({shot: candidate}, failure.message)
            return True
        return False

    def _replaceable(self, scene: str, blamed: str) -> dict[str, Candidate]:
        """Replaceable footage: of the shot to blame, or of the whole scene if that is not known."""
        scenes = self._brief.scenes
        shots = [blamed] if blamed else [shot.id for one in scenes if one.id == scene for shot in one.shots]
        shown = {shot: self._chosen.get(shot) for shot in shots}
        return {shot: one for shot, one in shown.items() if one is not None and not one.painted}

    def _reject(self, unusable: dict[str, Candidate], why: str) -> None:
        before = casting(self._copy)
        new = {
            shot: (*before.rejected.get(shot, ()), Rejection(candidate=candidate.id, why=why))
            for shot, candidate in unusable.items()
        }
        cast_as(self._copy, CastFacts(chosen=before.chosen, rejected={**before.rejected, **new}))

    def _leave_out(self, scene: str, failure: Failure) -> None:
        left_out = self._copy.pins.left_out
        if scene not in left_out:
            self._copy.pin(left_out={**left_out, scene: failure.message})
            self.left_out[scene] = failure


def located(failure: Failure, step: StepName, story: Storyboard | None) -> Failure:
    """The failure with the scene it happened in, counted as people count."""
    message = failure.message
    if step.scene and story is not None:
        number = [scene.id for scene in story.scenes].index(step.scene) + 1
        message = f"scene {number}: {message}"
    return failure.model_copy(update={"message": message, "step": step or failure.step})
