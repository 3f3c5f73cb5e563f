"""Names of step kinds, steps, uploads, and stored objects mentioned in documents. Pure."""

import re
import sys
from enum import StrEnum

ASSET_ID = r"ast_[0-9a-f]{32}"
"Pattern of the id of an upload."
_KEY = re.compile(r'"key":\s*"([^"]+)"')


class Kind(StrEnum):
    """The kinds of steps, in the order in which a film needs them."""

    PLAN = "plan"
    SPEAK = "speak"
    SEARCH = "search"
    CAST = "cast"
    ACQUIRE = "acquire"
    SEGMENT = "segment"
    SCENE = "scene"
    MIX = "mix"
    ASSEMBLE = "assemble"
    PUBLISH = "publish"


class StepName(str):
    """The name of a step: its kind and the scene, shot or part of the film that it works on.

    `mix` is a step of the film, `speak:s3` of scene s3, `acquire:s3.1` of its shot s3.1, `segment:s3.0` of its part 0.
    A plain string everywhere else: in records, messages and answers.
    """

    __slots__ = ()

    @classmethod
    def of(cls, kind: str, subject: str = "") -> "StepName":
        """`subject` is the id of a scene or shot; empty for a step of the film."""
        return cls(f"{kind}:{subject}" if subject else kind)

    @classmethod
    def of_part(cls, kind: str, scene: str, number: int) -> "StepName":
        return cls(f"{kind}:{scene}.{number}")

    @property
    def kind(self) -> str:
        """The same object for the same kind, so that a memory by identity recognises it."""
        return sys.intern(str(self.partition(":")[0]))

    @property
    def subject(self) -> str:
        """The id of the scene or shot, or `<scene>.<part>`; empty for a step of the film."""
        return self.partition(":")[2]

    @property
    def scene(self) -> str:
        """The id of the scene; empty for a step of the film."""
        return scene_id_of(self.subject)

    def with_kind(self, kind: str) -> "StepName":
        """The step of another kind for the same subject."""
        return StepName.of(kind, self.subject)


PLAN, CAST, MIX, ASSEMBLE, PUBLISH = map(StepName.of, (Kind.PLAN, Kind.CAST, Kind.MIX, Kind.ASSEMBLE, Kind.PUBLISH))
"The steps of the film as a whole."


def scene_id_of(subject: str) -> str:
    """The id of the scene that a shot or part belongs to: `s3` of `s3.1`."""
    return subject.partition(".")[0]


def keys_in(text: str) -> list[str]:
    """Keys of stored objects in JSON that contains `ObjectRef`s, in order and with repeats."""
    return _KEY.findall(text)
