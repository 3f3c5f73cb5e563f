"""Errors for what a version of a job has not got: the reason, and what may help."""

from api.errors import Conflict, Cure, LastGood, NoFilm, Refusal, Remedy, Unknown
from api.views.film_state import left_out
from common.contracts.job import CANCELLED, ENDINGS_WITH_FILM, FAILED, Job

SUPERSEDED = "superseded"


def no_storyboard(job: Job, newest: Job) -> Refusal:
    """For a storyboard that is gone, or was never there."""
    return no_longer_kept(job, "storyboard") if job.storyboard is not None else nothing_yet(job, newest, "storyboard")


def no_longer_kept(job: Job, what: str, *cures: Cure) -> Unknown:
    return Unknown("no_longer_kept", f"the {what} of version {job.version} cannot be found any more", *cures)


def nothing_yet(job: Job, newest: Job, what: str) -> Conflict:
    """For what is still to come, or will not come by itself because the version has ended without it."""
    if ending := _ending(job, newest):
        return Conflict(job.state, f"{ending}; it has no {what}", _going_on(job, newest))
    return Conflict("not_finished", f"the {what} is not ready yet (the job is {job.state})", _waiting(job))


def no_film(job: Job, newest: Job, last_good: LastGood | None) -> NoFilm:
    """For the film itself, in whose place there may be an earlier one."""
    error = nothing_yet(job, newest, "video")
    earlier = [Cure(Remedy.EARLIER_FILM, last_good.job, last_good.version)] if last_good is not None else []
    return NoFilm(error.code, str(error), *error.cures, *earlier, last_good=last_good)


def not_rendered(job: Job, newest: Job, scene: str) -> Refusal:
    """For a scene that is still to come, or will not come by itself."""
    if (why := left_out(job).get(scene)) is not None:
        message = f"scene {scene} was left out of the film ({why.rstrip('.')}) and will not come by itself"
        return Conflict("left_out", message, _going_on(job, newest))
    if ending := _ending(job, newest):
        return Conflict(job.state, f"{ending}; scene {scene} was not rendered until then", _going_on(job, newest))
    if job.state in ENDINGS_WITH_FILM:
        return no_longer_kept(job, f"scene {scene}")
    return Conflict("not_finished", f"scene {scene} is not rendered yet", _waiting(job))


def _ending(job: Job, newest: Job) -> str:
    """The end, in words, of a version without a film; empty for others."""
    which = "the job" if newest.version == 1 else f"version {job.version}"
    why = job.failure.message if job.failure else "for a reason that was not recorded"
    endings = {
        CANCELLED: f"{which} was cancelled",
        FAILED: f"{which} failed: {why}",
        SUPERSEDED: f"{which} was superseded before it was finished",
    }
    return endings.get(job.state, "")


def _going_on(job: Job, newest: Job) -> Cure:
    if job.version != newest.version:
        return Cure(Remedy.RESTORE, job.id, job.version)
    return Cure(Remedy.RESUME if job.terminal else Remedy.RESUME_LATER, job.id)


def _waiting(job: Job) -> Cure:
    return Cure(Remedy.FOLLOW, job.id)
