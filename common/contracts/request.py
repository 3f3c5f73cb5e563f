"""Requests for videos, as users make them."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from common.contracts.base import Contract, canonical_json
from common.contracts.names import ASSET_ID
from common.contracts.sources import REQUESTED
from common.contracts.texts import LETTERS, PROSE
from common.contracts.voice import neutral

Aspect = Literal["16:9", "9:16", "1:1", "4:5"]
Style = Literal["cinematic", "documentary", "vivid", "mono", "vintage", "minimal"]
Fit = Literal["smart", "cover", "contain-blur"]
"""`smart`: cut towards what moves or is in focus; `cover`: cut around the middle; `contain-blur`: all of it, over a
blurred copy of itself."""
TransitionKind = Literal["cut", "crossfade", "dip-black", "dip-white", "wipe", "slide", "zoom"]
Quality = Literal["draft", "standard", "high"]
Fps = Literal[24, 25, 30, 50, 60]
Mood = Literal["calm", "uplifting", "dramatic", "playful"]
CaptionMode = Literal["burn", "file", "none"]
"`burn`: drawn into the picture and beside it as files; `file`: files only; `none`: neither."

SceneFailure = Literal["fail", "fallback", "partial"]
"""Policy for a scene that cannot be made as asked. `fail`: the job fails. `fallback`: other footage, in the end
generated scenery; a scene that cannot be made even so is left out. `partial`: the scene is left out."""

MAX_SCENES = 200
MAX_SCRIPT_CHARS = 50_000
MAX_SCENE_CHARS = 2_000
MAX_METADATA_BYTES = 4_096
MIN_SIDE, MAX_LONG_SIDE, MAX_SHORT_SIDE = 128, 3840, 2160
"Pixels of a canvas."


VoiceId = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]{1,32}/)?[A-Za-z0-9_.+-]{1,64}$")]
"An id of the list of voices, `engine/id`, a neutral name (`en-US-female`), or `none`."
SLOWEST, FASTEST = 0.5, 2.0
Speed = Annotated[float, Field(ge=SLOWEST, le=FASTEST)]
"1.0 is the voice's own."
MOST_PITCH = 12.0
Pitch = Annotated[float, Field(ge=-MOST_PITCH, le=MOST_PITCH)]
"Semitones above the voice's own; as it is, for engines that cannot."
LANGUAGE_TAG = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
LanguageTag = Annotated[str, StringConstraints(pattern=LANGUAGE_TAG)]


def with_language(body: Any) -> Any:
    """The body of a request, in the language of a neutral voice if it names none."""
    if not isinstance(body, dict) or "language" in body or not isinstance(body.get("voice"), str):
        return body
    wish = neutral(body["voice"])
    return body if wish is None else {**body, "language": wish.language}


A_SOURCE = f"must be {', '.join(map(repr, REQUESTED[:-1]))} or {REQUESTED[-1]!r}"


def _requested(name: str) -> str:
    if name not in REQUESTED:
        raise ValueError(A_SOURCE)
    return name


AssetId = Annotated[str, StringConstraints(pattern=f"^{ASSET_ID}$")]
SourceName = Annotated[str, AfterValidator(_requested)]
"A source of footage; uploads and URLs are named per scene."


class MediaRef(Contract):
    """Media the user supplies for a scene: an uploaded asset or a web address, exactly one of them."""

    asset: AssetId | None = None
    url: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://\S+$")] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "MediaRef":
        if (self.asset is None) == (self.url is None):
            raise ValueError("give either asset (an uploaded asset id) or url")
        return self


class SceneRequest(Contract):
    """One scene as the user wrote it: `show` is what to see, `narration` what to hear."""

    narration: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_SCENE_CHARS), PROSE] = ""
    show: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), PROSE] | None = None
    media: MediaRef | None = None
    duration: Annotated[float, Field(ge=0.5, le=600)] | None = None
    "Seconds; the narration still gets the time it needs."
    transition: TransitionKind | None = None
    "Transition into the scene; None: the film's default."
    voice: VoiceId | None = None
    "None: that of the film."
    recording: AssetId | None = None
    "The user's own recording of the narration; without a narration, what is said in it is recognised."

    @model_validator(mode="after")
    def _something_to_film(self) -> "SceneRequest":
        if not (self.narration or self.show or self.media or self.recording):
            raise ValueError("a scene needs narration, show, media or recording")
        return self


class FootageChoice(Contract):
    """Footage sources in order of preference; generated scenery is always the last resort."""

    sources: tuple[SourceName, ...] = ()
    "Empty: every source this server has, stock first."
    fit: Fit = "smart"


class MusicChoice(Contract):
    """The bed under the voice: composed to a mood, the user's own file, or none."""

    enabled: bool = True
    mood: Mood | None = None
    "None: the mood that goes with the style."
    asset: AssetId | None = None
    volume: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0
    "Relative to the usual level of the bed."


class Size(Contract):
    """The canvas in pixels; may also be written `1920x1080`."""

    width: int
    height: int

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        sides = re.fullmatch(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\s*", value, re.ASCII)
        if sides is None:
            raise ValueError("write the size as width x height in pixels, for example 1920x1080")
        return {"width": int(sides[1]), "height": int(sides[2])}

    @model_validator(mode="after")
    def _possible(self) -> "Size":
        short, long = sorted((self.width, self.height))
        if short < MIN_SIDE or long > MAX_LONG_SIDE or short > MAX_SHORT_SIDE:
            most = f"the longer one at most {MAX_LONG_SIDE}, the shorter one at most {MAX_SHORT_SIDE}"
            raise ValueError(f"a side has at least {MIN_SIDE} pixels, {most}")
        if self.width % 2 or self.height % 2:
            raise ValueError("both sides must be even numbers: H.264 stores colours for pairs of pixels")
        return self


class TransitionChoice(Contract):
    """The transition from one scene to the next."""

    kind: TransitionKind | None = None
    "None: the one that goes with the style."
    seconds: Annotated[float, Field(ge=0.3, le=0.5)] = 0.4


CardText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), PROSE, LETTERS]
MarkText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), PROSE, LETTERS]
CardLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), PROSE, LETTERS]


class TitleCard(Contract):
    """Words before the first scene."""

    text: CardText
    subtitle: CardLine = ""


class EndCard(Contract):
    """Words after the last scene: `text`, and the makers of the footage."""

    text: CardLine = ""
    credits: bool = True
    "Names the makers of clips and pictures, as their licences ask."


Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


class Watermark(Contract):
    """A mark on every frame: an uploaded picture or a short text, exactly one of them."""

    asset: AssetId | None = None
    text: MarkText | None = None
    position: Corner = "top-right"
    opacity: Annotated[float, Field(ge=0.05, le=1.0)] = 0.7
    size: Annotated[float, Field(ge=0.02, le=0.5)] = 0.12
    "Its width as a share of the canvas' width."

    @model_validator(mode="after")
    def _exactly_one(self) -> "Watermark":
        if (self.asset is None) == (self.text is None):
            raise ValueError("give either asset (an uploaded picture) or text")
        return self


class VideoRequest(Contract):
    """A request for one video. Exactly one of `prompt`, `script` and `scenes` says what it is about."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000), PROSE] | None = (
        None
    )
    script: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SCRIPT_CHARS), PROSE]
        | None
    ) = None
    scenes: Annotated[tuple[SceneRequest, ...], Field(min_length=1, max_length=MAX_SCENES)] | None = None
    duration_target: Annotated[float, Field(ge=3, le=3_600)] | None = None
    "Seconds for the whole video."
    aspect: Aspect | None = None
    "None: that of `size`, or 16:9."
    size: Size | None = None
    "None: the server's resolution in the shape of `aspect`."
    fps: Fps = 30
    quality: Quality = "standard"
    draft: bool = False
    "Same as `quality: draft`: small and quick, for a look before the film itself is rendered."
    style: Style = "cinematic"
    voice: VoiceId | None = None
    "None: the default voice of the language. `none`: nothing is heard, and the words can be read in their time."
    language: LanguageTag = "en"
    "Of the words. A neutral name of a voice says it, too."
    speed: Speed = 1.0
    pitch: Pitch = 0.0
    recording: AssetId | None = None
    "The user's own recording of all the words; without any, what is said in it is recognised."
    footage: FootageChoice = FootageChoice()
    captions: CaptionMode = "burn"
    music: MusicChoice = MusicChoice()
    transition: TransitionChoice = TransitionChoice()
    title: TitleCard | None = None
    end_card: EndCard | None = None
    watermark: Watermark | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    "A different seed gives different scenery and music."
    on_scene_failure: SceneFailure = "fallback"
    metadata: dict[str, Any] = Field(default_factory=dict)
    "The user's own data; comes back in the status and the result."

    @model_validator(mode="before")
    @classmethod
    def _language_of_voice(cls, value: Any) -> Any:
        return with_language(value)

    @field_validator("footage", mode="before")
    @classmethod
    def _footage_shorthand(cls, value: Any) -> Any:
        """`"auto"` or the name of one source stands for the longer form."""
        if isinstance(value, str):
            return {"sources": [] if value == "auto" else [value]}
        return value

    @field_validator("captions", mode="before")
    @classmethod
    def _captions_shorthand(cls, value: Any) -> Any:
        """`true` and `false` stand for burn and none."""
        return {True: "burn", False: "none"}[value] if isinstance(value, bool) else value

    @field_validator("music", mode="before")
    @classmethod
    def _music_shorthand(cls, value: Any) -> Any:
        """`"auto"`, `"none"`, a boolean, a mood or an asset id stand for the longer form."""
        if value is True or value == "auto":
            return {}
        if value is False or value == "none":
            return {"enabled": False}
        if isinstance(value, str):
            return {"asset": value} if value.startswith("ast_") else {"mood": value}
        return value

    @field_validator("transition", mode="before")
    @classmethod
    def _transition_shorthand(cls, value: Any) -> Any:
        """The name of a transition, or `"auto"`, stands for the longer form."""
        if isinstance(value, str):
            return {} if value == "auto" else {"kind": value}
        return value

    @field_validator("title", mode="before")
    @classmethod
    def _title_shorthand(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @field_validator("end_card", mode="before")
    @classmethod
    def _end_card_shorthand(cls, value: Any) -> Any:
        """A text, or a boolean: `true` is a card with the credits alone."""
        if isinstance(value, bool):
            return {} if value else None
        if isinstance(value, str) and not value.strip():
            raise ValueError("it has no text; write true for a card with the names alone, or leave it out")
        return {"text": value} if isinstance(value, str) else value

    @field_validator("watermark", mode="before")
    @classmethod
    def _watermark_shorthand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"asset": value} if value.startswith("ast_") else {"text": value}
        return value

    @field_validator("metadata")
    @classmethod
    def _metadata_is_small(cls, value: dict[str, Any]) -> dict[str, Any]:
        if len(canonical_json(value).encode()) > MAX_METADATA_BYTES:
            raise ValueError(f"metadata may have at most {MAX_METADATA_BYTES} bytes as JSON")
        return value

    @property
    def rendering(self) -> Quality:
        """The quality of the picture: the one asked for, or that of a draft."""
        return "draft" if self.draft else self.quality

    @model_validator(mode="after")
    def _one_shape(self) -> "VideoRequest":
        if self.size is not None and self.aspect is not None:
            wide, high = (int(part) for part in self.aspect.split(":"))
            if abs(self.size.width * high - self.size.height * wide) > 2 * max(wide, high):
                raise ValueError("size and aspect are two shapes; give one of them")
        return self

    @model_validator(mode="after")
    def _recorded_once(self) -> "VideoRequest":
        if self.recording is None:
            return self
        if self.prompt is not None:
            raise ValueError("recording: a prompt is not spoken word for word; give the words as script, or none")
        if any(scene.recording for scene in self.scenes or ()):
            raise ValueError("recording: give one of the film or those of scenes, not both")
        if self.scenes is not None and not any(scene.narration for scene in self.scenes):
            raise ValueError("recording: no scene has a narration that could be found in it")
        return self

    @model_validator(mode="after")
    def _exactly_one_source(self) -> "VideoRequest":
        given = [name for name in ("prompt", "script", "scenes") if getattr(self, name) is not None]
        if len(given) != 1 and not (self.recording and not given):
            raise ValueError("give exactly one of prompt, script and scenes")
        if sum(len(scene.narration) for scene in self.scenes or ()) > MAX_SCRIPT_CHARS:
            raise ValueError(f"the narrations of all scenes may have {MAX_SCRIPT_CHARS:,} characters together")
        return self
