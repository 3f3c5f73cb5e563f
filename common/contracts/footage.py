"""The way from a wanted picture to usable media: query, candidate, footage, provenance."""

from typing import Annotated, Literal

from pydantic import Field

from common.contracts.base import Contract, ObjectRef
from common.contracts.request import MediaRef
from common.contracts.sources import URL, SourceKind, kind_of

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
"Position of the camera by the ocean; empty leaves it to the seed."
Weather = Literal["", "rain", "snow"]
"Rain or snow in front of a place that has a theme of its own."


SCENERY = "scenery:"
"Prefix of the ids of painted candidates; a shot is offered one."
OWN = "own:"
"Prefix of the ids of media supplied by the user."


def own_id(media: MediaRef) -> str:
    """The candidate id of media supplied by the user."""
    return f"{OWN}{media.asset or media.url or ''}"


def is_pick(pick: str, candidate: str) -> bool:
    """True if the candidate with this id is the one that the user picked.

    Each search offers one painted picture with its seed in the id: picking it means it with any other seed, too.
    """
    return candidate == pick or (candidate.startswith(SCENERY) and pick.startswith(SCENERY))


class ShotQuery(Contract):
    """Everything a provider needs to find footage for a shot."""

    shot: str
    show: str
    terms: tuple[str, ...]
    about: tuple[str, ...] = ()
    "Topic of the whole film."
    seconds: float
    "Probable time on screen."
    width: int
    height: int
    "Pixels of the canvas."
    sources: tuple[str, ...]
    "In order of preference."
    language: str = "en"
    "Language of the terms."
    seed: int


class Provenance(Contract):
    """The source of a picture and the demands of its licence."""

    provider: str
    source_id: str = ""
    page_url: str = ""
    creator: str = ""
    creator_url: str = ""
    licence: str = ""
    credit: str = ""
    "The line to show, for example `Video by Ada Example on Pexels`."
    fetched_at: str = ""
    "UTC, ISO 8601; empty if nothing was fetched."

    @property
    def own(self) -> bool:
        """True for media supplied by the user, as an upload or by its URL."""
        return kind_of(self.provider) is SourceKind.OWN


class SceneryRecipe(Contract):
    """The recipe of a painted moving background. The renderer draws it straight into the film."""

    theme: Theme
    light: Light
    seed: int
    view: View = ""
    weather: Weather = ""


class WebFile(Contract):
    """A file at a web address that a provider named."""

    kind: Literal["web"] = "web"
    url: str


class ClipFile(Contract):
    """A file of the server's own clip folder."""

    kind: Literal["clip"] = "clip"
    path: str
    "Inside the folder."


class OwnMedia(Contract):
    """Media supplied by the user."""

    kind: Literal["own"] = "own"
    media: MediaRef


class Painted(Contract):
    """A moving background that is there as soon as it is drawn."""

    kind: Literal["painted"] = "painted"
    recipe: SceneryRecipe


Origin = Annotated[WebFile | ClipFile | OwnMedia | Painted, Field(discriminator="kind")]
"All that the provider of a candidate needs to bring it in."


class Candidate(Contract):
    """A provider's offer for a shot. `id` is unique across all providers (`pexels:4401001`)."""

    id: str
    kind: Literal["video", "still", "scenery"]
    score: float
    "Fit to the query, 0 to 1; set by the ranking."
    origin: Origin
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    provenance: Provenance

    @property
    def own(self) -> bool:
        """True for media supplied by the user."""
        return isinstance(self.origin, OwnMedia)

    @property
    def painted(self) -> bool:
        """True for scenery."""
        return isinstance(self.origin, Painted)


class ProviderNote(Contract):
    """A provider that could not help, and the reason; kept for the result to report."""

    provider: str
    problem: str


class CandidateList(Contract):
    """The facts of a `search` step: candidates, best first. The last is always scenery."""

    candidates: tuple[Candidate, ...]
    notes: tuple[ProviderNote, ...] = ()


class Tone(Contract):
    """Exposure and colour of a picture, over a sample of its frames: 8-bit limited-range YCbCr of BT.709."""

    black: float
    "Luma that 2 % of all pixels stay below."
    mid: float
    "Median of all luma values."
    white: float
    "Luma that 2 % of all pixels exceed."
    u: float
    v: float
    "Mean chroma; 128 is neutral."


Matrix = Literal["auto", "bt601", "bt709"]
"The YCbCr matrix, as ffmpeg's scale filter names it; `auto` if every frame states its own."
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
    "None for scenery, and if nothing could be measured."
    focus: tuple[float, float] = (0.5, 0.5)
    "Point that draws the eye: shares of width and height, from the top left."
    matrix: Matrix = "auto"
    hdr: bool = False
    "True if its transfer function is PQ or HLG."
    ground: Ground = ""
    "Background seen through transparent areas; empty if there are none."
    provenance: Provenance

    @property
    def shareable(self) -> bool:
        """False for media from a URL of the user's: it may have changed by the next job."""
        return self.provenance.provider != URL
