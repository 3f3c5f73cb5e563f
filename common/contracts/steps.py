"""The steps of a job: the order each one gets (spec), the answer it gives (facts), and the single table of kinds.

A spec is everything a step needs to know, with the checksums of its inputs inside, so the digest of the spec is the
fingerprint of the work. Specs of steps under way are kept in the job record (docs/adr/0006). Everything about a kind of
step is in `STEP_KINDS`; names of steps are built and read by `StepName`.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.footage import Candidate, Footage, ProviderNote, ShotQuery
from common.contracts.job import ASSEMBLING, GATHERING, PLANNING, RENDERING
from common.contracts.names import Kind
from common.contracts.narration import Narration
from common.contracts.request import Style
from common.contracts.timeline import (
    Card,
    MusicCue,
    PictureReport,
    PlacedNarration,
    PlacedWatermark,
    Profile,
    SceneTimeline,
    SegmentRef,
    SoundProfile,
    SoundReport,
    Span,
    SpokenScene,
    TextFrame,
)


class PlanSpec(Contract):
    """A request to plan, or an edit of an earlier storyboard to carry out."""

    request: ObjectRef
    base: ObjectRef | None = None
    "A `Storyboard` as JSON."
    edit: ObjectRef | None = None
    "An `Edit` as JSON."


class PlanFacts(Contract):
    storyboard: ObjectRef
    "A `Storyboard` as JSON."


class SpeakSpec(Contract):
    text: str
    language: str
    voice: str | None
    pace: float
    "1.0 is the voice's own rate."


class SearchSpec(Contract):
    query: ShotQuery


class SearchFacts(Contract):
    candidates: ObjectRef
    "A `CandidateList` as JSON."
    count: int
    notes: tuple[ProviderNote, ...] = ()
    "Reasons why sources had nothing, for the result to report."

    @property
    def shareable(self) -> bool:
        """False for an answer that another search may improve: this job makes do with it, the next one asks again."""
        return not self.notes


UNRENDERABLE = "it could not be rendered: "
"Prefix of the reason for a rejection found in a segment, where the clip to blame is unknown."


class Rejection(Contract):
    """A candidate that proved unusable, and why."""

    candidate: str
    why: str

    @property
    def unrendered(self) -> bool:
        """True if it may do in another scene; a candidate unavailable for one shot is unavailable for all."""
        return self.why.startswith(UNRENDERABLE)


class CastFacts(Contract):
    """The casting, decided by the orchestrator itself: candidate ids by shot."""

    chosen: dict[str, str] = Field(default_factory=dict)
    rejected: dict[str, tuple[Rejection, ...]] = Field(default_factory=dict)
    "By shot; the user's own media is `own:...`."


class AcquireSpec(Contract):
    candidate: Candidate
    width: int
    height: int


class SegmentSpec(Contract):
    timeline: SceneTimeline
    profile: Profile
    style: Style
    captions: TextFrame | None
    "None: no captions are drawn into the picture."
    voice: ObjectRef | None
    "The scene's narration, so that a segment can be watched by itself; the film gets its sound from the mix."
    sound: bool = True
    "False for one of several segments of a scene: it has no sound track; the `scene` step adds one to them all."
    card: Card | None = None
    mark: PlacedWatermark | None = None


class SegmentFacts(Contract):
    media: ObjectRef
    frames: int
    report: PictureReport = PictureReport()


class SceneSpec(Contract):
    """Joins the segments of a scene that has several, so that it can be watched by itself."""

    segments: tuple[SegmentRef, ...]
    profile: Profile
    voice: ObjectRef | None
    voice_offset: int


class SceneFacts(Contract):
    media: ObjectRef
    frames: int


class MixSpec(Contract):
    frames: int
    sound: SoundProfile
    narrations: tuple[PlacedNarration, ...]
    music: MusicCue | None
    dips: tuple[Span, ...] = ()
    "Frames in which the picture dips to black or white, and the bed with it."


class MixFacts(Contract):
    media: ObjectRef
    music: ObjectRef | None = None
    "The bed alone, at its level under the narrations; None: no bed is to be heard."
    loudness: float
    "Integrated, in LUFS, measured on what was encoded."
    true_peak: float
    "In dBTP."
    report: SoundReport = SoundReport()


class AssembleSpec(Contract):
    segments: tuple[SegmentRef, ...]
    mix: ObjectRef
    profile: Profile
    speech: tuple[SpokenScene, ...]
    captions: TextFrame | None
    "None: no caption files."
    title: str
    cut_list: str
    "A `CutList` as JSON, to pass on. A text, because joining the segments does not need the media it names."


class AssembleFacts(Contract):
    media: ObjectRef
    thumbnail: ObjectRef
    srt: ObjectRef | None
    vtt: ObjectRef | None
    timeline: ObjectRef | None = None
    "A `FilmTimeline` as JSON; None for films older than timelines."
    frames: int
    width: int
    height: int


class PublishSpec(Contract):
    """Copies the film to its public name, `videos/<job_id>/`."""

    job_id: str
    film: ObjectRef
    thumbnail: ObjectRef


class PublishFacts(Contract):
    video_key: str
    thumbnail_key: str


class Per(StrEnum):
    """The unit of a film that has one step of a given kind."""

    FILM = "film"
    SCENE = "scene"
    SHOT = "shot"
    PART = "part"


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
    needs_build: bool = False
    "True if it depends on the ffmpeg build: all of a film must come from the same one."
    late: bool = False
    "True if quick and needed only at the end: after a job's long steps, it fills the gap that these leave."
    reuse: int = 7 * 24 * 3600
    "Seconds for which the same work, of any job of the owner, is not done again; 0: never shared."

    def known_for(self, keep_parts_seconds: float) -> int:
        """Seconds for which a result stays known if parts of films are kept for `keep_parts_seconds`."""
        return int(min(self.reuse, keep_parts_seconds))


STEP_KINDS: Mapping[str, StepKind] = {
    Kind.PLAN: StepKind(
        "orchestrate", PlanSpec, PlanFacts, 1, Per.FILM, PLANNING, "planning", 2.0, counted=False, delivered=True
    ),
    Kind.SPEAK: StepKind("speech", SpeakSpec, Narration, 1, Per.SCENE, GATHERING, "speaking", 0.5),
    Kind.SEARCH: StepKind(
        "retrieve", SearchSpec, SearchFacts, 1, Per.SHOT, GATHERING, "searching footage", 0.5, reuse=3600
    ),
    Kind.CAST: StepKind("", CastFacts, CastFacts, 1, Per.FILM, GATHERING, "", 0.1, counted=False),
    Kind.ACQUIRE: StepKind("retrieve", AcquireSpec, Footage, 5, Per.SHOT, GATHERING, "fetching footage", 1.0),
    Kind.SEGMENT: StepKind(
        "render", SegmentSpec, SegmentFacts, 8, Per.PART, RENDERING, "rendering", 10.0, needs_build=True
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
        needs_build=True,
    ),
    Kind.MIX: StepKind(
        "render", MixSpec, MixFacts, 3, Per.FILM, RENDERING, "mixing sound", 4.0, needs_build=True, late=True
    ),
    Kind.ASSEMBLE: StepKind(
        "render",
        AssembleSpec,
        AssembleFacts,
        4,
        Per.FILM,
        ASSEMBLING,
        "assembling",
        2.0,
        delivered=True,
        needs_build=True,
    ),
    Kind.PUBLISH: StepKind(
        "orchestrate", PublishSpec, PublishFacts, 1, Per.FILM, ASSEMBLING, "publishing", 0.5, delivered=True, reuse=0
    ),
}
"Rows in the order of `Kind`. Raise a recipe's number when the same spec would now give different bytes."

NEEDS_BUILD = frozenset(kind for kind, about in STEP_KINDS.items() if about.needs_build)
DELIVERED = frozenset(kind for kind, about in STEP_KINDS.items() if about.delivered)
LATE = frozenset(kind for kind, about in STEP_KINDS.items() if about.late)


def kinds_of(queue: str) -> list[str]:
    """The kinds whose steps wait in a queue."""
    return [kind for kind, about in STEP_KINDS.items() if about.queue == queue]


def toolchain(kind: str, build: str = "") -> str:
    """This code's recipe for steps of `kind`, with the ffmpeg build if that matters: `8/9.0-a1`."""
    about = STEP_KINDS[kind]
    return f"{about.recipe}/{build}" if about.needs_build else str(about.recipe)


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
