"""The job record: one job, its steps, and the only moves either may make.

Plain dataclasses, not pydantic: the reconciler reads thousands of them a second, and they are written
by our own scripts only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.contracts.base import Contract, ObjectRef
from common.contracts.names import StepName

QUEUED, PLANNING, GATHERING, RENDERING, ASSEMBLING = "queued", "planning", "gathering", "rendering", "assembling"
COMPLETED, PARTIAL, FAILED, CANCELLED = "completed", "partial", "failed", "cancelled"

ACTIVE_STATES = (QUEUED, PLANNING, GATHERING, RENDERING, ASSEMBLING)
"States of a job that has not ended, in order."
TERMINAL = frozenset({COMPLETED, PARTIAL, FAILED, CANCELLED})
ENDINGS_WITH_FILM = frozenset({COMPLETED, PARTIAL})

WAITING, READY, RUNNING, DEFERRED, UNKNOWN = "waiting", "ready", "running", "deferred", "unknown"
DONE, SKIPPED = "done", "skipped"

SETTLED = frozenset({DONE, SKIPPED})

# A job can go back a state when an input changes under it (a footage source fails late, an edit), so among the active
# states every move is legal. An ended job stays ended, unless a user wishes otherwise (resume, edit, restore).
JOB_MOVES: Mapping[str, frozenset[str]] = {
    **{state: frozenset(ACTIVE_STATES) | TERMINAL for state in ACTIVE_STATES},
    **{end: frozenset({QUEUED}) for end in TERMINAL},
}

UNDER_WAY = frozenset({READY, RUNNING, DEFERRED, UNKNOWN})
"States of a step that is being done, or about to be."
ELSEWHERE = frozenset({DEFERRED, UNKNOWN})
"States of a step whose work goes on elsewhere, or may: it holds no worker."

# WAITING from anywhere: the inputs of the step are being remade, so it is not known whether it must be, too.
STEP_MOVES: Mapping[str, frozenset[str]] = {
    WAITING: frozenset({READY, DONE, SKIPPED}),
    READY: frozenset({READY, RUNNING, DONE, WAITING, SKIPPED}),
    RUNNING: frozenset({DONE, FAILED, READY, WAITING, DEFERRED, UNKNOWN, SKIPPED}),
    DEFERRED: frozenset({READY, DONE, WAITING, SKIPPED}),
    UNKNOWN: frozenset({READY, DONE, WAITING, FAILED, SKIPPED}),  # READY only for other work, or when it is woken
    DONE: frozenset({READY, DONE, WAITING, SKIPPED}),  # its inputs changed
    FAILED: frozenset({READY, DONE, WAITING, SKIPPED}),
    SKIPPED: frozenset({READY, DONE, WAITING}),
}

PREVIEW, INTERACTIVE, REGENERATE, BATCH = "preview", "interactive", "regenerate", "batch"
LANES: Mapping[str, int] = {PREVIEW: 8, INTERACTIVE: 4, REGENERATE: 4, BATCH: 1}
"Lanes and their shares of the workers while all lanes have work."


class Failure(Contract):
    """The reason for a failure, for people and for programs."""

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    "Seconds."
    step: str = ""
    outage: bool = False
    "Part of our own system was down (Redis, the object store, disk space): no attempt is counted, the step waits."
    missing: str = ""
    "Space-separated keys of stored objects that are gone; whatever made them must make them again."
    subject: str = ""
    "The culprit, if known; see `StepError`."


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work. Times are milliseconds of Redis' clock; 0 means none."""

    name: str
    state: str = WAITING
    fingerprint: str = ""
    "Fingerprint of the spec it was last made ready with."
    attempt: int = 0
    "Attempts with a reported outcome: done, or failed with a reason."
    losses: int = 0
    "Attempts that ended without a report: the worker died, was stopped, or could not reach us."
    token: int = 0
    "Fencing token of the latest claim; only its holder may report."
    lease: int = 0
    "Time at which the holder's claim to the step expires."
    not_before: int = 0
    "Ready: when it may be tried. Deferred: when it is tried again. Unknown: when it is given up."
    progress: float = 0.0
    "Share of the work done, 0 to 1: the highest of all attempts, so it never goes back."
    facts: str = ""
    "JSON of the kind's facts; empty until done."
    failure: Failure | None = None
    reused: bool = False
    "True if done without running, because the same work had been done before."
    worker: str = ""
    toolchain: str = ""
    "The recipe, plus the tool it is tied to, that a worker must have to be given the step."
    ran_version: int = 0
    "Storyboard version for which it was last made ready; if done in a later version, it was reused."
    ticket: str = ""
    "The handler's note about work that goes on elsewhere. It stays until that work has an end or is called off."
    note: str = ""
    "Who or what is waited for, for a reader, while the step is deferred or unknown."

    @property
    def kind(self) -> str:
        return StepName(self.name).kind

    @property
    def scene(self) -> str:
        """The id of the scene it works on; empty for a step of the film."""
        return StepName(self.name).scene


@dataclass(frozen=True, slots=True)
class Passed:
    """A speech engine that was passed over because it could not speak."""

    tool: str
    engine: str
    "Its name."
    why: str
    misread: bool = False
    "True if it spoke, but was not understood."


@dataclass(frozen=True, slots=True)
class VoiceCast:
    """The engine and voice that speak for one wish (`Speaker`) all through a job."""

    chain: str
    "Toolchain of its `speak` steps."
    engine: str = ""
    "Its name; empty while nobody has described it."
    voice: str | None = None
    "Id of the voice within the engine; None: the usual one of the language."
    language: str = ""
    passed: tuple[Passed, ...] = ()
    "Engines that come first and could not speak."
    lenient: bool = False
    "True: no other engine is left, so the narrations are taken as they are."


@dataclass(frozen=True, slots=True)
class Pins:
    """Decisions made once for a whole job, and kept while it goes on."""

    toolchains: Mapping[str, str] = field(default_factory=dict)
    "Toolchain by kind of step. Of `speak`: that of jobs of before, which had one engine."
    casts: Mapping[str, VoiceCast] = field(default_factory=dict)
    "Who speaks, by the key of a `Speaker`."
    build: str = ""
    "The ffmpeg build of all segments and of everything made from them."
    sources: tuple[str, ...] = ()
    "Footage sources, in order of preference."
    pace: float | None = None
    "Pace of the narration; 1.0 is the voice's own rate."
    paced: str = ""
    "Fingerprint of the script for which the pace was fitted to the target."
    left_out: Mapping[str, str] = field(default_factory=dict)
    "Scenes left out of the film, with the reason."
    note: str = ""
    "A remark about the film for its result: a target that was missed, a script without a font."
    seconds: float = 0.0
    "Length of the film."


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the video: its cause and its outcome. The newest is the one being worked on."""

    number: int
    at: int
    "Time at which it was asked for."
    cause: str = "request"
    "`request`, `edit`, `regenerate`, `restore`, or `resume` (of a partial film)."
    storyboard: ObjectRef | None = None
    "None until it is planned."
    state: str = ""
    "Its outcome; empty while in progress, `superseded` if a newer version came before it ended."
    finished: int = 0
    video: ObjectRef | None = None
    thumbnail: ObjectRef | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """The head of the record and its steps."""

    id: str
    owner: str
    state: str
    request: ObjectRef
    created: int
    deadline: int
    kind: str = "film"
    "See `job_kinds.py`."
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    rev: int = 0
    "Counter of all changes except heartbeats and claims."
    decisions: int = 0
    "Counter of decisions that changed something; of two based on the same state only one is saved."
    version: int = 1
    "Version of the storyboard."
    base: ObjectRef | None = None
    "The storyboard an edit starts from or a restore goes back to; None for the first version."
    edit: ObjectRef | None = None
    "Changes to `base` (an `Edit` as JSON); None leaves it as it is."
    storyboard: ObjectRef | None = None
    "Storyboard of this version; None until it is planned."
    versions: Mapping[int, Version] = field(default_factory=dict)
    lane: str = INTERACTIVE
    started: int = 0
    "Time of admission; 0 while it waits for a place among the running jobs."
    decided_version: int = 0
    "The version for which a decision was last saved."
    cancel: bool = False
    "True from the wish to cancel until it is carried out."
    pins: Pins = Pins()
    failure: Failure | None = None
    finished: int = 0
    seq: int = 0
    "Number of the newest event."
    token: int = 0
    steps: Mapping[str, Step] = field(default_factory=dict)

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered change of a job."""

    seq: int
    at: int
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker's description of itself, kept while it lives."""

    id: str
    service: str
    slots: int
    engines: Mapping[str, Any]

    @property
    def toolchains(self) -> dict[str, tuple[str, ...]]:
        """By kind of step. A single one is registered as a text, which is all that the release before reads."""
        offers: Mapping[str, str | list[str]] = self.engines.get("offers", {})
        return {kind: (chains,) if isinstance(chains, str) else tuple(chains) for kind, chains in offers.items()}


@dataclass(frozen=True, slots=True)
class Change:
    """The writes of a decision. Steps and head are patches: changed fields only."""

    head: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]]
    ready: Mapping[str, str]
    "Steps that want a hint, and their queues."
    unready: Mapping[str, str]
    "Steps that no longer want one, and their queues."
    events: tuple[tuple[str, Mapping[str, Any]], ...]
    look: int
    "Time of the next look at the job, in milliseconds."
    specs: Mapping[str, str] = field(default_factory=dict)
    "JSON of the spec of every step that this change makes ready, by step."
    forget: tuple[str, ...] = ()
    "Fingerprints of known work whose objects are gone, so that it is done again."
