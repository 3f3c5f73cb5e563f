"""From what to show to media that can be shown: query, candidate, asset, provenance."""

from typing import Literal

from common.contracts.base import Contract, ObjectRef
from common.contracts.request import MediaRef, Source

Theme = Literal[
    "ocean",
    "mountains",
    "forest",
    "city",
    "night",
    "rain",
    "snow",
    "desert",
    "meadow",
    "underwater",
    "space",
    "abstract",
]
Light = Literal["day", "sunset", "sunrise", "night", "overcast"]
View = Literal["", "shore", "open"]
"Where the camera stands by the ocean; empty leaves it to the seed."
Weather = Literal["", "rain", "snow"]
"What falls before a place that has a theme of its own."


SCENERY = "scenery:"
"How the ids of painted candidates begin; a shot is offered one."
OWN = "own:"
"How the ids of media that the user brought begin."


def own_id(media: MediaRef) -> str:
    """The id, as a candidate, of media that the user brought."""
    return f"{OWN}{media.asset or media.url or ''}"


def is_pick(pick: str, candidate: str) -> bool:
    """Whether the candidate of this id is the one that the user picked.

    Each search offers one painted picture, whose id tells its seed: who picked it means it with another seed, too.
    """
    return candidate == pick or (candidate.startswith(SCENERY) and pick.startswith(SCENERY))


class ShotQuery(Contract):
    """What a shot needs from a provider."""

    shot: str
    show: str
    terms: tuple[str, ...]
    about: tuple[str, ...] = ()
    "What the whole film is about."
    seconds: float
    "How long it will probably be on screen."
    width: int
    height: int
    "Pixels of the canvas."
    sources: tuple[Source, ...]
    "In order of preference."
    language: str = "en"
    "Of the terms."
    seed: int


class Provenance(Contract):
    """Where a picture came from and what its licence asks for."""

    provider: str
    source_id: str = ""
    page_url: str = ""
    creator: str = ""
    creator_url: str = ""
    licence: str = ""
    credit: str = ""
    "The line to show, for example `Video by Ada Example on Pexels`."
    fetched_at: str = ""
    "UTC, ISO 8601; empty for what nothing was fetched for."

    @property
    def own(self) -> bool:
        """True for media that the user brought, uploaded or by its address."""
        return self.provider in ("upload", "url")


class SceneryRecipe(Contract):
    """How to paint a moving background. The renderer draws it straight into the film."""

    theme: Theme
    light: Light
    seed: int
    view: View = ""
    weather: Weather = ""


class Candidate(Contract):
    """Something a provider offers for a shot. `id` is unique over all providers (`pexels:4401001`)."""

    id: str
    kind: Literal["video", "still", "scenery"]
    score: float
    "0 to 1, how well it fits the query; set by the ranking."
    url: str = ""
    "Where the rendition to fetch is; empty for scenery and files of this server."
    media: MediaRef | None = None
    path: str = ""
    "A name inside the server's own clip folder."
    scenery: SceneryRecipe | None = None
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    provenance: Provenance


class ProviderNote(Contract):
    """A provider that could not help, and why; kept so that the result can say it."""

    provider: str
    problem: str


class CandidateList(Contract):
    """The facts of a `search` step: candidates, best first. The last is always scenery."""

    candidates: tuple[Candidate, ...]
    notes: tuple[ProviderNote, ...] = ()


class Tone(Contract):
    """How a picture is exposed and coloured, over some of its frames: 8-bit limited-range YCbCr of BT.709."""

    black: float
    "The luma that 2 % of all pixels stay below."
    mid: float
    "The middle one of all luma values."
    white: float
    "The luma that 2 % of all pixels exceed."
    u: float
    v: float
    "Means of the chroma; 128 is neutral."


Matrix = Literal["auto", "bt601", "bt709"]
"How YCbCr is to be read, as ffmpeg's scale filter names it; `auto` if every frame says it."
Ground = Literal["", "white", "black"]


class Footage(Contract):
    """The facts of an `acquire` step: checked media that a clip can point at."""

    kind: Literal["video", "still", "scenery"]
    media: ObjectRef | None = None
    "None for scenery."
    scenery: SceneryRecipe | None = None
    width: int = 0
    height: int = 0
    "As shown, after rotation."
    seconds: float = 0.0
    "0 for stills and scenery, which last as long as they are wanted."
    fps: float = 0.0
    tone: Tone | None = None
    "None for scenery, and where nothing could be measured."
    focus: tuple[float, float] = (0.5, 0.5)
    "Where the eye goes: shares of width and height, from the top left."
    matrix: Matrix = "auto"
    hdr: bool = False
    "Whether its light is that of PQ or HLG."
    ground: Ground = ""
    "What is seen where it is transparent; empty if it is not."
    provenance: Provenance

    @property
    def shareable(self) -> bool:
        """False for what lies behind an address of the user's: it may have changed by the next job."""
        return self.provenance.provider != "url"
