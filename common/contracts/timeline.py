"""The picture and sound of a film at each frame."""

from typing import Literal

from pydantic import Field

from common.contracts.base import Contract, ObjectRef
from common.contracts.footage import Footage
from common.contracts.narration import Word
from common.contracts.request import Corner, Fit, Mood, Style, TransitionKind

Motion = Literal["none", "zoom-in", "zoom-out", "pan-left", "pan-right"]


class Profile(Contract):
    """The encoding of the film. One per job: segments can be joined only if they agree."""

    width: int
    height: int
    fps: int = 30
    crf: int = 23
    preset: str = "veryfast"
    draft: bool = False
    "True if speed counts for more than looks."


class SoundProfile(Contract):
    """Settings of the sound; the same for a draft and the film itself, so that both share one mix."""

    fps: int = 30
    "The grid that the sound shares with the picture."
    bitrate: int = 192_000
    loudness: float = -14.0
    "Integrated target in LUFS."
    true_peak: float = -1.5
    "Ceiling in dBTP."


class Clip(Contract):
    """A stretch of one scene that shows one piece of footage, or a part of such a stretch."""

    shot: str
    footage: Footage
    frames: int = Field(gt=0)
    "Frames shown here."
    skip: int = 0
    "Earlier frames of the stretch, shown by another segment or a transition into the scene."
    length: int = Field(gt=0)
    "Frames of the whole stretch, with those that a transition into the scene may show; camera moves last as long."
    source_start: float = 0.0
    "Seconds into the footage at which the stretch begins."
    speed: float = 1.0
    "Seconds of footage per second of film, 0.8 to 1.25."
    fit: Fit = "cover"
    motion: Motion = "none"
    "Camera move over a still; footage that moves by itself has none."


CardKind = Literal["title", "end"]


class Card(Contract):
    """Words set large over the picture of a scene."""

    kind: CardKind
    text: str = ""
    subtitle: str = ""
    lines: tuple[str, ...] = ()
    "Small print: the credits."


class Closing(Contract):
    """A transition out of a scene: its last frames, in which the next scene appears."""

    kind: TransitionKind
    "Not `cut`."
    frames: int = Field(gt=1)
    head: Clip
    "Picture of the next scene from before it begins, for exactly these frames."
    ground: CardKind | None = None
    "Card over the next scene, if any: that picture appears as dark as it will be."


class SceneTimeline(Contract):
    """One scene on the grid, or a part of it. The clips follow each other and add up to `frames`."""

    scene: str
    first: int = 0
    "The frame of the scene at which this part begins."
    frames: int = Field(gt=0)
    "Frames of this part."
    length: int = Field(gt=0)
    "Frames of the whole scene."
    closing: Closing | None = None
    "Transition out of the scene; None: a cut. Only the last part can have one."
    clips: tuple[Clip, ...] = Field(min_length=1)
    voice_offset: int = 0
    "Samples between the start of the scene and the start of its narration."
    words: tuple[Word, ...] = ()
    "Words of the whole scene as spoken; times are samples from the start of the scene."


class SceneCut(Contract):
    """The whole picture of a scene, whatever segments it was rendered in."""

    scene: str
    frames: int
    closing: Closing | None
    clips: tuple[Clip, ...]
    card: Card | None = None


class PlacedWatermark(Contract):
    """The watermark as it is laid over every frame: a picture or a text in a corner."""

    media: ObjectRef | None = None
    text: str = ""
    position: Corner
    opacity: float
    size: float
    "Its width as a share of the canvas' width."


class SpokenScene(Contract):
    """The words spoken in a scene, and its place in the film."""

    start: int
    "The frame of the film at which the scene begins."
    frames: int
    words: tuple[Word, ...]
    "Times are samples from the start of the scene."


class PlacedNarration(Contract):
    """A narration on the film's time axis."""

    audio: ObjectRef
    start: int
    "Samples from the start of the film."
    samples: int


class SegmentRef(Contract):
    """A rendered segment and the number of frames it holds."""

    scene: str
    media: ObjectRef
    frames: int


class CutList(Contract):
    """The scenes and narrations of a film, in order."""

    cuts: tuple[SceneCut, ...]
    narrations: tuple[PlacedNarration, ...]
    music: ObjectRef | None = None
    mark: PlacedWatermark | None = None


class FilmTimeline(Contract):
    """A finished film as an editor lays it out: every clip in its place, and the sound under it."""

    title: str
    width: int
    height: int
    fps: int
    cuts: tuple[SceneCut, ...]
    "Scene by scene, each starting at the end of the one before."
    segments: tuple[SegmentRef, ...]
    "Rendered pictures of the cuts; painted pictures exist in no other form."
    narrations: tuple[PlacedNarration, ...]
    mix: ObjectRef
    "The whole sound, including the music."
    music: ObjectRef | None = None
    "The bed alone, ducked, at its level under the narrations."
    mark: PlacedWatermark | None = None


class MusicCue(Contract):
    """The bed under the whole film: composed (`mood`, `seed`) or a file (`media`)."""

    mood: Mood
    seed: int
    media: ObjectRef | None = None
    volume: float = 1.0


class TextFrame(Contract):
    """Style and size of the frame that words are set in: captions, cards and watermarks."""

    style: Style
    width: int
    height: int


class Span(Contract):
    """A stretch of frames: from `start` up to, not including, `end`."""

    start: int
    end: int


class PictureReport(Contract):
    """Findings in the frames of a segment while they were made; spans count from its start."""

    black: tuple[Span, ...] = ()
    frozen: tuple[Span, ...] = ()
    overlapping: int = 0
    "Cues on screen while another one is."
    overflowing: int = 0
    "Cues wider than the canvas' safe area."
    problems: tuple[str, ...] = ()
    "Defects in plain words, not severe enough to refuse the scene."


class SoundReport(Contract):
    """Findings in the sound of a film while it was made."""

    silent: tuple[Span, ...] = ()
    "Frames without any sound."
    clipped: int = 0
    "Samples of the voice that follow another one at full scale; the mix itself is limited."
    problems: tuple[str, ...] = ()
