"""The steps of a job: what each is told (spec) and what each answers (facts).

A spec is everything a step needs to know, with the checksums of its inputs inside, so the digest of
the spec is the fingerprint of the work. `SPECS` is the one table of kinds, queues and recipe versions;
raise a recipe's number when the same spec would now give other bytes. Specs of steps that are under way are kept
in the job record (docs/adr/0006).
"""

import hashlib
from typing import Any, NamedTuple

from pydantic import Field

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.footage import Candidate, Footage, ProviderNote, ShotQuery
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
    """A request to be planned, or an edit of an earlier storyboard to be carried out."""

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
    "Why a source had nothing, so that the result can say it."

    @property
    def shareable(self) -> bool:
        """False for an answer that another search may better: this job lives with it, the next one asks again."""
        return not self.notes


UNRENDERABLE = "it could not be rendered: "
"How the reason of a rejection begins that was found out in a segment, where nobody knows which clip was to blame."


class Rejection(Contract):
    """A candidate that proved unusable, and why."""

    candidate: str
    why: str

    @property
    def unrendered(self) -> bool:
        """True for what may do in another scene; what could not be had for one shot cannot be had for any."""
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
    "None: nothing is drawn into the picture."
    voice: ObjectRef | None
    "The scene's narration, so that a segment can be watched by itself; the film gets its sound from the mix."
    sound: bool = True
    "False for one of several segments of a scene: it has no sound track, the `scene` step adds it to all of them."
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
    "The bed alone, as loud as it is to the narrations; None: there is none to be heard."
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
    "A `CutList` as JSON, to be passed on. A text, because the media it names need not be there to join the segments."


class AssembleFacts(Contract):
    media: ObjectRef
    thumbnail: ObjectRef
    srt: ObjectRef | None
    vtt: ObjectRef | None
    timeline: ObjectRef | None = None
    "A `FilmTimeline` as JSON; None for films of before there were any."
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

    def known_for(self, keep_parts_seconds: float) -> int:
        """The same where parts of films are kept for so long: what is known is kept, too, and shall not stay longer."""
        return int(min(self.reuse, keep_parts_seconds))


SPECS: dict[str, StepKind] = {
    "plan": StepKind("orchestrate", PlanSpec, PlanFacts, 1, 2.0),
    "speak": StepKind("speech", SpeakSpec, Narration, 1, 0.5),
    "search": StepKind("retrieve", SearchSpec, SearchFacts, 1, 0.5, reuse=3600),
    "cast": StepKind("", CastFacts, CastFacts, 1, 0.1),
    "acquire": StepKind("retrieve", AcquireSpec, Footage, 5, 1.0),
    "segment": StepKind("render", SegmentSpec, SegmentFacts, 8, 10.0),
    "scene": StepKind("render", SceneSpec, SceneFacts, 2, 0.5),
    "mix": StepKind("render", MixSpec, MixFacts, 3, 4.0),
    "assemble": StepKind("render", AssembleSpec, AssembleFacts, 4, 2.0),
    "publish": StepKind("orchestrate", PublishSpec, PublishFacts, 1, 0.5, reuse=0),
}


NEEDS_BUILD = frozenset({"segment", "scene", "mix", "assemble"})
"Kinds whose outcome depends on the ffmpeg build: all of a film must come from the same one."
LATE = frozenset({"mix"})
"Kinds that are soon done and needed at the end only: after the long ones of a job, they fill the gap that these leave."


def offer(kind: str, build: str = "") -> str:
    """What a worker with this code offers for steps of `kind`: its recipe, and its build if that matters."""
    recipe = str(SPECS[kind].recipe)
    return f"{recipe}/{build}" if kind in NEEDS_BUILD else recipe


def kind_of(step: str) -> str:
    """`segment:s1.0` is a `segment` step."""
    return step.partition(":")[0]


def spec_fingerprint(kind: str, spec: str, needs: str) -> str:
    """The name of the work `spec` asks of a worker that offers `needs`: equal work has an equal name, in any job.

    `spec` is canonical JSON: whoever names the work has already written it, and large specs take time to write.
    """
    content = "\n".join((canonical_json(kind), canonical_json(needs), spec))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def parse_spec(kind: str, data: bytes | str) -> Any:
    return SPECS[kind].spec.model_validate_json(data)


def parse_facts(kind: str, data: bytes | str) -> Any:
    return SPECS[kind].facts.model_validate_json(data)
