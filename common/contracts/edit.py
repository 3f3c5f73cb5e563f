"""Changes to a storyboard that a user asks for. An `Edit` is stored beside the storyboard it starts from."""

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer, model_validator

from common.contracts.base import Contract
from common.contracts.request import (
    MAX_SCENE_CHARS,
    MAX_SCENES,
    MediaRef,
    Mood,
    Pitch,
    Quality,
    SceneRequest,
    Speed,
    TransitionKind,
    VoiceId,
)
from common.contracts.texts import PROSE

SCENE_ID = r"^s[0-9]{1,6}$"
SHOT_ID = r"^s[0-9]{1,6}\.[0-9]{1,4}$"
SceneId = Annotated[str, StringConstraints(pattern=SCENE_ID)]
ShotId = Annotated[str, StringConstraints(pattern=SHOT_ID)]
CandidateId = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Show = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), PROSE]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
MAX_AVOIDED = 200


class Patch(Contract):
    """New values: a field that is not given keeps its value, and null removes the value given before.

    Storage preserves the difference, because only given fields are written.
    """

    def gives(self, name: str) -> bool:
        return name in self.model_fields_set

    @model_serializer(mode="wrap")
    def _as_given(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in whole(self).items() if self.gives(name)}


class SceneEdit(Patch):
    """New values for one scene."""

    id: SceneId
    narration: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_SCENE_CHARS), PROSE] | None = None
    show: Show | None = None
    "Wanted picture, for all shots of the scene. Null: the words spoken there."
    media: MediaRef | None = None
    "Null: no media of the user's own."
    duration: Annotated[float, Field(ge=0.5, le=600)] | None = None
    "Null: as long as the narration needs."
    transition: TransitionKind | None = None
    "Transition into the scene. Null: the film's default."
    voice: VoiceId | None = None
    "Null: that of the film."


class ShotEdit(Patch):
    """New values for one shot."""

    id: ShotId
    show: Show | None = None
    "Wanted picture, searched for anew. Null: the words spoken there."
    media: MediaRef | None = None
    "Null: no media of the user's own."
    candidate: CandidateId | None = None
    "One of the candidates found by the search. Null: the best of them."
    another: bool = False
    "True to show something other than now."
    seed: Seed | None = None
    "Seed of painted pictures. Null: that of the request."
    avoid: Annotated[tuple[CandidateId, ...], Field(max_length=MAX_AVOIDED)] | None = None
    "Candidates not to show. Null or empty: disliked ones may be shown again, and failed ones are tried again."

    @property
    def forgives(self) -> bool:
        """True if candidates that proved unusable for this shot are to be tried again."""
        return (self.gives("avoid") and not self.avoid) or self.media is not None


class SceneAdd(SceneRequest):
    """A new scene. It is spoken: a recording belongs to the request of the film."""

    after: SceneId | None = None
    "The scene it follows; None: it becomes the first."

    @model_validator(mode="after")
    def _is_spoken(self) -> "SceneAdd":
        if self.recording is not None:
            raise ValueError("recording: an edit cannot add one; make a new film with it")
        return self


class Changes(Patch):
    """Changes to one storyboard: scenes are dropped, ordered, added and changed, then shots changed, in this order."""

    drop: Annotated[tuple[SceneId, ...], Field(max_length=MAX_SCENES)] = ()
    order: Annotated[tuple[SceneId, ...], Field(max_length=MAX_SCENES)] = ()
    "Every scene that stays, in the new order; empty leaves the order as it is."
    add: Annotated[tuple[SceneAdd, ...], Field(max_length=MAX_SCENES)] = ()
    scenes: Annotated[tuple[SceneEdit, ...], Field(max_length=MAX_SCENES)] = ()
    shots: Annotated[tuple[ShotEdit, ...], Field(max_length=MAX_SCENES)] = ()
    voice: VoiceId | None = None
    "Null: the usual voice of the language."
    speed: Speed | None = None
    "Null: as requested."
    pitch: Pitch | None = None
    "Null: as requested."
    quality: Quality | None = None
    "For example `standard`, to turn a draft that is liked into the film itself. Null: as requested."
    mood: Mood | None = None
    "Mood of other music. Null: as requested."


class Edit(Changes):
    """An edit as stored: the changes, and facts that only the service knows."""

    avoid: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    "Candidates not to show again, by shot (for shots that ask for another one)."

    def forgiven(self) -> set[str]:
        """Shots whose unusable candidates are to be tried again."""
        scenes = {f"{scene.id}.1" for scene in self.scenes if scene.media is not None}
        return scenes | {shot.id for shot in self.shots if shot.forgives}


class EditRequest(Changes):
    """An edit, and the version of the storyboard it was made for."""

    version: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _changes_something(self) -> "EditRequest":
        whole = any(self.gives(name) for name in ("voice", "speed", "pitch", "quality", "mood"))
        if not (self.drop or self.order or self.add or self.scenes or self.shots or whole):
            raise ValueError(
                "it changes nothing; give at least one of drop, order, add, scenes, shots, voice, speed, pitch, "
                "quality and mood"
            )
        return self


class RegenerateRequest(Contract):
    """Another picture for a scene: a named one, or simply a different one."""

    version: Annotated[int, Field(ge=1)] | None = None
    "None: the newest version."
    shot: ShotId | None = None
    "None: all shots of the scene."
    candidate: CandidateId | None = None
    query: Show | None = None
    seed: Seed | None = None


class RestoreRequest(Contract):
    """The version that a restore replaces, if the client names it."""

    version: Annotated[int, Field(ge=1)] | None = None
    "None: the newest version."
