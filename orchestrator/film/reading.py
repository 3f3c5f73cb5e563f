"""The documents and facts a film is decided from, parsed once. Pure."""

from collections.abc import Mapping

from common.contracts.base import ObjectRef, fingerprint
from common.contracts.edit import Edit
from common.contracts.kinds import parse_facts
from common.contracts.names import CAST, PLAN, Kind
from common.contracts.request import VideoRequest
from common.contracts.steps import CastFacts
from common.contracts.storyboard import Scene, Storyboard
from orchestrator.engine.documents import body
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.film import specs
from orchestrator.film.brief import Brief, resolve
from orchestrator.film.listening import want_transcripts
from orchestrator.film.profile import OutputDefaults, profiles


def casting_text(copy: WorkingCopy) -> str:
    """The facts of the casting as JSON; empty before there is one."""
    step = copy.steps.get(CAST)
    return step.facts if step is not None else ""


def cast_facts(text: str) -> CastFacts:
    return parse_facts(Kind.CAST, text) if text else CastFacts()


def casting(copy: WorkingCopy) -> CastFacts:
    """The present casting."""
    return cast_facts(casting_text(copy))


def cast_as(copy: WorkingCopy, facts: CastFacts) -> None:
    """Records another casting."""
    copy.record(CAST, fingerprint(Kind.CAST, facts), facts)


def planned(copy: WorkingCopy) -> ObjectRef | None:
    """The storyboard of this version, once it is known."""
    job = copy.job
    if job.base is not None and job.edit is None:
        return job.base
    transcripts = _transcripts(copy)
    if transcripts is None:
        return None
    plan = copy.want(PLAN, specs.plan, job.request, job.base, job.edit, transcripts)
    return plan.storyboard if plan is not None else None


def _transcripts(copy: WorkingCopy) -> Mapping[str, ObjectRef] | None:
    """Those that the first plan is made from; an edit goes by the storyboard. None while they are not all there."""
    if copy.job.base is not None:
        return copy.memo.same("transcripts", {})
    request = body(copy, VideoRequest, copy.job.request)
    return want_transcripts(copy, request) if request is not None else None


def read_brief(copy: WorkingCopy, defaults: OutputDefaults, storyboard: ObjectRef | None) -> Brief | None:
    """The brief of this look; None while a document it needs is not there.

    The first time an edited storyboard is seen, shots that are to show something else lose their footage.
    """
    request = body(copy, VideoRequest, copy.job.request)
    story = body(copy, Storyboard, storyboard) if storyboard is not None else None
    if request is None or story is None or not _edit_carried_out(copy, story):
        return None
    formats = copy.memo(profiles, copy.memo.same("defaults", defaults), request, story)
    left_out = copy.memo.same("left out", copy.pins.left_out)
    return copy.memo(resolve, request, story, formats, copy.memo(_remaining, story, left_out))


def _remaining(story: Storyboard, left_out: Mapping[str, str]) -> tuple[Scene, ...]:
    return tuple(scene for scene in story.scenes if scene.id not in left_out)


def _edit_carried_out(copy: WorkingCopy, story: Storyboard) -> bool:
    """Removes the footage of shots that are to show something else, and forgets what proved unusable for them.

    False while a document it needs is not there.
    """
    job = copy.job
    if job.edit is None or job.base is None or job.storyboard is not None:
        return True
    base, edit = body(copy, Storyboard, job.base), body(copy, Edit, job.edit)
    if base is None or edit is None:
        return False
    before = casting(copy)
    anew = _changed_shots(base, story) | edit.forgiven()
    untouched = copy.steps.get(CAST) is job.steps.get(CAST)
    if anew & (before.chosen.keys() | before.rejected.keys()) and untouched:
        chosen = {shot: candidate for shot, candidate in before.chosen.items() if shot not in anew}
        rejected = {shot: rejections for shot, rejections in before.rejected.items() if shot not in anew}
        cast_as(copy, CastFacts(chosen=chosen, rejected=rejected))
    return True


def _changed_shots(base: Storyboard, story: Storyboard) -> set[str]:
    """Shots that are to show something else than in `base`."""
    before = {shot.id: (shot.show, shot.terms, shot.media) for scene in base.scenes for shot in scene.shots}
    shots = (shot for scene in story.scenes for shot in scene.shots)
    return {shot.id for shot in shots if before.get(shot.id) != (shot.show, shot.terms, shot.media)}
