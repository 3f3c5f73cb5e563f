"""What a job needs next. Pure: the same record gives the same decision, whoever asks and however often.

decide(job, ...) = the film, wanted from its end backwards through `Board.want`
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.contracts.base import Contract
from common.contracts.job import (
    ASSEMBLING,
    CANCELLED,
    COMPLETED,
    DONE,
    FAILED,
    GATHERING,
    PLANNING,
    QUEUED,
    READY,
    RENDERING,
    RUNNING,
    SETTLED,
    Change,
    Failure,
    Job,
    Step,
)
from common.contracts.steps import (
    kind_of,
)
from orchestrator.board import Board, Rules, pins_json
from orchestrator.film import Canvas, Film, Fleet

LOOK_AGAIN = 30_000
"Milliseconds: an active job is looked at this often even if nothing happens."
FLEET_LOOK = 1_000
"... and this often while it waits for a worker to appear."


@dataclass(frozen=True)
class Decision:
    """A change to save and specs to store first; or questions to answer before deciding again."""

    change: Change
    specs: Mapping[str, Contract]
    missing: Mapping[str, Any]
    unknown: frozenset[str]


def decide(
    job: Job,
    bodies: Mapping[str, bytes],
    known: Mapping[str, str | None],
    fleet: Fleet,
    canvas: Canvas,
    rules: Rules,
    now: int,
) -> Decision:
    """The next move of a job that has not ended. `now` is in milliseconds of Redis' clock."""
    board = Board(job, bodies, known, rules, now)
    head: dict[str, Any] = {}
    if job.cancel:
        _end(board, head, CANCELLED)
    elif now >= job.deadline:
        _end(board, head, FAILED, Failure(code="deadline", message="the job did not end within its time limit"))
    else:
        Film(board, fleet, canvas).want()
        failed = next((_placed(name, failure) for name, failure in board.final.items()), None)
        published = board.steps.get("publish")
        if failed is not None:
            _end(board, head, FAILED, failed)
        elif published is not None and published.state == DONE:
            _end(board, head, COMPLETED)
        else:
            head["state"] = stage(board.steps)
    return _decision(board, head, fleet)


def stage(steps: Mapping[str, Step]) -> str:
    """Where a job stands that goes on: the earliest stage with work left."""
    plan = steps.get("plan")
    if plan is None or plan.state == READY:
        return QUEUED
    if plan.state != DONE:
        return PLANNING
    # A step that failed and did not end the job was replaced by something else.
    left = {kind_of(name) for name, step in steps.items() if step.state not in SETTLED and step.state != FAILED}
    if left & {"speak", "search", "acquire", "cast"}:
        return GATHERING
    if left & {"segment", "mix"}:
        return RENDERING
    return ASSEMBLING


def _placed(step: str, failure: Failure) -> Failure:
    """The failure with the scene it happened in, counted as people count."""
    scene = step.partition(":")[2].split(".")[0].removeprefix("s")
    told = f"scene {scene}: {failure.message}" if scene else failure.message
    return failure.model_copy(update={"message": told, "step": step})


def _end(board: Board, head: dict[str, Any], state: str, failure: Failure | None = None) -> None:
    board.missing.clear()
    board.unknown.clear()
    board.skip_rest()
    head.update(state=state, finished=board.now)
    if failure is not None:
        head["failure"] = failure.model_dump_json()


def _decision(board: Board, head: dict[str, Any], fleet: Fleet) -> Decision:
    job = board.job
    if board.pins != dict(job.pins):
        head["pins"] = pins_json(board.pins)
        head["build"] = board.pins.get("build", "")
    if head.get("state") == job.state:
        del head["state"]
    steps = board.patches()
    events: list[tuple[str, Mapping[str, Any]]] = [
        ("step", _event(name, board.steps[name])) for name in steps if _moved(job.steps.get(name), board.steps[name])
    ]
    if "state" in head:
        events.append(("job", {"state": head["state"]} | ({"failure": head["failure"]} if "failure" in head else {})))
    change = Change(
        head=head,
        steps=steps,
        ready=board.ready(),
        unready=board.unready(),
        events=tuple(events),
        look=_next_look(board, fleet),
    )
    return Decision(change, board.specs, board.missing, frozenset(board.unknown))


def _moved(before: Step | None, after: Step) -> bool:
    return before is None or before.state != after.state or before.work != after.work


def _event(name: str, step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"step": name, "state": step.state}
    if step.state == DONE and step.reused:
        data["reused"] = True
    if step.failure is not None and step.state in (READY, FAILED):
        data["code"], data["message"] = step.failure.code, step.failure.message
    return data


def _next_look(board: Board, fleet: Fleet) -> int:
    """The first moment at which time alone changes what should be done."""
    looks = [board.now + LOOK_AGAIN, board.job.deadline]
    # A lease that is over already belongs to a step nobody wants now; looking again would not change that.
    looks += [step.lease + 1 for step in board.steps.values() if step.state == RUNNING and step.lease > board.now]
    if not fleet.builds or not fleet.sources:
        looks.append(board.now + FLEET_LOOK)
    return max(min(looks), board.now + 1)
