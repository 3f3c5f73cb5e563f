"""What libraries of stock videos have in common: phrases to search for, pages to read, renditions to choose from."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from common.contracts.footage import Candidate, Provenance, ShotQuery, WebFile
from common.contracts.sources import SOURCES
from common.errors import NotConfigured, Permanent, Retryable, Throttled
from common.net.client import Http, Reply
from common.net.ratelimit import SlidingWindow
from retriever import ranking

MAX_PAGES = 2
ENOUGH = 8
"With so many clips that are long enough, no further page or phrase is asked for: each costs a request."
MOST = 40
MAX_PHRASE = 100
"Characters."
COVERS = 0.9
"A rendition of nine tenths of the canvas will do: the next larger one often has four times the bytes."


class Rendition(NamedTuple):
    """One of the files of a video; its sides are more than 0 pixels."""

    url: str
    width: int
    height: int


Picture = TypeVar("Picture", Rendition, Candidate)


class StockVideo(NamedTuple):
    """A video as a library describes it. Texts are empty where it says nothing."""

    id: int
    renditions: Sequence[Rendition]
    seconds: float
    words: frozenset[str]
    "Stems of what describes it."
    page_url: str
    creator: str
    creator_url: str


class Page(NamedTuple):
    """A page of what was found, best first."""

    videos: Sequence[StockVideo]
    last: bool


class Library(NamedTuple):
    """The name of a library in the table of sources, and that of the licence it gives."""

    name: str
    licence: str

    @property
    def label(self) -> str:
        return SOURCES[self.name].label


AskPage = Callable[[str, int], Page]
"Gives the page of this number, from 1, of what there is for a phrase."


def search(query: ShotQuery, library: Library, ask: AskPage) -> list[Candidate]:
    """Tries the phrases of the query in turn until there are enough clips that last and have the canvas' orientation.

    Clips of the other orientation are offered if there are not enough.
    """
    found: dict[str, Candidate] = {}
    try:
        for page in _pages(query, ask):
            for candidate in _candidates(query, library, page.videos):
                found.setdefault(candidate.id, candidate)
            if _enough(query, found.values()):
                break
    except Retryable:
        if not found:
            raise  # else what the earlier pages gave is better than another try
    turned = _turned(found.values(), query.width, query.height)
    return ranking.rank(turned if _enough(query, turned) else found.values())[:MOST]


def _pages(query: ShotQuery, ask: AskPage) -> Iterator[Page]:
    for phrase in _phrases(query):
        for number in range(1, MAX_PAGES + 1):
            page = ask(phrase, number)
            yield page
            if page.last:
                break


def _phrases(query: ShotQuery) -> list[str]:
    tidy = (" ".join(phrase.split())[:MAX_PHRASE] for phrase in query.terms or (query.show,))
    return [phrase for phrase in tidy if phrase]


def _candidates(query: ShotQuery, library: Library, videos: Sequence[StockVideo]) -> Iterator[Candidate]:
    for index, video in enumerate(videos):
        rendition = choose_rendition(video.renditions, query.width, query.height)
        if rendition is not None:
            yield _candidate(query, library, video, rendition, index / max(1, len(videos) - 1))


def _candidate(query: ShotQuery, library: Library, video: StockVideo, rendition: Rendition, rank: float) -> Candidate:
    features = ranking.Features(video.words, rank, video.seconds, rendition.width, rendition.height)
    return Candidate(
        id=f"{library.name}:{video.id}",
        kind="video",
        score=ranking.score(query, features),
        origin=WebFile(url=rendition.url),
        width=rendition.width,
        height=rendition.height,
        seconds=video.seconds,
        provenance=Provenance(
            provider=library.name,
            source_id=str(video.id),
            page_url=video.page_url,
            creator=video.creator,
            creator_url=video.creator_url,
            licence=library.licence,
            credit=f"Video by {video.creator} on {library.label}" if video.creator else f"Video from {library.label}",
        ),
    )


def _enough(query: ShotQuery, found: Collection[Candidate]) -> bool:
    lasting = [candidate for candidate in found if candidate.seconds >= query.seconds + ranking.SPARE_SECONDS]
    return len(_turned(lasting, query.width, query.height)) >= ENOUGH


def _turned(pictures: Iterable[Picture], width: int, height: int) -> list[Picture]:
    """Those of the orientation of the canvas; what is square goes with every one."""
    return [one for one in pictures if (one.width - one.height) * (width - height) >= 0]


def choose_rendition(renditions: Sequence[Rendition], width: int, height: int) -> Rendition | None:
    """The smallest that covers the canvas, renditions of its orientation first; else the largest there is.

    What is larger costs time in the film: 4K takes about three times as long to decode as Full HD.
    """
    usable = _turned(renditions, width, height) or renditions
    covering = [file for file in usable if file.width >= COVERS * width and file.height >= COVERS * height]
    return min(covering, key=_pixels) if covering else max(usable, key=_pixels, default=None)


def _pixels(file: Rendition) -> int:
    return file.width * file.height


class MeteredHttp:
    """Asks a library as often as all workers together may. `pause` is in seconds, for when it does not say how long."""

    def __init__(self, http: Http, window: SlidingWindow, library: Library, pause: float) -> None:
        self._http, self._window, self._library, self._pause = http, window, library, pause

    def get_json(self, url: str, headers: Mapping[str, str], parameters: Mapping[str, str]) -> Reply:
        """As `Http.get_json`. Raises `Throttled` when the limit is used up, too."""
        wait = self._window.take()
        if wait > 0:
            raise Throttled(f"the request limit of {self._library.label} is used up", wait)
        try:
            return self._http.get_json(url, headers, parameters)
        except Throttled as error:
            pause = error.retry_after or self._pause
            raise Throttled(f"{self._library.label} asks to slow down", pause) from None


def listing_of(reply: Reply, library: Library, field: str) -> dict[str, Any]:
    """The answer to a search; the list of videos is in its `field`. Raises `StepError` for any other answer."""
    if reply.status in (401, 403):
        raise refused_key(library)
    if reply.status >= 400:
        raise Permanent(f"{library.label} answered {reply.status} to a search")
    if not isinstance(reply.data, dict) or not isinstance(reply.data.get(field), list):
        raise Retryable(f"{library.label} answered something that is not a list of videos")
    return reply.data


def refused_key(library: Library) -> NotConfigured:
    (setting,) = SOURCES[library.name].settings
    return NotConfigured(f"{library.label} refused the key in {setting.upper()}; set a valid one")


# what others wrote may be anything


def objects(value: Any) -> list[dict[str, Any]]:
    """The JSON objects in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def as_renditions(files: Iterable[tuple[Any, Mapping[str, Any]]]) -> list[Rendition]:
    """Renditions from addresses and objects with `width` and `height`, if they have a web address and a size."""
    found = (
        Rendition(as_text(url), int(as_number(file.get("width"))), int(as_number(file.get("height"))))
        for url, file in files
    )
    return [one for one in found if one.url.startswith(("https://", "http://")) and min(one.width, one.height) > 0]
