"""The plan of the film: scenes in order, each with its narration and its shots."""

import itertools

from common.contracts.base import Contract, ObjectRef
from common.contracts.recordings import Take
from common.contracts.request import MediaRef, Mood, Quality, TransitionKind
from common.contracts.timeline import Card

UNNAMED = "own media"
"Subject of a shot of which nothing is known but the user's own file."


class Shot(Contract):
    """A wanted picture. It has no media yet, unless the user supplied some."""

    id: str
    "Unique in the film: `s3.2` is the second shot of the third scene."
    show: str
    "The wanted picture, in words."
    terms: tuple[str, ...] = ()
    "Search phrases, best first; tried in turn."
    from_word: int = 0
    "The shot begins when this word of the narration begins (0: with the scene)."
    media: MediaRef | None = None
    pick: str | None = None
    "The candidate the user chose, by id."
    avoid: tuple[str, ...] = ()
    "Candidates the user does not want to see again, by id."
    seed: int | None = None
    "Seed of generated pictures of this shot; None: the request's."


class Scene(Contract):
    """One idea: one narration (may be empty) over one or more shots."""

    id: str
    narration: str = ""
    shots: tuple[Shot, ...]
    min_seconds: float | None = None
    "The length the user asked for; None leaves it to the narration and the layout."
    estimate: float
    "Seconds this scene will probably last."
    searched: float | None = None
    "Length in seconds that its pictures were searched for, if longer than the estimate; None: the estimate."
    transition: TransitionKind | None = None
    "Transition into it; None: the film's default."
    paragraph: bool = False
    "True if its words begin a paragraph, before which the voice rests longer."
    voice: str | None = None
    "None: that of the film."
    take: Take | None = None
    "The user's own recording of the narration; None: it is spoken."
    card: Card | None = None
    "Words over its picture: a title or an end card. Its credits are added when the footage is known."
    credits: bool = False
    "True if the card names the makers of the film's footage."

    @property
    def search_seconds(self) -> float:
        """Seconds that its pictures must be able to last."""
        return self.estimate if self.searched is None else self.searched


class Storyboard(Contract):
    """Scenes in the order they are shown."""

    title: str
    scenes: tuple[Scene, ...]
    topic: tuple[str, ...] = ()
    "Topic of the whole film, the most frequent word first; for shots whose own words name nothing to see."
    duration_target: float | None = None
    music: ObjectRef | None = None
    "The user's own music file, once found."
    watermark: ObjectRef | None = None
    "The user's own watermark, once found."
    quality: Quality | None = None
    "Quality of this version; None: as requested."
    mood: Mood | None = None
    "Mood of the music of this version; None: as requested."
    voice: str | None = None
    "None: that of the request; empty: the usual voice of the language."
    speed: float | None = None
    "None: that of the request."
    pitch: float | None = None
    "None: that of the request."
    made: int = 0
    "The highest number ever given to a scene, so that a new one never gets the name of a dropped one."
    pace: float = 1.0
    "Speaking rate relative to the voice's own, chosen so that the words fit the target."

    def voice_or(self, requested: str | None) -> str | None:
        """The voice that speaks; None is the usual one of the language."""
        return requested if self.voice is None else self.voice or None


def words_of(narration: str) -> list[str]:
    """The words that get a time: split at white space, punctuation included."""
    return narration.split()


def said_over(scene: Scene) -> dict[str, str]:
    """The words spoken over each shot, by its id."""
    words = words_of(scene.narration)
    borders = itertools.pairwise([*(shot.from_word for shot in scene.shots), len(words)])
    return {shot.id: " ".join(words[start:end]) for shot, (start, end) in zip(scene.shots, borders, strict=True)}
