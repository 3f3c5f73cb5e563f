"""Changes of a job's record when it is resumed or gets a new version. Pure.

Work that is done stays done. Steps that were given up get fresh attempts, and the record forgets what was left out of
the film because of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from common.contracts.base import ObjectRef, fingerprint
from common.contracts.job import COMPLETED, DONE, FAILED, PARTIAL, REGENERATE, SKIPPED, WAITING, Job, Pins
from common.contracts.names import Kind, StepName
from common.jobs.record import pins_json


class WishOutcome(StrEnum):
    """The store's answer to a wish."""

    OK = "ok"
    UNKNOWN = "unknown"
    "There is no such job."
    NOT_ENDED = "not_ended"
    COMPLETED = "completed"
    "There is nothing left to run."
    STALE = "stale"
    "There is a newer version than the one it was meant for."
    UNPLANNED = "unplanned"
    "The version has no storyboard yet that could be edited."
    CANCELLING = "cancelling"
    REPLAYED = "replayed"
    "The idempotency key is known: `Wishes.answered` has the version."
    UNARCHIVED = "unarchived"
    "The version has ended and must be archived before."
    CONFLICT = "conflict"
    "The job has changed since it was read; read it again."


@dataclass(frozen=True, slots=True)
class Revision:
    """A new version of a video: `base` with the changes of `edit`."""

    cause: str
    "`edit`, `regenerate` or `restore`."
    base: ObjectRef
    edit: ObjectRef | None = None
    pins: Pins | None = None
    "Replace the pins of the job, so that a restored version comes out as it was."
    cast: str | None = None
    "Facts of the casting, likewise."


@dataclass(frozen=True, slots=True)
class Reopening:
    """Changes of a record: fields of its head, and fields of its steps."""

    wish: str
    head: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]]


def resumed(job: Job) -> Reopening | WishOutcome:
    """The job runs on from where it ended. One that is partial gets a new version, so that its film stays readable.

    `NOT_ENDED` or `COMPLETED` when it cannot.
    """
    if not job.terminal:
        return WishOutcome.NOT_ENDED
    if job.state == COMPLETED:
        return WishOutcome.COMPLETED
    head: dict[str, Any] = {"pins": pins_json(replace(job.pins, left_out={}))}
    if job.state == PARTIAL and job.storyboard is not None:
        # The film that was delivered stays a version of its own, whatever becomes of a better one.
        base = job.storyboard.model_dump_json()
        head |= {"version": job.version + 1, "base": base, "edit": "", "storyboard": ""}
    return Reopening("resume", head, _fresh_attempts(job))


def revised(job: Job, version: int, revision: Revision) -> Reopening | WishOutcome:
    """The job gets a new version. `version` is the one that the revision was made for.

    `STALE` or `UNPLANNED` when it cannot; `OK` when it has been done already.
    """
    if job.version != version:
        same = job.version == version + 1 and (job.base, job.edit) == (revision.base, revision.edit)
        return WishOutcome.OK if same else WishOutcome.STALE
    if job.storyboard is None and revision.edit is not None:
        return WishOutcome.UNPLANNED
    head = {
        "version": version + 1,
        "base": revision.base.model_dump_json(),
        "edit": revision.edit.model_dump_json() if revision.edit is not None else "",
        "storyboard": "",
        "pins": pins_json(replace(job.pins, left_out={}) if revision.pins is None else revision.pins),
    }
    steps = _settled_cast(revision.cast)
    if job.terminal:
        head["lane"] = REGENERATE
        steps = _fresh_attempts(job) | steps
    return Reopening(revision.cause, head, steps)


def _fresh_attempts(job: Job) -> dict[str, dict[str, Any]]:
    """Patches that let every step that was given up be tried again, and forget how often others got lost."""
    fresh = {"state": WAITING, "attempt": 0, "losses": 0, "not_before": 0, "failure": ""}
    patches: dict[str, dict[str, Any]] = {name: {"losses": 0} for name, step in job.steps.items() if step.losses}
    return patches | {name: dict(fresh) for name, step in job.steps.items() if step.state in (FAILED, SKIPPED)}


def _settled_cast(facts: str | None) -> dict[str, dict[str, Any]]:
    """A patch that makes `facts` the result of the casting."""
    if facts is None:
        return {}
    done = {"state": DONE, "facts": facts, "work": fingerprint(Kind.CAST, facts), "done": 1}
    return {StepName.of(Kind.CAST): done}
