"""The steps of a job: what each is told (spec) and what each answers (facts).

A spec is everything a step needs to know, with the checksums of its inputs inside, so the digest of
the spec is the fingerprint of the work. `SPECS` is the one table of kinds, queues and recipe versions;
raise a recipe's number when the same spec would now give other bytes.
"""

from typing import Any, NamedTuple

from pydantic import Field

from common.contracts.base import Contract, ObjectRef, fingerprint
from common.contracts.footage import Candidate, Footage, ProviderNote, ShotQuery
from common.contracts.narration import Narration, Word
from common.contracts.request import Style
from common.contracts.timeline import CaptionLook, MusicCue, PlacedNarration, Profile, SceneTimeline, SegmentRef


class PlanSpec(Contract):
    request: ObjectRef


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
    "Why a source had nothing, so that the result can say it."

    @property
    def shareable(self) -> bool:
        """False for an answer that another search may better: this job lives with it, the next one asks again."""
        return not self.notes


class CastFacts(Contract):
    """The casting, decided by the orchestrator itself: candidate ids by shot."""

    chosen: dict[str, str] = Field(default_factory=dict)
    rejected: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    "Candidates that proved unusable."


class AcquireSpec(Contract):
    candidate: Candidate
    width: int
    height: int


class SegmentSpec(Contract):
    timeline: SceneTimeline
    profile: Profile
    style: Style
    captions: CaptionLook | None
    "None: nothing is drawn into the picture."
    build: str
    "The ffmpeg build every segment of the film must come from."


class SegmentFacts(Contract):
    media: ObjectRef
    frames: int


class MixSpec(Contract):
    frames: int
    profile: Profile
    narrations: tuple[PlacedNarration, ...]
    music: MusicCue | None
    build: str


class MixFacts(Contract):
    media: ObjectRef
    loudness: float
    "Integrated, in LUFS, measured on what was encoded."
    true_peak: float
    "In dBTP."


class AssembleSpec(Contract):
    segments: tuple[SegmentRef, ...]
    mix: ObjectRef
    profile: Profile
    speech: tuple[tuple[Word, ...], ...]
    "The words of each narrated scene; times are samples from the start of the film."
    captions: CaptionLook | None
    "None: no caption files."
    build: str


class AssembleFacts(Contract):
    media: ObjectRef
    thumbnail: ObjectRef
    srt: ObjectRef | None
    vtt: ObjectRef | None
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


class StepKind(NamedTuple):
    queue: str
    spec: type[Contract]
    facts: type[Contract]
    recipe: int
    weight: float
    "Share of the progress bar, relative to the other kinds."
    reuse: int = 7 * 24 * 3600
    "Seconds for which the same work, of any job of the owner, is not done again; 0 for what is never shared."


SPECS: dict[str, StepKind] = {
    "plan": StepKind("orchestrate", PlanSpec, PlanFacts, 1, 2.0),
    "speak": StepKind("speech", SpeakSpec, Narration, 1, 0.5),
    "search": StepKind("retrieve", SearchSpec, SearchFacts, 1, 0.5, reuse=3600),
    "cast": StepKind("", CastFacts, CastFacts, 1, 0.1),
    "acquire": StepKind("retrieve", AcquireSpec, Footage, 1, 1.0),
    "segment": StepKind("render", SegmentSpec, SegmentFacts, 1, 10.0),
    "mix": StepKind("render", MixSpec, MixFacts, 1, 4.0),
    "assemble": StepKind("render", AssembleSpec, AssembleFacts, 1, 2.0),
    "publish": StepKind("orchestrate", PublishSpec, PublishFacts, 1, 0.5, reuse=0),
}


def kind_of(step: str) -> str:
    """`segment:s1.0` is a `segment` step."""
    return step.partition(":")[0]


def spec_fingerprint(kind: str, spec: Contract) -> str:
    """The name of the work that `spec` asks for: equal work has an equal name, in any job."""
    return fingerprint(kind, SPECS[kind].recipe, spec)


def spec_key(owner: str, work: str) -> str:
    """Where the spec of a piece of work is stored."""
    return f"{owner}/spec/{work}/spec.json"


def parse_spec(kind: str, data: bytes | str) -> Any:
    return SPECS[kind].spec.model_validate_json(data)


def parse_facts(kind: str, data: bytes | str) -> Any:
    return SPECS[kind].facts.model_validate_json(data)
