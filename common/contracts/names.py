"""Names of step kinds, steps, uploads, and stored objects mentioned in documents. Pure."""

import re
import sys
from enum import StrEnum
from functools import lru_cache

ASSET_ID = r"ast_[0-9a-f]{32}"
"Pattern of the id of an upload."
MOST_NAMES = 50_000
"Names of steps that are kept; a film of 200 scenes has a thousand, most of them those of any other film."
_KEY = re.compile(r'"key":\s*"([^"]+)"')


class Kind(StrEnum):
    """The kinds of steps, in the order in which a film needs them."""

    FIT = "fit"
    PLAN = "plan"
    SPEAK = "speak"
    TAKE = "take"
    SEARCH = "search"
    CAST = "cast"
    ACQUIRE = "acquire"
    MARK = "mark"
    SEGMENT = "segment"
    SCENE = "scene"
    MIX = "mix"
    ASSEMBLE = "assemble"
    PUBLISH = "publish"
    HEAR = "hear"
    "What is said in an upload: by itself, or before a film is planned from it."


class StepName(str):
    """The name of a step: its kind and the scene, shot or part of the film that it works on.

    `mix` is a step of the film, `speak:s3` of scene s3, `acquire:s3.1` of its shot s3.1, `segment:s3.0` of its part 0.
    A plain string everywhere else: in records, messages and answers. The same name is the same object for as long as it
    is in use, so that dictionaries and memos know it by identity.
    """

    kind: str
    subject: str
    "The id of the scene or shot, or `<scene>.<part>`; empty for a step of the film."
    scene: str
    "The id of the scene; empty for a step of the film."

    def __new__(cls, text: str) -> "StepName":
        return text if type(text) is cls else _named(text)

    @staticmethod
    def of(kind: str, subject: str = "") -> "StepName":
        """`subject` is the id of a scene or shot; empty for a step of the film."""
        return _of(kind, subject)

    @staticmethod
    def of_part(kind: str, scene: str, number: int) -> "StepName":
        return _of(kind, f"{scene}.{number}")

    def with_kind(self, kind: str) -> "StepName":
        """The step of another kind for the same subject."""
        return _of(kind, self.subject)


@lru_cache(MOST_NAMES)
def _named(text: str) -> StepName:
    name = str.__new__(StepName, text)
    kind, _, name.subject = text.partition(":")
    name.kind, name.scene = sys.intern(str(kind)), scene_id_of(name.subject)
    return name


@lru_cache(MOST_NAMES)
def _of(kind: str, subject: str) -> StepName:
    return _named(f"{kind}:{subject}" if subject else str(kind))


def scene_id_of(subject: str) -> str:
    """The id of the scene that a shot or part belongs to: `s3` of `s3.1`."""
    return subject.partition(".")[0]


PLAN, CAST, MARK, MIX = map(StepName.of, (Kind.PLAN, Kind.CAST, Kind.MARK, Kind.MIX))
ASSEMBLE, PUBLISH = map(StepName.of, (Kind.ASSEMBLE, Kind.PUBLISH))
"The steps of the film as a whole."
SPEAK = StepName.of(Kind.SPEAK)
"The one step of a preview; those of a film are named by their scenes."
HEAR = StepName.of(Kind.HEAR)
"The one step of a transcription."


def keys_in(text: str) -> list[str]:
    """Keys of stored objects in JSON that contains `ObjectRef`s, in order and with repeats."""
    return _KEY.findall(text)
