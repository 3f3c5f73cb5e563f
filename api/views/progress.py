"""Progress of a job, in percent and in words. Pure.

Progress is computed from the steps. Within a version it never goes back: a step keeps the highest share it ever
reached, and the list of steps is complete as soon as the storyboard is there.
"""

from collections.abc import Sequence

from api.views.film_state import left_out, segment_name, segments_of
from common.contracts.job import DONE, ENDINGS_WITH_FILM, QUEUED, READY, SKIPPED, UNDER_WAY, Job, Step
from common.contracts.job_kinds import Makes, kind_of_job
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import Kind, StepName
from common.contracts.storyboard import Storyboard

PLANNED = 5.0
"Percent that planning is worth."
UNFINISHED = 99
"A job that has not ended never shows more."


def progress(job: Job, storyboard: Storyboard | None = None) -> int:
    """0 to 100; 100 only for a finished film, or whatever else the job makes.

    The storyboard shows which steps still belong to a job that ended without a film; without it all are counted.
    """
    if job.state in ENDINGS_WITH_FILM:
        return 100
    if kind_of_job(job.kind).makes is not Makes.FILM:
        return min(UNFINISHED, int(100 * mean_share(job, list(job.steps.values()))))
    if job.storyboard is None:
        plan = job.steps.get(Kind.PLAN)
        return int(PLANNED * 0.9 * share(job, plan)) if plan is not None else 0
    counted = _counted(job, storyboard)
    total = sum(STEP_KINDS[step.kind].weight for step in counted)
    # The user's own footage may prove unusable; the search for something else is reckoned with from the first.
    total += STEP_KINDS[Kind.SEARCH].weight * sum(_may_need_search(job, step) for step in counted)
    done = sum(STEP_KINDS[step.kind].weight * _done(job, step) for step in counted)
    return min(UNFINISHED, int(PLANNED + (100 - PLANNED) * done / total)) if total else int(PLANNED)


def current_step(job: Job) -> str:
    """The work that is being done, in words: `rendering 3/8`."""
    if job.terminal:
        return job.state
    if job.state == QUEUED:
        return QUEUED if job.started else "waiting for a place"
    for kind, about in STEP_KINDS.items():
        steps = [step for step in job.steps.values() if step.kind == kind and step.state != SKIPPED]
        if about.verb and any(step.state in UNDER_WAY for step in steps):
            done = sum(step.state == DONE for step in steps)
            return f"{about.verb} {done}/{len(steps)}" if len(steps) > 1 else about.verb
    return job.state  # between two steps


def waiting_for(job: Job) -> str | None:
    """The trouble of our own that steps wait out, in words (`the disk of the worker is full`), if there is any."""
    waits = (step.failure for step in job.steps.values() if step.state == READY and not job.terminal)
    return next((failure.message for failure in waits if failure is not None and failure.outage), None)


def share(job: Job, step: Step) -> float:
    """The share of the step that is done for this version, 0 to 1; nothing of a scene that was left out remains."""
    if step.state == DONE or step.scene in left_out(job):
        return 1.0
    return step.progress if step.ran_version == job.version else 0.0


def mean_share(job: Job, steps: Sequence[Step]) -> float:
    """The mean share of several steps; 0 for none."""
    return sum(share(job, step) for step in steps) / len(steps) if steps else 0.0


def _counted(job: Job, storyboard: Storyboard | None) -> list[Step]:
    """The steps that have a part in the progress bar."""
    steps = [step for step in job.steps.values() if STEP_KINDS[step.kind].counted and _represents(step)]
    if storyboard is not None:
        subjects = _subjects(storyboard)
        return [step for step in steps if StepName(step.name).subject in subjects]
    return [step for step in steps if job.terminal or _belongs(job, step)]


def _represents(step: Step) -> bool:
    """The first segment of a scene stands for all of them: their number is known only when the words are spoken."""
    return step.kind != Kind.SEGMENT or step.name == segment_name(step.scene, 0)


def _subjects(storyboard: Storyboard) -> set[str]:
    """Subjects of steps: the film, its scenes, the first part of each, and its shots."""
    scenes = {scene.id for scene in storyboard.scenes}
    shots = {shot.id for scene in storyboard.scenes for shot in scene.shots}
    return {"", *scenes, *shots, *(segment_name(scene, 0).subject for scene in scenes)}


def _belongs(job: Job, step: Step) -> bool:
    """False for a step that the running version does without."""
    return step.state != SKIPPED or step.ran_version == job.version or step.scene in left_out(job)


def _may_need_search(job: Job, step: Step) -> bool:
    return step.kind == Kind.ACQUIRE and StepName(step.name).with_kind(Kind.SEARCH) not in job.steps


def _done(job: Job, step: Step) -> float:
    return mean_share(job, segments_of(job, step.scene)) if step.kind == Kind.SEGMENT else share(job, step)
