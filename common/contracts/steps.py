"""The steps of a job: the order each one gets (spec) and the answer it gives (facts).

A spec is everything a step needs to know, with the checksums of its inputs inside, so the digest of the spec is the
fingerprint of the work. Specs of steps under way are kept in the job record (docs/adr/0006). `kinds.py` has the table
of their kinds.
"""

from pydantic import Field

from common.contracts.base import Contract, ObjectRef
from common.contracts.footage import Candidate, ProviderNote, ShotQuery
from common.contracts.recordings import Take
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


class FitSpec(Contract):
    """A recording of a text, whose words are to be found in it."""

    asset: str
    "Id of the upload."
    text: str
    language: str
    heard: ObjectRef | None = None
    "A `Transcript` as JSON: what a recogniser heard where there is no text."


class FitFacts(Contract):
    transcript: ObjectRef
    "A `Transcript` as JSON."
    chunks: tuple[ObjectRef, ...]
    "Those in it: what is lost of them is made again by this step."


class TakeSpec(Contract):
    """A part of a recording that becomes the narration of a scene."""

    take: Take


class PlanSpec(Contract):
    """A request to plan, or an edit of an earlier storyboard to carry out."""

    request: ObjectRef
    base: ObjectRef | None = None
    "A `Storyboard` as JSON."
    edit: ObjectRef | None = None
    "An `Edit` as JSON."
    transcripts: dict[str, ObjectRef] = Field(default_factory=dict)
    "By scene of the request, or under an empty name for the film: a `Transcript` of its recording as JSON."


class PlanFacts(Contract):
    storyboard: ObjectRef
    "A `Storyboard` as JSON."


class SpeakSpec(Contract):
    text: str
    language: str
    voice: str | None
    "Id of the voice within its engine; None: the usual one of the language."
    pace: float
    "1.0 is the voice's own rate."
    pitch: float = 0.0
    "Semitones above the voice's own, for engines that can."
    lenient: bool = False
    "True: no engine is left that is understood better, so a narration is taken as it is."
    last: bool = False
    "True if the last of several sentences here is the last one of the film, before which the voice rests longer."


class HearSpec(Contract):
    """An upload to be listened to."""

    asset: str
    language: str | None
    script: str
    "What is said, if that is known; empty: the recogniser finds out."


class HearFacts(Contract):
    """What was heard. Texts are UTF-8."""

    transcript: ObjectRef
    "A `Transcript` as JSON, without the sound."
    srt: ObjectRef
    vtt: ObjectRef
    language: str
    recogniser: str
    seconds: float
    "Length of the sound."
    misread: float | None
    "Word error rate of what was heard against the script; None without one."


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


class MarkSpec(Contract):
    """Draws the picture that is the watermark of a film, as large and as faint as it is shown."""

    media: ObjectRef
    opacity: float
    size: float
    "Its width as a share of the frame's width."
    frame: TextFrame


class MarkFacts(Contract):
    media: ObjectRef
    "A PNG."
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
    drawn: MarkFacts | None = None
    "The picture of the watermark, if it is one."


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
