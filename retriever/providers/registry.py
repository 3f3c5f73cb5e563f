"""The providers of this server, as its settings have them."""

from collections.abc import Mapping
from pathlib import Path

import redis

from common.net.client import Http
from common.net.ratelimit import SlidingWindow
from common.settings import Settings
from retriever.providers.folder import ClipFolder
from retriever.providers.pexels import Pexels
from retriever.providers.port import Provider
from retriever.providers.scenery import SceneryProvider

HOUR = 3600.0
SETUP_HINTS: Mapping[str, str] = {
    "pexels": "Pexels is not set up; set PEXELS_API_KEY to a key from pexels.com/api",
    "folder": "there is no clip folder; set CLIP_FOLDER to a folder of videos and pictures",
}
"Advice about a source that was asked for and is not there."


def available(settings: Settings) -> list[str]:
    """The sources this server has, the one to prefer first."""
    configured = {"pexels": settings.pexels_api_key, "folder": settings.clip_folder}
    return [name for name, setting in configured.items() if setting] + ["scenery"]


def providers(settings: Settings, http: Http, client: redis.Redis) -> dict[str, Provider]:
    """The same sources, ready to be asked. `client` holds the rate limits that all workers share."""
    ready: dict[str, Provider] = {}
    if settings.pexels_api_key:
        window = SlidingWindow(client, "pexels", settings.pexels_per_hour, HOUR)
        ready["pexels"] = Pexels(settings, http, window)
    if settings.clip_folder:
        ready["folder"] = ClipFolder(Path(settings.clip_folder))
    ready["scenery"] = SceneryProvider()
    return ready
