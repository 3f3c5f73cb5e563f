"""The next decision on a job. Pure: the same record gives the same decision, whoever asks and however often.

decide(job, ...) = the result, wanted by the workflow of its kind through `WorkingCopy.want` as far as inputs are there
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from common.contracts.base import ObjectRef
from common.contracts.job import (
    CANCELLED,
    DONE,
    ELSEWHERE,
    ENDINGS_WITH_FILM,
    FAILED,
    JOB_MOVES,
    READY,
    RUNNING,
    TERMINAL,
    Change,
    Failure,
    Job,
    Step,
    VoiceCast,
)
from common.contracts.job_kinds import JobKind, Makes, kind_of_job
from common.contracts.kinds import parse_facts
from common.contracts.names import ASSEMBLE, CAST, HEAR, SPEAK, Kind, StepName
from common.contracts.preview import PreviewRequest
from common.contracts.steps import AssembleFacts, HearSpec, SpeakSpec
from common.contracts.transcription import TranscriptionRequest
from common.contracts.voice import Speaker
from common.jobs.record import pins_json, pins_of
from orchestrator.engine.attempts import Rules
from orchestrator.engine.capabilities import Fleet
from orchestrator.engine.knowledge import Knowledge
from orchestrator.engine.memo import Memo
from orchestrator.engine.working_copy import IllegalMoveError, WorkingCopy
from orchestrator.film.film import Film
from orchestrator.film.profile import OutputDefaults
from orchestrator.one_step import one_step

LOOK_AGAIN = 30_000
"Milliseconds: an active job is looked at this often even if nothing happens."
FLEET_LOOK = 1_000
"Milliseconds: a job that waits for a worker to appear is looked at this often."


@dataclass(frozen=True)
class Decision:
    """A change to save; or questions to answer before deciding again."""

    change: Change
    "Empty while there are questions."
    missing: Mapping[str, ObjectRef]
    "Objects to read, by key."
    unknown: frozenset[str]
    "Fingerprints of work to look up."
    doubted: frozenset[str] = frozenset()
    "Keys of objects that may be gone."

    unusable: frozenset[str] = frozenset()
    "Keys of objects that are to be taken for gone."

    @property
    def asks(self) -> bool:
        return bool(self.missing or self.unknown or self.doubted or self.unusable)


@dataclass(frozen=True)
class Policy:
    """The server's part in every decision."""

    defaults: OutputDefaults
    rules: Rules


class Workflow(Protocol):
    """The steps that a kind of job wants, and what they have come to. Made for one look at one job."""

    last: StepName
    "The step whose result is that of the job."
    finished: bool
    "After `want`: True if the result is there."

    def want(self) -> None:
        """Wants every step as far as its inputs are there, and settles the others."""
        ...

    def failure(self) -> Failure | None:
        """The reason why there will be no result."""
        ...

    def state(self) -> str:
        """State of the job while it goes on."""
        ...

    def outcome(self) -> str:
        """State of the job once it is finished."""
        ...

    def head(self) -> Mapping[str, Any]:
        """Other fields of the head of the record that have changed."""
        ...


def _spoken(asked: PreviewRequest, cast: VoiceCast) -> SpeakSpec:
    return SpeakSpec(
        text=asked.text,
        language=cast.language,
        voice=cast.voice,
        pace=round(asked.speed, 3),
        pitch=asked.pitch,
        lenient=cast.lenient,
    )


def _want_spoken(copy: WorkingCopy, step: StepName, asked: PreviewRequest) -> Any:
    """The narration of a preview, by the first engine that can speak it."""
    speaker = Speaker(asked.voice, asked.language)
    while (cast := copy.cast(speaker)) is not None:
        narration = copy.want(step, _spoken, asked, cast, toolchain=cast.chain)
        if step not in copy.final or not copy.pass_over(speaker, copy.final[step]):
            return narration
        copy.begin()
    return None


def _heard(asked: TranscriptionRequest) -> HearSpec:
    return HearSpec(asset=asked.asset, language=asked.language, script=" ".join((asked.script or "").split()))


def _want_heard(copy: WorkingCopy, step: StepName, asked: TranscriptionRequest) -> Any:
    return copy.want(step, _heard, asked)


WORKFLOWS: Mapping[str, Callable[[WorkingCopy, Policy], Workflow]] = {
    JobKind.FILM: lambda copy, policy: Film(copy, policy.defaults),
    JobKind.BATCH: lambda copy, policy: Film(copy, policy.defaults),
    JobKind.VOICE_PREVIEW: one_step(SPEAK, PreviewRequest, _want_spoken),
    JobKind.TRANSCRIPTION: one_step(HEAR, TranscriptionRequest, _want_heard),
}


def decide(
    job: Job, knowledge: Knowledge, fleet: Fleet, policy: Policy, now: int, memo: Memo | None = None
) -> Decision:
    """The next move of a job that has not ended. `now` is in milliseconds of Redis' clock.

    `memo` is that of earlier looks at the same job, if it was kept.
    """

    look = job, knowledge, fleet, policy.rules, now, Memo() if memo is None else memo
    copy, head = WorkingCopy(*look), dict[str, Any]()
    workflow = WORKFLOWS[job.kind](copy, policy)
    if job.cancel:
        _end(copy, head, CANCELLED)
    elif now >= job.deadline and not _reached(job, workflow.last):
        _end(copy, head, FAILED, _too_late(job))
    elif job.started:
        workflow.want()
        if copy.questions:
            return _questions(copy)
        if now >= job.deadline and not workflow.finished:
            # What is finished is an earlier version. The wants of this one must not be saved.
            copy = WorkingCopy(*look)
            _end(copy, head, FAILED, _too_late(job))
        else:
            _go_on(copy, head, workflow)
    return Decision(_change(copy, head), {}, frozenset())


def _questions(copy: WorkingCopy) -> Decision:
    doubted, unusable = frozenset(copy.doubted), frozenset(copy.unusable)
    return Decision(_nothing(copy.job), copy.missing, frozenset(copy.unknown), doubted, unusable)


def ending(job: Job, change: Change) -> dict[str, Any]:
    """The outcome to record for the version once `change` has ended the job; empty if it does not."""
    state = change.head.get("state")
    if state not in TERMINAL:
        return {}
    ended = {"state": state, "finished": change.head["finished"], "video": "", "thumbnail": "", "seconds": 0.0}
    if state in ENDINGS_WITH_FILM and kind_of_job(job.kind).makes is Makes.FILM:
        facts = change.steps.get(ASSEMBLE, {}).get("facts") or job.steps[ASSEMBLE].facts
        film: AssembleFacts = parse_facts(Kind.ASSEMBLE, facts)
        pins = pins_of(change.head["pins"]) if "pins" in change.head else job.pins
        ended |= {"video": film.media.model_dump_json(), "thumbnail": film.thumbnail.model_dump_json()}
        ended["seconds"] = pins.seconds
    return ended


def _go_on(copy: WorkingCopy, head: dict[str, Any], workflow: Workflow) -> None:
    failure = workflow.failure()
    if failure is not None:
        _end(copy, head, FAILED, failure)
    elif workflow.finished:
        _end(copy, head, workflow.outcome())
    else:
        head["state"] = workflow.state()
    head.update(workflow.head())


def _reached(job: Job, last: StepName) -> bool:
    """True if the last step was done, which may be that of an earlier version."""
    step = job.steps.get(last)
    return step is not None and step.state == DONE


def _too_late(job: Job) -> Failure:
    again = f"POST /mcp/resume/{job.id}"
    if told := kind_of_job(job.kind).too_late:
        pass
    elif job.started:
        told = f"the job did not end within its time limit (JOB_TIMEOUT); {again} goes on with what is done"
    else:
        told = f"the job did not get its turn within its time limit (QUEUE_SECONDS); {again} lets it wait once more"
    return Failure(code="deadline", message=told)


def _end(copy: WorkingCopy, head: dict[str, Any], state: str, failure: Failure | None = None) -> None:
    copy.skip_rest()
    head.update(state=state, finished=copy.now)
    if failure is not None:
        head["failure"] = failure.model_dump_json()


def _nothing(job: Job) -> Change:
    return Change(head={}, steps={}, ready={}, unready={}, events=(), look=job.deadline)


def _change(copy: WorkingCopy, head: dict[str, Any]) -> Change:
    job = copy.job
    if copy.pins != job.pins:
        head["pins"] = pins_json(copy.pins)
    if head.get("state") == job.state:
        del head["state"]
    if "state" in head and head["state"] not in JOB_MOVES[job.state]:
        raise IllegalMoveError(f"a job cannot go from {job.state} to {head['state']}")
    events: list[tuple[str, Mapping[str, Any]]] = [
        ("step", _event(step)) for step in copy.changes() if _moved(job.steps.get(step.name), step)
    ]
    if "state" in head:
        events.append(("job", {"state": head["state"]} | ({"failure": head["failure"]} if "failure" in head else {})))
    return Change(
        head=head,
        steps=copy.patches(),
        ready=copy.ready(),
        unready=copy.unready(),
        events=tuple(events),
        look=_next_look(copy),
        specs=copy.due_specs(),
        forget=tuple(sorted(copy.forget)),
    )


def _moved(before: Step | None, after: Step) -> bool:
    return before is None or before.state != after.state or before.fingerprint != after.fingerprint


def _event(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"step": step.name, "state": step.state}
    if step.state == DONE and step.name != CAST:
        data["reused"] = True  # a decision runs nothing
    if step.failure is not None and step.state in (READY, FAILED):
        data["code"], data["message"] = step.failure.code, step.failure.message
    return data


def _next_look(copy: WorkingCopy) -> int:
    """The first moment at which time alone changes what should be done."""
    job = copy.job
    if not job.started:
        return job.deadline
    looks = [copy.now + LOOK_AGAIN, job.deadline]
    # A lease that is over already belongs to a step nobody wants now; looking again would not change that.
    looks += [step.lease + 1 for step in copy.steps.values() if step.state == RUNNING and step.lease > copy.now]
    waiting = [step.not_before for step in copy.steps.values() if step.state in ELSEWHERE]
    looks += [time for time in (*waiting, *([copy.patience] if waiting else ())) if time > copy.now]
    ready = (step.kind for step in copy.steps.values() if step.state == READY)
    if copy.pinning.waits or any(kind in copy.pinning.away for kind in ready):
        looks.append(copy.now + FLEET_LOOK)
    return max(min(looks), copy.now + 1)
