"""Scenes, shots and candidates of a film as JSON: the state of each, its picture, and the reason for it. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from api.views.film_state import (
    cast_of,
    facts_of,
    left_out,
    narration_of,
    own_media,
    rendered_scene,
    segments_of,
    unusable,
)
from api.views.progress import mean_share
from common.contracts.footage import OWN, Candidate, Footage, is_pick
from common.contracts.job import CANCELLED, DONE, FAILED, GATHERING, READY, RUNNING, SKIPPED, UNDER_WAY, Job, Step
from common.contracts.kinds import STEP_KINDS, Per
from common.contracts.names import Kind, StepName
from common.contracts.sources import words_for
from common.contracts.steps import Rejection, SearchFacts
from common.contracts.storyboard import Scene, Shot

RENDERED = "rendered"
SCENE_FAILED = "failed"
GATHERING_KINDS = tuple(
    kind for kind, about in STEP_KINDS.items() if about.state == GATHERING and about.per is not Per.FILM
)
"Kinds of steps that bring what a scene is rendered from, in order."


def scene_view(job: Job, scene: Scene) -> dict[str, Any]:
    """One scene: its state, and its shots with the reasons for what they show."""
    segments = segments_of(job, scene.id)
    why = left_out(job).get(scene.id)
    state = "left out" if why is not None else _scene_state(job, scene, segments)
    view = {
        "id": scene.id,
        "narration": scene.narration,
        "card": scene.card.kind if scene.card is not None else None,
        "state": state,
        "progress": round(100 * mean_share(job, segments)) if why is None else 0,
        "shots": [shot_view(job, shot) for shot in scene.shots],
        **_heard(job, scene),
    }
    problem = _failure(job, scene) if state == SCENE_FAILED else why
    return {**view, "problem": problem} if problem is not None else view


def _heard(job: Job, scene: Scene) -> dict[str, Any]:
    """Whence the times of the words are, and how much of them was misheard, once they are spoken."""
    narration = narration_of(job, scene.id)
    return {"timed_by": narration.timed_by, "misread": narration.misread} if narration is not None else {}


def shot_view(job: Job, shot: Shot) -> dict[str, Any]:
    """One shot: what it asked for, what it got and why."""
    view: dict[str, Any] = {
        "id": shot.id,
        "show": shot.show,
        "footage": None,
        "why": "",
        "avoid": list(shot.avoid),
        "notes": _notes(job, shot),
    }
    step = job.steps.get(StepName.of(Kind.ACQUIRE, shot.id))
    if step is not None and step.state == DONE:
        footage: Footage = facts_of(step)
        view["footage"] = {"kind": footage.kind, **footage.provenance.model_dump()}
        view["why"] = _why(job, shot, footage.provenance.provider)
    elif step is not None:
        view |= {"waits_for": step.note} if step.ticket and step.note else {}
        view |= {"problem": step.failure.message} if step.failure is not None else {}
    return view


def candidate_view(job: Job, shot: str, candidate: Candidate) -> dict[str, Any]:
    """Something that was found for a shot, and what became of it."""
    cast = cast_of(job)
    return {
        "id": candidate.id,
        "kind": candidate.kind,
        "provider": candidate.provenance.provider,
        "score": round(candidate.score, 3),
        "width": candidate.width,
        "height": candidate.height,
        "seconds": candidate.seconds,
        "page_url": candidate.provenance.page_url,
        "credit": candidate.provenance.credit,
        "shown": cast.chosen.get(shot) == candidate.id,
        "unusable": unusable(cast, shot, candidate.id) or None,
    }


# states


def _scene_state(job: Job, scene: Scene, segments: Sequence[Step]) -> str:
    if rendered_scene(job, scene.id) is not None:
        return RENDERED
    states = {step.state for step in segments}
    if RUNNING in states:
        return STEP_KINDS[Kind.SEGMENT].verb
    if READY in states:
        return "queued for rendering"
    if job.state == CANCELLED:
        return "cancelled"
    gathering = _gathering(job, scene)
    # While the job goes on, something else is done instead of what failed.
    if job.terminal and any(step.state == FAILED for step in (*gathering, *segments)):
        return SCENE_FAILED
    return _gathering_state(gathering)


def _gathering_state(steps: Sequence[Step]) -> str:
    """The state of a scene of which nothing is rendered yet: the latest work that goes on for it, if any does."""
    under_way = {step.kind for step in steps if step.state in UNDER_WAY}
    for kind in reversed(GATHERING_KINDS):
        if kind in under_way:
            return STEP_KINDS[kind].verb
    wanted = [step for step in steps if step.state != SKIPPED]
    return "gathered" if wanted and all(step.state == DONE for step in wanted) else "waiting"


def _gathering(job: Job, scene: Scene) -> list[Step]:
    """The steps, as far as there are any, that bring what the scene is rendered from."""
    return [job.steps[name] for name in _gathering_names(scene) if name in job.steps]


def _gathering_names(scene: Scene) -> Iterator[StepName]:
    for per, subject in ((Per.SCENE, scene.id), *((Per.SHOT, shot.id) for shot in scene.shots)):
        yield from (StepName.of(kind, subject) for kind in GATHERING_KINDS if STEP_KINDS[kind].per is per)


def _failure(job: Job, scene: Scene) -> str:
    """The reason why a scene failed; whatever ended the job comes first."""
    failed = [step for step in (*_gathering(job, scene), *segments_of(job, scene.id)) if step.state == FAILED]
    last = job.failure.step if job.failure is not None else ""
    failures = [step.failure for step in sorted(failed, key=lambda step: step.name != last) if step.failure is not None]
    return failures[0].message if failures else "for a reason that was not recorded"


# reasons


def _notes(job: Job, shot: Shot) -> list[str]:
    """Everything that did not work: own media that could not be used, sources that had nothing, and candidates that
    are not shown because the user does not want them.
    """
    own = [rejection for rejection in cast_of(job).rejected.get(shot.id, ()) if rejection.candidate.startswith(OWN)]
    notes = _rejections(shot, own)
    search = job.steps.get(StepName.of(Kind.SEARCH, shot.id))
    if search is not None and search.state == DONE:
        facts: SearchFacts = facts_of(search)
        notes += [f"{note.provider}: {note.problem}" for note in facts.notes]
    return notes + ([f"not shown because you did not want it: {', '.join(shot.avoid)}"] if shot.avoid else [])


def _why(job: Job, shot: Shot, provider: str) -> str:
    """The source of the picture, and how it came to be this one."""
    cast = cast_of(job)
    source = words_for(provider)
    if shot.pick is not None and is_pick(shot.pick, cast.chosen.get(shot.id, "")):
        return f"{source}, and chosen by you"
    rejected = _rejections(shot, cast.rejected.get(shot.id, ()))
    return "; ".join([*rejected, f"{source} instead"]) if rejected else source


def _rejections(shot: Shot, rejected: Sequence[Rejection]) -> list[str]:
    """Sentences about what was to be shown and could not; of own media only that which the shot still asks for."""
    own = own_media(shot)
    yours = "your file" if shot.media is not None and shot.media.asset else "the media at your address"
    reasons = [
        (yours if rejection.candidate == own else rejection.candidate, rejection.why.rstrip("."))
        for rejection in rejected
        if rejection.candidate == own or not rejection.candidate.startswith(OWN)
    ]
    return [f"{name} could not be used ({why})" for name, why in reasons]
