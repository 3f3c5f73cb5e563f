"""The state of a film, read from the record of its job: the casting, and the steps that render a scene. Pure."""

import functools
from itertools import count, takewhile
from typing import Any

from common.contracts.footage import own_id
from common.contracts.job import DONE, SKIPPED, Job, Step
from common.contracts.kinds import parse_facts
from common.contracts.names import Kind, StepName
from common.contracts.narration import Narration
from common.contracts.steps import CastFacts
from common.contracts.storyboard import Shot


def facts_of(step: Step) -> Any:
    """The facts of a step that has some."""
    return _parsed(step.kind, step.facts)


@functools.lru_cache(maxsize=4096)
def _parsed(kind: str, text: str) -> Any:
    """Facts never change, and whoever follows a job asks for the same ones again and again."""
    return parse_facts(kind, text)


def cast_of(job: Job) -> CastFacts:
    """The casting as far as it is settled."""
    step = job.steps.get(Kind.CAST)
    cast: CastFacts = facts_of(step) if step is not None and step.facts else CastFacts()
    return cast


def own_media(shot: Shot) -> str:
    """The candidate id of the user's own media for the shot; empty when the shot has none."""
    return own_id(shot.media) if shot.media is not None else ""


def shown_in(cast: CastFacts, shot: Shot) -> str:
    """The id of what the shot shows: the user's own media, or a candidate; empty while that is not settled."""
    own = own_media(shot)
    if own and all(rejection.candidate != own for rejection in cast.rejected.get(shot.id, ())):
        return own
    return cast.chosen.get(shot.id, "")


def unusable(cast: CastFacts, shot: str, candidate: str) -> str:
    """The reason why the shot cannot show the candidate; empty while nothing is known against it."""
    here = cast.rejected.get(shot, ())
    elsewhere = (rejection for found in cast.rejected.values() for rejection in found if not rejection.unrendered)
    return next((rejection.why for rejection in (*here, *elsewhere) if rejection.candidate == candidate), "")


def left_out(job: Job) -> dict[str, str]:
    """The scenes the film is made without, and why."""
    return dict(job.pins.left_out)


def segment_name(scene: str, number: int) -> StepName:
    """The step that renders a part of a scene, counted from 0."""
    return StepName.of_part(Kind.SEGMENT, scene, number)


def segments_of(job: Job, scene: str) -> list[Step]:
    """The steps that render a scene, in order, as far as they belong to this version."""
    names = takewhile(job.steps.__contains__, (segment_name(scene, number) for number in count()))
    steps = [job.steps[name] for name in names]
    return [step for number, step in enumerate(steps) if not number or step.state != SKIPPED]


def rendered_scene(job: Job, scene: str) -> Step | None:
    """The step that has made the whole scene: its one segment, or the join of several. None until it is done."""
    segments = segments_of(job, scene)
    whole = job.steps.get(StepName.of(Kind.SCENE, scene)) if len(segments) > 1 else next(iter(segments), None)
    return whole if whole is not None and whole.state == DONE else None


def narration_of(job: Job, scene: str) -> Narration | None:
    """The narration of a scene, spoken or recorded; None until it is there, and for a scene without one."""
    steps = (job.steps.get(StepName.of(kind, scene)) for kind in (Kind.TAKE, Kind.SPEAK))
    done = (step for step in steps if step is not None and step.state == DONE and step.facts)
    found: Narration | None = next((facts_of(step) for step in done), None)
    return found
