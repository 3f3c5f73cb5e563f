"""The one table of step kinds: queue, spec and facts, recipe, share of the progress, and what follows from them.

Code that needs to know something about a kind of step reads `STEP_KINDS`; `StepName` builds and reads names of steps.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from common.contracts.base import Contract, canonical_json
from common.contracts.footage import Footage
from common.contracts.job import ASSEMBLING, GATHERING, PLANNING, RENDERING
from common.contracts.names import Kind
from common.contracts.narration import Narration
from common.contracts.steps import (
    AcquireSpec,
    AssembleFacts,
    AssembleSpec,
    CastFacts,
    FitFacts,
    FitSpec,
    HearFacts,
    HearSpec,
    MarkFacts,
    MarkSpec,
    MixFacts,
    MixSpec,
    PlanFacts,
    PlanSpec,
    PublishFacts,
    PublishSpec,
    SceneFacts,
    SceneSpec,
    SearchFacts,
    SearchSpec,
    SegmentFacts,
    SegmentSpec,
    SpeakSpec,
    TakeSpec,
)


class Per(StrEnum):
    """The unit of a film that has one step of a given kind."""

    FILM = "film"
    SCENE = "scene"
    SHOT = "shot"
    PART = "part"


class Tool(StrEnum):
    """A program or a model that a kind of step is tied to: another one, or another version of it, gives other bytes."""

    NONE = ""
    FFMPEG = "ffmpeg"
    "The ffmpeg build: all that is encoded for a film must come from the same one."
    SPEECH = "speech"
    "The speech engine: a speaker has one voice."
    HEARING = "hearing"
    "The recogniser and its model: another one hears other words."


class StepKind(NamedTuple):
    """Everything the system knows about a kind of step."""

    queue: str
    "Empty for a kind that the orchestrator decides by itself."
    spec: type[Contract]
    facts: type[Contract]
    recipe: int
    per: Per
    state: str
    "State of a job whose earliest unfinished step is of this kind."
    verb: str
    "Wording in the status; empty for a kind that takes no time."
    weight: float
    "Share of the progress bar, relative to the other kinds."
    counted: bool = True
    "True if it has a part in the progress bar. Planning has its own share; other exceptions take no time."
    delivered: bool = False
    "True if it makes what the user ordered, which is kept with the job; the others make parts of that."
    tool: Tool = Tool.NONE
    late: bool = False
    "True if quick and needed only at the end: after a job's long steps, it fills the gap that these leave."
    reuse: int = 7 * 24 * 3600
    "Seconds for which the same work, of any job of the owner, is not done again; 0: never shared."

    def known_for(self, reuse_seconds: float) -> int:
        """Seconds for which a result stays known to other jobs if the settings allow `reuse_seconds`."""
        return int(min(self.reuse, reuse_seconds))


STEP_KINDS: Mapping[str, StepKind] = {
    Kind.FIT: StepKind("speech", FitSpec, FitFacts, 1, Per.FILM, PLANNING, "timing the recording", 1.0, counted=False),
    Kind.PLAN: StepKind(
        "orchestrate", PlanSpec, PlanFacts, 4, Per.FILM, PLANNING, "planning", 2.0, counted=False, delivered=True
    ),
    Kind.SPEAK: StepKind("speech", SpeakSpec, Narration, 4, Per.SCENE, GATHERING, "speaking", 0.5, tool=Tool.SPEECH),
    Kind.TAKE: StepKind("speech", TakeSpec, Narration, 1, Per.SCENE, GATHERING, "cutting the recording", 0.5),
    Kind.SEARCH: StepKind(
        "retrieve", SearchSpec, SearchFacts, 3, Per.SHOT, GATHERING, "searching footage", 0.5, reuse=3600
    ),
    Kind.CAST: StepKind("", CastFacts, CastFacts, 1, Per.FILM, GATHERING, "", 0.1, counted=False),
    Kind.ACQUIRE: StepKind("retrieve", AcquireSpec, Footage, 6, Per.SHOT, GATHERING, "fetching footage", 1.0),
    Kind.MARK: StepKind("render", MarkSpec, MarkFacts, 1, Per.FILM, GATHERING, "drawing the watermark", 0.2),
    Kind.SEGMENT: StepKind(
        "render", SegmentSpec, SegmentFacts, 9, Per.PART, RENDERING, "rendering", 10.0, tool=Tool.FFMPEG
    ),
    Kind.SCENE: StepKind(
        "render",
        SceneSpec,
        SceneFacts,
        2,
        Per.SCENE,
        ASSEMBLING,
        "joining scenes",
        0.5,
        counted=False,
        tool=Tool.FFMPEG,
    ),
    Kind.MIX: StepKind(
        "render", MixSpec, MixFacts, 4, Per.FILM, RENDERING, "mixing sound", 4.0, tool=Tool.FFMPEG, late=True
    ),
    Kind.ASSEMBLE: StepKind(
        "render",
        AssembleSpec,
        AssembleFacts,
        5,
        Per.FILM,
        ASSEMBLING,
        "assembling",
        2.0,
        delivered=True,
        tool=Tool.FFMPEG,
    ),
    Kind.PUBLISH: StepKind(
        "orchestrate", PublishSpec, PublishFacts, 1, Per.FILM, ASSEMBLING, "publishing", 0.5, delivered=True, reuse=0
    ),
    Kind.HEAR: StepKind("speech", HearSpec, HearFacts, 1, Per.FILM, GATHERING, "listening", 1.0, tool=Tool.HEARING),
}
"Rows in the order of `Kind`. Raise a recipe's number when the same spec would now give different bytes."

NEEDS_BUILD = frozenset(kind for kind, about in STEP_KINDS.items() if about.tool == Tool.FFMPEG)
NEEDS_ENGINE = frozenset(kind for kind, about in STEP_KINDS.items() if about.tool == Tool.SPEECH)
DELIVERED = frozenset(kind for kind, about in STEP_KINDS.items() if about.delivered)
LATE = frozenset(kind for kind, about in STEP_KINDS.items() if about.late)


def kinds_of(queue: str) -> list[str]:
    """The kinds whose steps wait in a queue."""
    return [kind for kind, about in STEP_KINDS.items() if about.queue == queue]


def toolchain(kind: str, tool: str = "") -> str:
    """This code's recipe for steps of `kind`, with the tool that they are tied to: `8/9.0-a1`, `2/espeak-ng-1.52`."""
    about = STEP_KINDS[kind]
    return f"{about.recipe}/{tool}" if about.tool else str(about.recipe)


def tool_of(toolchain: str) -> str:
    """The tool in a toolchain; empty for a kind that is tied to none."""
    return toolchain.partition("/")[2]


def spec_fingerprint(kind: str, spec: str, toolchain: str) -> str:
    """The name of the work `spec` asks of a worker with this toolchain: equal work has an equal name, in any job.

    `spec` is canonical JSON: the caller has written it already, and large specs take time to write.
    """
    content = "\n".join((canonical_json(kind), canonical_json(toolchain), spec))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def parse_spec(kind: str, data: bytes | str) -> Any:
    return STEP_KINDS[kind].spec.model_validate_json(data)


def parse_facts(kind: str, data: bytes | str) -> Any:
    return STEP_KINDS[kind].facts.model_validate_json(data)
