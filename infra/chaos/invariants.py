"""The invariants that must hold when the faults have stopped and everything has settled.

Pure: looks at a stock of all there is and names everything wrong with it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pydantic import BaseModel

from common.contracts.base import ObjectRef
from common.contracts.job import (
    COMPLETED,
    DONE,
    ENDINGS_WITH_FILM,
    JOB_MOVES,
    QUEUED,
    RUNNING,
    STEP_MOVES,
    WAITING,
    Event,
    Job,
)
from common.contracts.kinds import parse_facts
from common.contracts.names import ASSEMBLE, PUBLISH, Kind, StepName
from common.contracts.steps import CastFacts
from infra.chaos.recovery import Lag

SHOWN = 100
"Characters shown of something long."


@dataclass(frozen=True)
class Found:
    """A stored object as it is; `sha256` is empty if it is not there."""

    sha256: str = ""
    frames: int | None = None
    "Frames of a film or segment, counted by decoding it."
    problem: str = ""


@dataclass(frozen=True)
class Record:
    """One accepted job, its permitted endings, and its outcome."""

    id: str
    may_end: frozenset[str]
    job: Job | None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Stock:
    """Everything the invariants look at."""

    records: Sequence[Record]
    listed: Sequence[str] = ()
    "Ids of all jobs the service knows."
    objects: Mapping[str, Found] = field(default_factory=dict)
    "By `bucket/key`."
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    "Members of the keys in Redis that must be empty when no job runs, by key."
    strays: Sequence[str] = ()
    "Processes without a supervisor, or that work although nothing is to be done."
    folders: Sequence[str] = ()
    "Temporary folders of attempts."
    complaints: Sequence[str] = ()
    "Answers of the service that no fault explains."
    orders: Sequence[str] = ()
    "Faults in the books of the far studio."
    lags: Sequence[Lag] = ()
    "Steps that lost their holders to faults."
    damaged: frozenset[str] = frozenset()
    "Keys of stored objects that a fault has damaged. Nobody need have noticed what nobody read again."


def violations(stock: Stock) -> list[str]:
    """Every broken promise in one line."""
    return [line for check in CHECKS for line in check(stock)]


def ended(stock: Stock) -> Iterator[str]:
    """Every accepted job is there, and ended as asked for."""
    for record in stock.records:
        if record.job is None:
            yield f"{record.id} was accepted and is gone"
        elif not record.job.terminal:
            yield f"{record.id} has not ended: it is {record.job.state}, with {_open_steps(record.job)}"
        elif record.job.state not in record.may_end:
            wanted = " or ".join(sorted(record.may_end))
            yield f"{record.id} is {record.job.state} instead of {wanted}{_why(record.job)}"


def asked_for(stock: Stock) -> Iterator[str]:
    """No job exists that nobody was promised: a repeated order makes no second one."""
    for job in sorted(set(stock.listed) - {record.id for record in stock.records}):
        yield f"{job} exists, but no order was answered with it"


def blameless(stock: Stock) -> Iterator[str]:
    """No input was bad, so nothing may have been given up for a fault of ours."""
    for record, job in _jobs(stock):
        for scene, why in job.pins.left_out.items():
            yield f"{record.id} left out scene {scene}: {why}"
        for step in job.steps.values():
            if step.kind == Kind.CAST and step.facts:
                facts: CastFacts = parse_facts(Kind.CAST, step.facts)
                for shot, rejected in facts.rejected.items():
                    yield f"{record.id} gave up footage of {shot}: {rejected}"


def artefacts(stock: Stock) -> Iterator[str]:
    """Every object a done step points to is there, has the content it was stored with, and can be played."""
    for record, job in _jobs(stock):
        for step in job.steps.values():
            if step.state == DONE and step.facts:
                for line in _wrong_objects(stock, step.name, step.facts):
                    yield f"{record.id}: {step.name}: {line}"
        if job.state in ENDINGS_WITH_FILM:
            yield from (f"{record.id}: {line}" for line in _wrong_film(stock.objects, job))


def histories(stock: Stock) -> Iterator[str]:
    """The event log is a legal path without gaps that ends in the state of the record."""
    for record, job in _jobs(stock):
        yield from (f"{record.id}: {line}" for line in wrong_path(job, record.events))


def nothing_left(stock: Stock) -> Iterator[str]:
    """No lease, key, process or folder outlives the work it was for."""
    for record, job in _jobs(stock):
        for step in job.steps.values():
            if step.state == RUNNING and job.terminal:
                yield f"{record.id} has ended, but {step.name} is still leased to {step.worker}"
    for key, members in stock.keys.items():
        if members:
            yield f"{key} still holds {len(members)}: {', '.join(one[:SHOWN] for one in members[:3])}"
    yield from (f"left running: {stray}" for stray in stock.strays)
    yield from (f"left on disk: {folder}" for folder in stock.folders)


def well_answered(stock: Stock) -> Iterator[str]:
    """The service never gave an answer that no fault explains."""
    yield from stock.complaints


def recovered_in_time(stock: Stock) -> Iterator[str]:
    """Every step that lost its holder to a fault was ready for another one within the time promised."""
    yield from (str(lag) for lag in stock.lags if lag.late)


def paid_once(stock: Stock) -> Iterator[str]:
    """Nothing was ordered twice elsewhere, and nothing goes on there that nobody waits for."""
    for record, job in _jobs(stock):
        for step in job.steps.values():
            if step.ticket and job.terminal:
                yield f"{record.id} has ended, but {step.name} still has the ticket {step.ticket}"
    yield from stock.orders


CHECKS: tuple[Callable[[Stock], Iterable[str]], ...] = (
    ended,
    asked_for,
    blameless,
    artefacts,
    histories,
    nothing_left,
    well_answered,
    paid_once,
    recovered_in_time,
)


def refs_in(value: object) -> Iterator[ObjectRef]:
    """Every pointer to a stored object inside facts."""
    if isinstance(value, ObjectRef):
        yield value
    elif isinstance(value, BaseModel):
        yield from (ref for name in type(value).model_fields for ref in refs_in(getattr(value, name)))
    elif isinstance(value, Mapping):
        yield from (ref for one in value.values() for ref in refs_in(one))
    elif isinstance(value, list | tuple):
        yield from (ref for one in value for ref in refs_in(one))


def wrong_path(job: Job, events: Sequence[Event]) -> Iterator[str]:
    """Illegal moves and gaps in a job's events, which are complete, or trimmed at the start."""
    for before, event in pairwise(events):
        if event.seq != before.seq + 1:
            yield f"event {event.seq} follows event {before.seq}"
    if not events or events[-1].seq != job.seq:
        yield f"the last event is {events[-1].seq if events else 'missing'}, the record counted {job.seq}"
    whole = bool(events) and events[0].seq == 1
    yield from _wrong_states(job, events, whole)
    yield from _wrong_steps(job, events, whole)
    yield from _wrong_tokens(job, events)


def _wrong_states(job: Job, events: Sequence[Event], whole: bool) -> Iterator[str]:
    state = ""
    for event in events:
        if event.type != "job":
            continue
        after = str(event.data["state"])
        if (state and after not in JOB_MOVES[state]) or (whole and not state and after != QUEUED):
            yield f"event {event.seq}: the job went from {state or 'nothing'} to {after}"
        state = after
    if state and state != job.state:
        yield f"the log ends with the job {state}, the record says {job.state}"


def _wrong_steps(job: Job, events: Sequence[Event], whole: bool) -> Iterator[str]:
    states: dict[str, str] = {}
    for event in events:
        if event.type != "step":
            continue
        name, after = str(event.data["step"]), str(event.data["state"])
        before = states.get(name, WAITING if whole else "")
        states[name] = after
        if before and after != before and after not in STEP_MOVES[before]:
            yield f"event {event.seq}: {name} went from {before} to {after}"
        elif before == after == RUNNING:
            yield f"event {event.seq}: {name} was started while it ran"
        elif before and after == DONE and before != RUNNING and not _without_work(event, name):
            yield f"event {event.seq}: {name} was done a second time"
    for name, state in states.items():
        if name in job.steps and job.steps[name].state != state:
            yield f"the log ends with {name} {state}, the record says {job.steps[name].state}"


def _without_work(event: Event, step: str) -> bool:
    return bool(event.data.get("reused")) or StepName(step).kind == Kind.CAST


def _wrong_tokens(job: Job, events: Sequence[Event]) -> Iterator[str]:
    highest = 0
    for event in events:
        token = event.data.get("token")
        if token is not None and event.data.get("state") == RUNNING:
            if int(token) <= highest:
                yield f"event {event.seq}: the token went from {highest} to {token}"
            highest = int(token)
    tokens = [step.token for step in job.steps.values() if step.token]
    if len(set(tokens)) < len(tokens):
        yield "two steps have the same token"
    if max(tokens, default=0) > job.token:
        yield f"a step has token {max(tokens)}, but only {job.token} were given out"


def _wrong_objects(stock: Stock, step: str, facts: str) -> Iterator[str]:
    objects, model = stock.objects, parse_facts(StepName(step).kind, facts)
    for ref in refs_in(model):
        found = objects.get(f"assets/{ref.key}", Found())
        if ref.key in stock.damaged:
            continue
        if not found.sha256:
            yield f"{ref.key} is not there"
        elif found.sha256 != ref.sha256:
            yield f"{ref.key} has other content than was stored"
        elif found.problem:
            yield f"{ref.key} cannot be played: {found.problem}"
    if StepName(step).kind in (Kind.SEGMENT, Kind.ASSEMBLE) and model.media.key not in stock.damaged:
        frames = objects.get(f"assets/{model.media.key}", Found()).frames
        if frames != model.frames:
            yield f"{model.media.key} has {frames} frames instead of {model.frames}"


def _wrong_film(objects: Mapping[str, Found], job: Job) -> Iterator[str]:
    """The film under its public name is the one that was assembled, and all it is made of was done."""
    film, published = job.steps.get(ASSEMBLE), job.steps.get(PUBLISH)
    if film is None or published is None or not film.facts or not published.facts:
        yield f"the job is {job.state}, but nothing was published"
        return
    key = parse_facts(Kind.PUBLISH, published.facts).video_key
    found = objects.get(f"videos/{key}", Found())
    if found.sha256 != parse_facts(Kind.ASSEMBLE, film.facts).media.sha256:
        yield f"videos/{key} is not the film that was assembled"
    if job.state == COMPLETED:
        yield from (f"the job is completed, but {line}" for line in [_open_steps(job)] if line)


def _jobs(stock: Stock) -> Iterator[tuple[Record, Job]]:
    return ((record, record.job) for record in stock.records if record.job is not None)


def _open_steps(job: Job) -> str:
    """Steps that are neither done nor put aside, in words; empty when there are none."""
    found = [
        f"{step.name} {step.state}" for step in job.steps.values() if step.state not in (DONE, "skipped", "failed")
    ]
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")


def _why(job: Job) -> str:
    return f" ({job.failure.step or 'job'}: {job.failure.message})" if job.failure is not None else ""
