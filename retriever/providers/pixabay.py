"""Stock videos from Pixabay (https://pixabay.com/api/docs/)."""

from typing import Any

import redis

from common.contracts.base import fingerprint
from common.contracts.footage import Candidate, ShotQuery, WebFile
from common.net.cache import SharedCache
from common.net.client import Http, Reply
from common.net.ratelimit import SlidingWindow
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever import ranking
from retriever.providers import stock
from retriever.providers.download import Downloads
from retriever.providers.port import FetchedFile, origin_of
from retriever.providers.stock import Library, Page, Rendition, StockVideo, as_number, as_object, as_renditions, as_text

LIBRARY = Library("pixabay", "Pixabay Content License")
MINUTE, DAY = 60.0, 24 * 3600.0
PER_PAGE = 100
REACHABLE = 500
"Matches of a search that can be had at all."
MOST_ANSWERS = 500
"Kept for a day, as the terms of use ask; some 10 MB of the state store."
LANGUAGES = "cs da de en es fr id it hu nl no pl pt ro sk fi sv tr vi th bg ru el ja ko zh"
"Languages that search terms may be in."


class Pixabay:
    """The `Provider` over the video search. All workers together keep to the limit, and share what was answered."""

    name = LIBRARY.name

    def __init__(self, settings: Settings, http: Http, client: redis.Redis) -> None:
        window = SlidingWindow(client, self.name, settings.pixabay_per_minute, MINUTE)
        self._http = stock.MeteredHttp(http, window, LIBRARY, MINUTE)
        self._answers = SharedCache(client, self.name, DAY, MOST_ANSWERS)
        self._settings, self._downloads = settings, Downloads(settings, http)

    def search(self, query: ShotQuery) -> list[Candidate]:
        return stock.search(query, LIBRARY, lambda phrase, number: self._page(query, phrase, number))

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedFile:
        return self._downloads.fetch(origin_of(self.name, candidate, WebFile).url, run)

    def _page(self, query: ShotQuery, phrase: str, number: int) -> Page:
        # There is no filter for the orientation: `stock.search` sees to it.
        parameters = {"q": phrase, "per_page": str(PER_PAGE), "page": str(number), "safesearch": "true"}
        language = query.language[:2].lower()
        if language in LANGUAGES.split():
            parameters["lang"] = language
        listing = self._listing(parameters)
        videos = [_video(hit) for hit in stock.objects(listing["hits"]) if isinstance(hit.get("id"), int)]
        reachable = min(REACHABLE, as_number(listing.get("totalHits")))
        return Page(videos, last=number * PER_PAGE >= reachable)

    def _listing(self, parameters: dict[str, str]) -> dict[str, Any]:
        """The answer to a search: of the last 24 hours if there is one. No name of an answer has the key in it."""
        url = f"{self._settings.pixabay_base_url.rstrip('/')}/videos/"
        name = fingerprint(url, parameters)
        known = self._answers.get(name)
        if known is not None:
            return as_object(known)
        reply = self._http.get_json(url, {}, {"key": self._settings.pixabay_api_key, **parameters})
        listing = _checked(reply)
        self._answers.put(name, listing)
        return listing


def _checked(reply: Reply) -> dict[str, Any]:
    """The answer of a search. Refusals are texts, and 400 stands for several."""
    if "api key" in reply.refusal.lower():
        raise stock.refused_key(LIBRARY)
    if '"page" is out of valid range' in reply.refusal:
        return {"hits": []}  # a day-old first page may promise more than there is now
    return stock.listing_of(reply, LIBRARY, "hits")


def _video(hit: dict[str, Any]) -> StockVideo:
    creator, number = as_text(hit.get("user")), as_number(hit.get("user_id"))
    return StockVideo(
        id=hit["id"],
        renditions=_renditions(hit.get("videos")),
        seconds=as_number(hit.get("duration")),
        words=ranking.stems(as_text(hit.get("tags"))),
        page_url=as_text(hit.get("pageURL")),
        creator=creator,
        creator_url=f"https://pixabay.com/users/{creator}-{number:.0f}/" if creator and number else "",
    )


def _renditions(files: Any) -> list[Rendition]:
    """The sizes there are; one that is missing, mostly the large one, has an empty address."""
    sizes = stock.objects(list(as_object(files).values()))
    return as_renditions((size.get("url"), size) for size in sizes)
