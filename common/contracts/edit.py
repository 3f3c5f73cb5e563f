"""What a user wants changed in a storyboard. An `Edit` is stored beside the storyboard it starts from."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from common.contracts.base import Contract
from common.contracts.request import (
    MAX_SCENE_CHARS,
    MAX_SCENES,
    PROSE,
    MediaRef,
    Mood,
    Quality,
    SceneRequest,
    TransitionKind,
)

SceneId = Annotated[str, StringConstraints(pattern=r"^s[0-9]{1,6}$")]
ShotId = Annotated[str, StringConstraints(pattern=r"^s[0-9]{1,6}\.[0-9]{1,4}$")]
CandidateId = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Show = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), PROSE]
Voice = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class SceneEdit(Contract):
    """New values for one scene; what is None stays."""

    id: SceneId
    narration: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_SCENE_CHARS), PROSE] | None = None
    show: Show | None = None
    "For all shots of the scene."
    media: MediaRef | None = None
    duration: Annotated[float, Field(ge=0.5, le=600)] | None = None
    transition: TransitionKind | None = None


class ShotEdit(Contract):
    """New values for one shot; what is None stays."""

    id: ShotId
    show: Show | None = None
    "What to see; searched anew."
    media: MediaRef | None = None
    candidate: CandidateId | None = None
    "One of the candidates the search found."
    another: bool = False
    "Something else than what it shows now."
    seed: Seed | None = None


class SceneAdd(SceneRequest):
    """A new scene."""

    after: SceneId | None = None
    "The scene it follows; None: it becomes the first."


class Changes(Contract):
    """Changes of one storyboard. Scenes are dropped, ordered, added and changed, then shots are, in this order."""

    drop: Annotated[tuple[SceneId, ...], Field(max_length=MAX_SCENES)] = ()
    order: Annotated[tuple[SceneId, ...], Field(max_length=MAX_SCENES)] = ()
    "Every scene that stays, in the new order; empty leaves the order as it is."
    add: Annotated[tuple[SceneAdd, ...], Field(max_length=MAX_SCENES)] = ()
    scenes: Annotated[tuple[SceneEdit, ...], Field(max_length=MAX_SCENES)] = ()
    shots: Annotated[tuple[ShotEdit, ...], Field(max_length=MAX_SCENES)] = ()
    voice: Voice | None = None
    quality: Quality | None = None
    "For example `standard`, to make the film itself of a draft that is liked."
    mood: Mood | None = None
    "Other music."


class Edit(Changes):
    """What is stored: the changes, and what only the service knows."""

    avoid: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    "By shot: the candidates it shall not show again (of shots that ask for another one)."


class EditRequest(Changes):
    """An edit, and the version of the storyboard it was made for."""

    version: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _changes_something(self) -> "EditRequest":
        if not (
            self.drop or self.order or self.add or self.scenes or self.shots or self.voice or self.quality or self.mood
        ):
            raise ValueError(
                "it changes nothing; give at least one of drop, order, add, scenes, shots, voice, quality and mood"
            )
        return self


class RegenerateRequest(Contract):
    """Another picture for a scene: as named, or simply another one."""

    version: Annotated[int, Field(ge=1)] | None = None
    "None: whatever version is the newest."
    shot: ShotId | None = None
    "None: all shots of the scene."
    candidate: CandidateId | None = None
    query: Show | None = None
    seed: Seed | None = None
