"""Stock videos from Pexels (https://www.pexels.com/api/documentation/)."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from common.contracts.footage import Candidate, Provenance, ShotQuery
from common.errors import NotConfigured, Permanent, Retryable, Throttled
from common.net.client import Http, Reply
from common.net.ratelimit import SlidingWindow
from common.settings import Settings
from retriever import ranking

OLD_PREFIX = "/videos"
"The path of the video calls according to the older documentation."
PER_PAGE = 80
MAX_PAGES = 2
ENOUGH = 8
"With so many clips that are long enough, no further page or term is asked for: each costs a request."
MOST = 40
MAX_PHRASE = 100
LICENCE = "Pexels License"
LOCALES = (
    "en-US pt-BR es-ES ca-ES de-DE it-IT fr-FR sv-SE id-ID pl-PL ja-JP zh-TW zh-CN ko-KR th-TH nl-NL hu-HU vi-VN "
    "cs-CZ da-DK fi-FI uk-UA el-GR ro-RO nb-NO sk-SK tr-TR ru-RU"
)
"Languages that search terms may be in."
COVERS = 0.9
"A rendition of nine tenths of the canvas will do: the next larger one often has four times the bytes."


class Pexels:
    """The `Provider` over the video search. All workers together keep to the hourly limit."""

    name = "pexels"

    def __init__(self, settings: Settings, http: Http, window: SlidingWindow) -> None:
        self._settings, self._http, self._window = settings, http, window
        self._prefixes = list(dict.fromkeys((settings.pexels_video_prefix, OLD_PREFIX)))

    def search(self, query: ShotQuery) -> list[Candidate]:
        """Tries the terms in turn until there are enough clips that last as long as the shot."""
        found: dict[str, Candidate] = {}
        try:
            for listing in self._listings(query):
                for candidate in _candidates(query, listing):
                    found.setdefault(candidate.id, candidate)
                if _enough(query, found):
                    break
        except Retryable:
            if not found:
                raise  # else what the earlier pages gave is better than another try
        return ranking.rank(found.values())[:MOST]

    def _listings(self, query: ShotQuery) -> Iterator[dict[str, Any]]:
        for term in _phrases(query):
            for page in range(1, MAX_PAGES + 1):
                listing = self._page(query, term, page)
                yield listing
                if not listing.get("next_page"):
                    break

    def _page(self, query: ShotQuery, term: str, page: int) -> dict[str, Any]:
        parameters = {
            "query": term,
            "size": _least_size(query),
            "per_page": str(PER_PAGE),
            "page": str(page),
        }
        if query.width != query.height:  # hardly any video is square, and most can be cropped to it
            parameters["orientation"] = "landscape" if query.width > query.height else "portrait"
        if locale := _locale(query.language):
            parameters["locale"] = locale
        reply = self._ask(parameters)
        if reply.status in (401, 403):
            raise NotConfigured("Pexels refused the key in PEXELS_API_KEY; set a valid one")
        if reply.status >= 400:
            raise Permanent(f"Pexels answered {reply.status} to a search")
        if not isinstance(reply.data, dict) or not isinstance(reply.data.get("videos"), list):
            raise Retryable("Pexels answered something that is not a list of videos")
        return reply.data

    def _ask(self, parameters: dict[str, str]) -> Reply:
        """Asks under the prefix that works, and remembers which one that is."""
        for prefix in tuple(self._prefixes):
            reply = self._get(f"{self._settings.pexels_base_url.rstrip('/')}{prefix}/search", parameters)
            if reply.status != 404:
                self._prefixes = [prefix]
                break
        return reply

    def _get(self, url: str, parameters: dict[str, str]) -> Reply:
        wait = self._window.take()
        if wait > 0:
            raise Throttled("the hourly limit of Pexels is used up", wait)
        try:
            return self._http.get_json(url, {"Authorization": self._settings.pexels_api_key}, parameters)
        except Throttled as error:
            # Pexels does not say how long.
            raise Throttled("Pexels asks to slow down", error.retry_after or self._settings.pexels_backoff) from None


def _candidates(query: ShotQuery, listing: dict[str, Any]) -> Iterator[Candidate]:
    videos = [video for video in listing["videos"] if isinstance(video, dict)]
    for index, video in enumerate(videos):
        rendition = choose_rendition(video.get("video_files"), query.width, query.height)
        if rendition is not None and isinstance(video.get("id"), int):
            yield _candidate(query, video, rendition, index / max(1, len(videos) - 1))


def _candidate(query: ShotQuery, video: dict[str, Any], rendition: dict[str, Any], rank: float) -> Candidate:
    page_url = _text(video.get("url"))
    user = _object(video.get("user"))
    creator = _text(user.get("name"))
    seconds = _number(video.get("duration"))
    width, height = int(rendition["width"]), int(rendition["height"])
    features = ranking.Features(_words(page_url, video.get("tags")), rank, seconds, width, height)
    return Candidate(
        id=f"pexels:{video['id']}",
        kind="video",
        score=ranking.score(query, features),
        url=rendition["link"],
        width=width,
        height=height,
        seconds=seconds,
        provenance=Provenance(
            provider="pexels",
            source_id=str(video["id"]),
            page_url=page_url,
            creator=creator,
            creator_url=_text(user.get("url")),
            licence=LICENCE,
            credit=f"Video by {creator} on Pexels" if creator else "Video from Pexels",
        ),
    )


def choose_rendition(files: Any, width: int, height: int) -> dict[str, Any] | None:
    """The smallest mp4 that covers the canvas, renditions of its orientation first; else the largest there is.

    What is larger costs time in the film: 4K takes about three times as long to decode as Full HD.
    """
    usable: list[dict[str, Any]] = [file for file in files if _is_usable(file)] if isinstance(files, list) else []
    # What is square goes with every orientation.
    turned = [file for file in usable if (file["width"] - file["height"]) * (width - height) >= 0]
    covering = [
        file for file in turned or usable if file["width"] >= COVERS * width and file["height"] >= COVERS * height
    ]
    if covering:
        return min(covering, key=_pixels)
    return max(turned or usable, key=_pixels, default=None)


def _is_usable(file: Any) -> bool:
    return (
        isinstance(file, dict)
        and file.get("quality") != "hls"
        and file.get("file_type") == "video/mp4"
        and _number(file.get("width")) > 0
        and _number(file.get("height")) > 0
        and _text(file.get("link")).startswith(("https://", "http://"))
    )


def _pixels(file: dict[str, Any]) -> int:
    return int(file["width"] * file["height"])


def _locale(language: str) -> str | None:
    """The locale for a language tag: the same region if Pexels has it, else any of that language."""
    known = LOCALES.split()
    same = [tag for tag in known if tag.lower() == language.lower()]
    return next(iter(same or [tag for tag in known if tag.startswith(f"{language[:2].lower()}-")]), None)


def _phrases(query: ShotQuery) -> list[str]:
    tidy = (" ".join(phrase.split())[:MAX_PHRASE] for phrase in query.terms or (query.show,))
    return [phrase for phrase in tidy if phrase]


def _enough(query: ShotQuery, found: dict[str, Candidate]) -> bool:
    lasting = [candidate for candidate in found.values() if candidate.seconds >= query.seconds + ranking.SPARE_SECONDS]
    return len(lasting) >= ENOUGH


def _least_size(query: ShotQuery) -> str:
    """The smallest size Pexels may offer: `small` is HD, `medium` Full HD. 4K is never asked for: few clips have it."""
    return "small" if min(query.width, query.height) <= 720 else "medium"


def _words(page_url: str, tags: Any) -> frozenset[str]:
    """The words of the page address (`/video/boats-in-harbour-4401001/`) and of the tags."""
    slug = re.sub(r"-?\d+/?$", "", urlsplit(page_url).path.rstrip("/")).rpartition("/")[2]
    names = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return ranking.stems(" ".join([slug, *names]))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
