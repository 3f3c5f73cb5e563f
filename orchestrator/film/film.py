"""A film: every step it needs, wanted as far as its inputs are there. Pure.

Every value that costs something to compute goes through the memo of the working copy, so a look at an unchanged film
costs a few microseconds a step. The inputs of such a value must be the same objects from look to look: parts of stored
bodies and of facts are, because these are parsed through the memo, too.
"""

from collections.abc import Mapping
from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.job import (
    ACTIVE_STATES,
    ASSEMBLING,
    COMPLETED,
    FAILED,
    PARTIAL,
    PLANNING,
    QUEUED,
    READY,
    SETTLED,
    Failure,
    Step,
)
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import ASSEMBLE, MARK, MIX, PLAN, PUBLISH, Kind, StepName
from common.contracts.steps import AssembleFacts, MarkFacts, MixFacts, SegmentFacts
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.film import specs, wording
from orchestrator.film.brief import Brief
from orchestrator.film.expected import expected, inputs
from orchestrator.film.layout import Layout
from orchestrator.film.pictures import Pictures, want_pictures
from orchestrator.film.profile import OutputDefaults
from orchestrator.film.reading import planned, read_brief
from orchestrator.film.repair import Repair, located
from orchestrator.film.segments import Segments
from orchestrator.film.sound import Narrations, want_layout, want_narrations

LISTENING = frozenset({Kind.HEAR, Kind.FIT})
"Kinds of steps that come before the plan."


class Film:
    """Wants everything a film is made of, as far as its inputs are there."""

    last = PUBLISH

    def __init__(self, copy: WorkingCopy, defaults: OutputDefaults) -> None:
        self._copy, self._defaults = copy, defaults
        self.finished = False
        "True if the film is published."
        self.storyboard: ObjectRef | None = None
        "Storyboard of this version, once it is known."
        self._brief: Brief | None = None
        self._pictures = Pictures({}, (), {})
        self._parts: dict[str, int] = {}
        "Number of segments by scene, as far as known."
        self._left_out: dict[str, Failure] = {}
        "Scenes that were left out in this look."

    def want(self) -> None:
        """Wants steps and repairs failures until nothing is left to repair. Then settles every other step."""
        while True:
            self._copy.begin()
            self.storyboard = planned(self._copy)
            self._brief = read_brief(self._copy, self._defaults, self.storyboard)
            if self._brief is None:
                return  # it is not known yet what belongs to the film, so everything goes on as it is
            self._want_film(self._brief)
            if self._copy.questions:
                return
            if not self._repair(self._brief):
                self._sweep(self._brief)
                return

    def failure(self) -> Failure | None:
        """The reason why the film cannot be made, with the scene it happened in."""
        story = self._brief.story if self._brief is not None else None
        failures = (located(failure, StepName(step), story) for step, failure in self._copy.final.items())
        return next(failures, None)

    def state(self) -> str:
        """That of the earliest kind of step with work left."""
        return job_state(self._copy.steps)

    def outcome(self) -> str:
        return PARTIAL if self._copy.pins.left_out else COMPLETED

    def head(self) -> Mapping[str, Any]:
        """The storyboard of this version, once it is known, and that the version was looked at."""
        job, changes = self._copy.job, dict[str, Any]()
        if self.storyboard is not None and self.storyboard != job.storyboard:
            changes["storyboard"] = self.storyboard.model_dump_json()
        if job.decided_version != job.version:
            changes["looked"] = job.version
        return changes

    def _want_film(self, brief: Brief) -> None:
        self.finished = False
        if not brief.scenes:
            self._copy.final[""] = self._why_empty(brief)
            return
        spoken = want_narrations(self._copy, brief)
        self._pictures = want_pictures(self._copy, brief)
        drawn = self._want_mark(brief)
        placements, layout = want_layout(self._copy, brief, spoken)
        given = brief, self._defaults.longest_segment, spoken, self._pictures.footage, drawn
        segments = Segments(self._copy, *given)
        facts = segments.want(placements)
        self._parts = segments.parts
        if layout is not None:
            self._describe(brief, layout)
            self._want_whole(brief, layout, spoken, segments, facts)

    def _want_mark(self, brief: Brief) -> MarkFacts | None:
        """The watermark as a picture of its final size; None if it is none, or not yet."""
        if brief.watermark is None or brief.watermark.media is None:
            return None
        drawn: MarkFacts | None = self._copy.want(MARK, specs.mark, brief, brief.watermark.media)
        return drawn

    def _want_whole(
        self,
        brief: Brief,
        layout: Layout,
        spoken: Narrations,
        segments: Segments,
        facts: list[tuple[SegmentFacts, ...] | None],
    ) -> None:
        """The steps of the film as a whole."""
        copy, memo = self._copy, self._copy.memo
        if segments.held_up and not self._has_mix():
            return  # it would take the place of segments that can begin in a moment
        narrations = memo.together("narrations", *(spoken.get(scene.id) for scene in brief.scenes))
        mix: MixFacts | None = copy.want(MIX, specs.mix, brief, layout, narrations)
        if mix is None or not all(fact is not None for fact in facts):
            return
        pictures, cuts = memo.together("pictures", *facts), memo.together("cuts", *segments.cuts)
        given = brief, layout, narrations, pictures, cuts, mix
        film: AssembleFacts | None = copy.want(ASSEMBLE, specs.assemble, *given)
        if film is not None:
            job_id = memo.same("job", copy.job.id)
            self.finished = copy.want(PUBLISH, specs.publish, job_id, film) is not None

    def _has_mix(self) -> bool:
        step = self._copy.steps.get(MIX)
        return step is not None and bool(step.facts)

    def _describe(self, brief: Brief, layout: Layout) -> None:
        script = self._copy.memo(wording.script_note, brief)
        note = " ".join(note for note in (layout.note, script) if note)
        self._copy.pin(note=note, seconds=round(layout.frames / brief.profiles.picture.fps, 3))

    def _repair(self, brief: Brief) -> bool:
        repair = Repair(self._copy, brief, self._pictures.chosen)
        going_on = repair.repair()
        self._left_out |= repair.left_out
        return going_on

    def _sweep(self, brief: Brief) -> None:
        copy, memo = self._copy, self._copy.memo
        parts = memo.same("parts", self._parts)
        copy.sweep(*memo(expected, brief, self._pictures.searched, parts))
        copy.look_for(memo(inputs, brief, parts))

    def _why_empty(self, brief: Brief) -> Failure:
        first = next(scene.id for scene in brief.story.scenes)
        reason = Failure(code="no_scene_left", message=self._copy.pins.left_out[first])
        return self._left_out.get(first) or reason


def job_state(steps: Mapping[str, Step]) -> str:
    """The state of a film that is being made: that of its earliest kind of step with work left."""
    plan = steps.get(PLAN)
    if plan is None or plan.state == READY:
        return PLANNING if any(step.kind in LISTENING and step.state != READY for step in steps.values()) else QUEUED
    if plan.state not in SETTLED:
        return PLANNING
    # A step that failed and did not end the job was replaced by something else.
    left = {step.kind for step in steps.values() if step.state not in SETTLED and step.state != FAILED}
    states = {about.state for kind, about in STEP_KINDS.items() if kind in left}
    return next((state for state in ACTIVE_STATES if state in states), ASSEMBLING)
