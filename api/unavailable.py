"""Errors for what a version of a job has not got: why it is not there, and what may help."""

from collections.abc import Mapping
from typing import Any

from api.errors import Conflict, Unknown
from api.views.film_state import left_out
from common.contracts.job import CANCELLED, ENDINGS_WITH_FILM, FAILED, Job
from common.errors import ReelwrightError

SUPERSEDED = "superseded"


def no_storyboard(job: Job, newest: Job) -> ReelwrightError:
    """Why a job's storyboard cannot be read: it is gone, or was never there."""
    return no_longer_kept(job, "storyboard") if job.storyboard is not None else nothing_yet(job, newest, "storyboard")


def no_longer_kept(job: Job, what: str, instead: str = "") -> Unknown:
    return Unknown("no_longer_kept", f"the {what} of version {job.version} cannot be found any more{instead}")


def nothing_yet(job: Job, newest: Job, what: str, more: Mapping[str, Any] | None = None) -> Conflict:
    """Why a version has not got what was asked for, and what can be done about it."""
    good = more and more.get("last_good_version")
    film = f"; the film of version {good['version']} is there: {good['result']}" if good else ""
    if ending := _ending(job, newest):
        return Conflict(job.state, f"{ending}; it has no {what}; {_going_on(job, newest)}{film}", more)
    told = f"the {what} is not ready yet (the job is {job.state}); poll /mcp/status/{job.id}"
    return Conflict("not_finished", told + film, more)


def not_rendered(job: Job, newest: Job, scene: str) -> ReelwrightError:
    """Why a scene cannot be fetched: it is still to come, or it will not come by itself."""
    if (why := left_out(job).get(scene)) is not None:
        told = f"scene {scene} was left out of the film ({why.rstrip('.')}) and will not come by itself"
        return Conflict("left_out", f"{told}; {_going_on(job, newest)}")
    if ending := _ending(job, newest):
        return Conflict(job.state, f"{ending}; scene {scene} was not rendered until then; {_going_on(job, newest)}")
    if job.state in ENDINGS_WITH_FILM:
        return no_longer_kept(job, f"scene {scene}")
    return Conflict("not_finished", f"scene {scene} is not rendered yet; poll /mcp/status/{job.id}")


def _ending(job: Job, newest: Job) -> str:
    """How a version ended without a film; empty for others."""
    which = "the job" if newest.version == 1 else f"version {job.version}"
    why = job.failure.message if job.failure else "for a reason that was not recorded"
    endings = {
        CANCELLED: f"{which} was cancelled",
        FAILED: f"{which} failed: {why}",
        SUPERSEDED: f"{which} was superseded before it was finished",
    }
    return endings.get(job.state, "")


def _going_on(job: Job, newest: Job) -> str:
    if job.version != newest.version:
        return f"POST /mcp/versions/{job.id}/{job.version}/restore makes it anew"
    when = "" if job.terminal else "once the job has ended, "
    return f"{when}POST /mcp/resume/{job.id} makes what is missing"
