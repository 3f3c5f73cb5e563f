"""What is on screen and in the ear at each frame."""

from typing import Literal

from pydantic import Field

from common.contracts.base import Contract, ObjectRef
from common.contracts.footage import Footage
from common.contracts.narration import Word
from common.contracts.request import Fit, Mood, Style

Motion = Literal["none", "zoom-in", "zoom-out", "pan-left", "pan-right"]


class Profile(Contract):
    """How the film is encoded. One per job: segments can only be joined if they agree."""

    width: int
    height: int
    fps: int = 30
    crf: int = 23
    preset: str = "veryfast"
    audio_bitrate: int = 192_000
    loudness: float = -14.0
    "Integrated target in LUFS."
    true_peak: float = -1.5
    "Ceiling in dBTP."


class Clip(Contract):
    """A stretch of one scene that shows one piece of footage."""

    shot: str
    footage: Footage
    frames: int = Field(gt=0)
    source_start: float = 0.0
    "Seconds into the footage at which the clip begins."
    fit: Fit = "cover"
    motion: Motion = "none"
    "Camera move over a still; footage that moves by itself has none."
    phase: int = 0
    "For scenery: the frame of its scene this clip starts at, so that a scene continues instead of starting over."


class SceneTimeline(Contract):
    """One scene on the grid. The clips follow each other and add up to `frames`."""

    scene: str
    frames: int = Field(gt=0)
    clips: tuple[Clip, ...] = Field(min_length=1)
    voice_offset: int = 0
    "Samples between the start of the scene and the start of its narration."
    words: tuple[Word, ...] = ()
    "As spoken; times are samples from the start of the scene."


class PlacedNarration(Contract):
    """A narration on the film's time axis."""

    audio: ObjectRef
    start: int
    "Samples from the start of the film."
    samples: int


class MusicCue(Contract):
    """The bed under the whole film: composed (`mood`, `seed`) or a file (`media`)."""

    mood: Mood
    seed: int
    media: ObjectRef | None = None
    volume: float = 1.0


class SegmentRef(Contract):
    """A rendered segment and the number of frames it holds."""

    scene: str
    media: ObjectRef
    frames: int


class CaptionLook(Contract):
    """What the caption design depends on."""

    style: Style
    width: int
    height: int
