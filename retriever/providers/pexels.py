"""Stock videos from Pexels (https://www.pexels.com/api/documentation/)."""

import re
from typing import Any
from urllib.parse import urlsplit

import redis

from common.contracts.footage import Candidate, ShotQuery, WebFile
from common.net.client import Http, Reply
from common.net.ratelimit import SlidingWindow
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever import ranking
from retriever.providers import stock
from retriever.providers.download import Downloads
from retriever.providers.port import FetchedFile, origin_of
from retriever.providers.stock import Library, Page, Rendition, StockVideo, as_number, as_object, as_renditions, as_text

LIBRARY = Library("pexels", "Pexels License")
HOUR = 3600.0
OLD_PREFIX = "/videos"
"The path of the video calls according to the older documentation."
PER_PAGE = 80
LOCALES = (
    "en-US pt-BR es-ES ca-ES de-DE it-IT fr-FR sv-SE id-ID pl-PL ja-JP zh-TW zh-CN ko-KR th-TH nl-NL hu-HU vi-VN "
    "cs-CZ da-DK fi-FI uk-UA el-GR ro-RO nb-NO sk-SK tr-TR ru-RU"
)
"Languages that search terms may be in."


class Pexels:
    """The `Provider` over the video search. All workers together keep to the hourly limit."""

    name = LIBRARY.name

    def __init__(self, settings: Settings, http: Http, client: redis.Redis) -> None:
        window = SlidingWindow(client, self.name, settings.pexels_per_hour, HOUR)
        # Pexels does not say how long to wait.
        self._http = stock.MeteredHttp(http, window, LIBRARY, settings.pexels_backoff)
        self._settings, self._downloads = settings, Downloads(settings, http)
        self._prefixes = list(dict.fromkeys((settings.pexels_video_prefix, OLD_PREFIX)))

    def search(self, query: ShotQuery) -> list[Candidate]:
        return stock.search(query, LIBRARY, lambda phrase, number: self._page(query, phrase, number))

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedFile:
        return self._downloads.fetch(origin_of(self.name, candidate, WebFile).url, run)

    def _page(self, query: ShotQuery, phrase: str, number: int) -> Page:
        parameters = {
            "query": phrase,
            "size": _least_size(query),
            "per_page": str(PER_PAGE),
            "page": str(number),
        }
        if query.width != query.height:  # hardly any video is square, and most can be cropped to it
            parameters["orientation"] = "landscape" if query.width > query.height else "portrait"
        if locale := _locale(query.language):
            parameters["locale"] = locale
        listing = stock.listing_of(self._ask(parameters), LIBRARY, "videos")
        videos = [_video(video) for video in stock.objects(listing["videos"]) if isinstance(video.get("id"), int)]
        return Page(videos, last=not listing.get("next_page"))

    def _ask(self, parameters: dict[str, str]) -> Reply:
        """Asks under the prefix that works, and remembers which one that is."""
        headers = {"Authorization": self._settings.pexels_api_key}
        for prefix in tuple(self._prefixes):
            url = f"{self._settings.pexels_base_url.rstrip('/')}{prefix}/search"
            reply = self._http.get_json(url, headers, parameters)
            if reply.status != 404:
                self._prefixes = [prefix]
                break
        return reply


def _video(video: dict[str, Any]) -> StockVideo:
    user, page_url = as_object(video.get("user")), as_text(video.get("url"))
    return StockVideo(
        id=video["id"],
        renditions=renditions(video.get("video_files")),
        seconds=as_number(video.get("duration")),
        words=_words(page_url, video.get("tags")),
        page_url=page_url,
        creator=as_text(user.get("name")),
        creator_url=as_text(user.get("url")),
    )


def renditions(files: Any) -> list[Rendition]:
    """The files that can be played: mp4 with a size, and no playlists."""
    mp4 = [file for file in stock.objects(files) if file.get("file_type") == "video/mp4"]
    return as_renditions((file.get("link"), file) for file in mp4 if file.get("quality") != "hls")


def _locale(language: str) -> str | None:
    """The locale for a language tag: the same region if Pexels has it, else any of that language."""
    known = LOCALES.split()
    same = [tag for tag in known if tag.lower() == language.lower()]
    return next(iter(same or [tag for tag in known if tag.startswith(f"{language[:2].lower()}-")]), None)


def _least_size(query: ShotQuery) -> str:
    """The smallest size Pexels may offer: `small` is HD, `medium` Full HD. 4K is never asked for: few clips have it."""
    return "small" if min(query.width, query.height) <= 720 else "medium"


def _words(page_url: str, tags: Any) -> frozenset[str]:
    """The words of the page address (`/video/boats-in-harbour-4401001/`) and of the tags."""
    slug = re.sub(r"-?\d+/?$", "", urlsplit(page_url).path.rstrip("/")).rpartition("/")[2]
    names = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return ranking.stems(" ".join([slug, *names]))
