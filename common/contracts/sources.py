"""The one table of footage sources: their words for a reader, their kind and order, and what sets them up. Pure.

Without pydantic, so that the command line can read it before a command runs. The second and last place that knows the
names is the table of factories in `retriever/providers/registry.py`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

UPLOAD, URL, SCENERY = "upload", "url", "scenery"
"Names that mean something to the rest of the system."


class SourceKind(StrEnum):
    """The nature of a source."""

    OWN = "own"
    "Media the user names for a scene; there is nothing to search."
    STOCK = "stock"
    "A library on the web, of clips made to be used by others."
    ARCHIVE = "archive"
    "A collection of recordings of every sort: a public one, or the clips of this server."
    GENERATED = "generated"
    "Made to order by a model."
    PAINTED = "painted"
    "Drawn by our own renderer: needs no file and never fails, and so comes last."


class Source(NamedTuple):
    """A source of pictures. `name` is its name in requests, candidates and provenances."""

    name: str
    label: str
    "Its name for a reader."
    kind: SourceKind
    words: str
    "The origin of a picture in words, as in `found on Pexels`."
    settings: tuple[str, ...] = ()
    "Settings that must have a value; none for a source that is always there."
    setup: str = ""
    "Advice for whoever runs a server without it, as in `set PEXELS_API_KEY to a key`."

    def is_set_up(self, settings: object) -> bool:
        """True if all that it needs is set in `settings`, an object of `common.settings`."""
        return all(getattr(settings, name) for name in self.settings)


_ROWS = (
    Source(UPLOAD, "your upload", SourceKind.OWN, "your own file"),
    Source(URL, "your address", SourceKind.OWN, "from your address"),
    Source(
        "pexels",
        "Pexels",
        SourceKind.STOCK,
        "found on Pexels",
        ("pexels_api_key",),
        "set PEXELS_API_KEY to a key from pexels.com/api",
    ),
    Source(
        "pixabay",
        "Pixabay",
        SourceKind.STOCK,
        "found on Pixabay",
        ("pixabay_api_key",),
        "set PIXABAY_API_KEY to a key from pixabay.com/api/docs",
    ),
    Source(
        "folder",
        "the clip folder",
        SourceKind.ARCHIVE,
        "found in the clip folder of this server",
        ("clip_folder",),
        "set CLIP_FOLDER to a folder of videos and pictures",
    ),
    Source(SCENERY, "painted scenery", SourceKind.PAINTED, "a generated background"),
)
SOURCES: Mapping[str, Source] = {row.name: row for row in _ROWS}
"By name, in the order of preference."

REQUESTED = tuple(row.name for row in _ROWS if row.kind is not SourceKind.OWN)
"Names a request may ask for; own media are named by the scene that shows them."
SETTINGS = tuple(name for row in _ROWS for name in row.settings)
"Settings that decide which sources a server has."


def kind_of(name: str) -> SourceKind | None:
    """None for a source that is not in the table, such as one that a test or a plug-in brings along."""
    return SOURCES[name].kind if name in SOURCES else None


def by_preference(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once, the one to prefer first. Those not in the table come behind all but painted ones."""
    return tuple(sorted(set(names), key=_place))


def _place(name: str) -> tuple[bool, int, str]:
    row = list(SOURCES).index(name) if name in SOURCES else len(SOURCES)
    return kind_of(name) is SourceKind.PAINTED, row, name


def words_for(name: str) -> str:
    """The origin of a picture from this source, in words for a reader."""
    return SOURCES[name].words if name in SOURCES else f"found on {name}"


def absence(name: str, since: str = "not") -> str:
    """A sentence about a source that this server does not have, with the cure. `since` may be `no longer`."""
    row = SOURCES.get(name)
    if row is None or not row.setup:
        return f"{name} is {since} set up on this server"
    return f"{row.label} is {since} set up; {row.setup}"
