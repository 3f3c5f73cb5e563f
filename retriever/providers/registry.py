"""The providers of this server: what its settings have of the sources in `common/contracts/sources.py`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import redis

from common.contracts.sources import SCENERY, SOURCES, UPLOAD, URL, SourceKind, by_preference, kind_of
from common.net.client import Http
from common.settings import Settings
from retriever.providers.download import Downloads
from retriever.providers.folder import ClipFolder
from retriever.providers.own import OwnMediaProvider
from retriever.providers.pexels import Pexels
from retriever.providers.pixabay import Pixabay
from retriever.providers.port import Provider
from retriever.providers.scenery import SceneryProvider

Factory = Callable[[Settings, Http, redis.Redis], Provider]
"The client is that of the state: it holds what all workers share, such as limits."

FACTORIES: Mapping[str, Factory] = {
    UPLOAD: lambda settings, http, _: OwnMediaProvider(UPLOAD, Downloads(settings, http)),
    URL: lambda settings, http, _: OwnMediaProvider(URL, Downloads(settings, http)),
    "pexels": Pexels,
    "pixabay": Pixabay,
    "folder": lambda settings, _http, _client: ClipFolder(Path(settings.clip_folder)),
    SCENERY: lambda _settings, _http, _client: SceneryProvider(),
}
"By name. Which of them this server has, and in which order, follows from the table of sources."


def available(settings: Settings, factories: Mapping[str, Factory] = FACTORIES) -> list[str]:
    """The sources that this server can search, the one to prefer first."""
    return [name for name in _set_up(settings, factories) if kind_of(name) is not SourceKind.OWN]


def providers(
    settings: Settings, http: Http, client: redis.Redis, factories: Mapping[str, Factory] = FACTORIES
) -> dict[str, Provider]:
    """The same sources and those of the user's own media, ready to be asked."""
    return {name: factories[name](settings, http, client) for name in _set_up(settings, factories)}


def _set_up(settings: Settings, factories: Mapping[str, Factory]) -> list[str]:
    return [name for name in by_preference(factories) if name not in SOURCES or SOURCES[name].is_set_up(settings)]
