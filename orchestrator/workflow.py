"""What a job needs next. Pure: the same record gives the same decision, whoever asks and however often.

decide(job, ...) = the film, wanted from its end backwards through `Board.want`
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.job import (
    ASSEMBLING,
    CANCELLED,
    COMPLETED,
    DONE,
    ENDINGS_WITH_FILM,
    FAILED,
    GATHERING,
    JOB_MOVES,
    PARTIAL,
    PLANNING,
    QUEUED,
    READY,
    RENDERING,
    RUNNING,
    SETTLED,
    TERMINAL,
    Change,
    Failure,
    Job,
    Step,
)
from common.contracts.steps import AssembleFacts, kind_of, parse_facts
from orchestrator.engine.capabilities import Fleet
from orchestrator.engine.memo import Memo
from orchestrator.engine.working_copy import Board, IllegalMoveError, Rules, pins_json
from orchestrator.film.film import Canvas, Film

LOOK_AGAIN = 30_000
"Milliseconds: an active job is looked at this often even if nothing happens."
FLEET_LOOK = 1_000
"... and this often while it waits for a worker to appear."


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

    @property
    def asks(self) -> bool:
        return bool(self.missing or self.unknown or self.doubted)


def decide(
    job: Job,
    bodies: Mapping[str, bytes],
    known: Mapping[str, str | None],
    fleet: Fleet,
    canvas: Canvas,
    rules: Rules,
    now: int,
    memo: Memo | None = None,
    vanished: frozenset[str] = frozenset(),
    seen: Collection[str] = (),
) -> Decision:
    """The next move of a job that has not ended. `now` is in milliseconds of Redis' clock.

    `memo` is that of earlier looks at the same job, if it was kept; `vanished` are the keys of objects that an earlier
    decision asked for and that are not there, `seen` of those it doubted without reason.
    """
    board = Board(job, bodies, known, rules, now, fleet, Memo() if memo is None else memo, vanished, seen)
    head: dict[str, Any] = {}
    if job.cancel:
        _end(board, head, CANCELLED)
    elif now >= job.deadline and not _published(job):
        _end(board, head, FAILED, _too_late(job))
    elif job.started:
        film = Film(board, canvas)
        film.want()
        if board.questions:
            return Decision(_nothing(job), board.missing, frozenset(board.unknown), frozenset(board.doubted))
        if now >= job.deadline and not film.published:
            # What was published is an earlier version. What was wanted of this one is not to be saved.
            board = Board(job, bodies, known, rules, now, fleet, board.memo, vanished, seen)
            _end(board, head, FAILED, _too_late(job))
        else:
            _go_on(board, head, film)
    return Decision(_change(board, head), {}, frozenset())


def ending(job: Job, change: Change) -> dict[str, Any]:
    """What the record of the version is to say once `change` has ended the job; empty if it does not."""
    state = change.head.get("state")
    if state not in TERMINAL:
        return {}
    ended = {"state": state, "finished": change.head["finished"], "video": "", "thumbnail": "", "seconds": 0.0}
    if state in ENDINGS_WITH_FILM:
        facts = change.steps.get("assemble", {}).get("facts") or job.steps["assemble"].facts
        film: AssembleFacts = parse_facts("assemble", facts)
        pins = json.loads(change.head["pins"]) if "pins" in change.head else job.pins
        ended |= {"video": film.media.model_dump_json(), "thumbnail": film.thumbnail.model_dump_json()}
        ended["seconds"] = pins["seconds"]
    return ended


def stage(steps: Mapping[str, Step]) -> str:
    """Where a job stands that goes on: the earliest stage with work left."""
    plan = steps.get("plan")
    if plan is None or plan.state == READY:
        return QUEUED
    if plan.state not in SETTLED:
        return PLANNING
    # A step that failed and did not end the job was replaced by something else.
    left = {kind_of(name) for name, step in steps.items() if step.state not in SETTLED and step.state != FAILED}
    if left & {"speak", "search", "acquire", "cast"}:
        return GATHERING
    if left & {"segment", "mix"}:
        return RENDERING
    return ASSEMBLING


def _go_on(board: Board, head: dict[str, Any], film: Film) -> None:
    job = board.job
    failure = film.failure()
    if failure is not None:
        _end(board, head, FAILED, failure)
    elif film.published:
        _end(board, head, PARTIAL if board.pins.get("dropped") else COMPLETED)
    else:
        head["state"] = stage(board.steps)
    if film.storyboard is not None and film.storyboard != job.storyboard:
        head["storyboard"] = film.storyboard.model_dump_json()
    if job.looked != job.version:
        head["looked"] = job.version


def _published(job: Job) -> bool:
    """Whether a film was published, which may be that of an earlier version."""
    publish = job.steps.get("publish")
    return publish is not None and publish.state == DONE


def _too_late(job: Job) -> Failure:
    again = f"POST /mcp/resume/{job.id}"
    if job.started:
        told = f"the job did not end within its time limit (JOB_TIMEOUT); {again} goes on with what is done"
    else:
        told = f"the job did not get its turn within its time limit (QUEUE_SECONDS); {again} lets it wait once more"
    return Failure(code="deadline", message=told)


def _end(board: Board, head: dict[str, Any], state: str, failure: Failure | None = None) -> None:
    board.skip_rest()
    head.update(state=state, finished=board.now)
    if failure is not None:
        head["failure"] = failure.model_dump_json()


def _nothing(job: Job) -> Change:
    return Change(head={}, steps={}, ready={}, unready={}, events=(), look=job.deadline)


def _change(board: Board, head: dict[str, Any]) -> Change:
    job = board.job
    if board.pins != job.pins:
        head["pins"] = pins_json(board.pins)
    if head.get("state") == job.state:
        del head["state"]
    if "state" in head and head["state"] not in JOB_MOVES[job.state]:
        raise IllegalMoveError(f"a job cannot go from {job.state} to {head['state']}")
    events: list[tuple[str, Mapping[str, Any]]] = [
        ("step", _event(step)) for step in board.changes() if _moved(job.steps.get(step.name), step)
    ]
    if "state" in head:
        events.append(("job", {"state": head["state"]} | ({"failure": head["failure"]} if "failure" in head else {})))
    return Change(
        head=head,
        steps=board.patches(),
        ready=board.ready(),
        unready=board.unready(),
        events=tuple(events),
        look=_next_look(board),
        specs=board.told(),
        forget=tuple(sorted(board.forget)),
    )


def _moved(before: Step | None, after: Step) -> bool:
    return before is None or before.state != after.state or before.work != after.work


def _event(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"step": step.name, "state": step.state}
    if step.state == DONE and step.name != "cast":
        data["reused"] = True  # a decision runs nothing
    if step.failure is not None and step.state in (READY, FAILED):
        data["code"], data["message"] = step.failure.code, step.failure.message
    return data


def _next_look(board: Board) -> int:
    """The first moment at which time alone changes what should be done."""
    job = board.job
    if not job.started:
        return job.deadline
    looks = [board.now + LOOK_AGAIN, job.deadline]
    # A lease that is over already belongs to a step nobody wants now; looking again would not change that.
    looks += [step.lease + 1 for step in board.steps.values() if step.state == RUNNING and step.lease > board.now]
    ready = (kind_of(step.name) for step in board.steps.values() if step.state == READY)
    if board.offers.waits or any(kind in board.offers.away for kind in ready):
        looks.append(board.now + FLEET_LOOK)
    return max(min(looks), board.now + 1)
