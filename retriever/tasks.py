"""The steps and the sources of the retriever."""

from collections.abc import Callable
from typing import Any

import redis

from common.contracts.names import Kind
from common.contracts.steps import SearchFacts, SearchSpec
from common.net.client import Http
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever.acquire import Acquirer
from retriever.providers.registry import available, providers
from retriever.search import search

REDIS_TIMEOUT = 2.0


def handlers(settings: Settings) -> dict[str, Callable[[Any, StepRun], Any]]:
    client = redis.Redis.from_url(
        settings.state_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    sources = providers(settings, Http(settings), client)

    def handle_search(spec: SearchSpec, run: StepRun) -> SearchFacts:
        return search(spec, run, sources)

    return {Kind.SEARCH: handle_search, Kind.ACQUIRE: Acquirer(sources).acquire}


def engines(settings: Settings) -> dict[str, str | list[str]]:
    return {"sources": available(settings)}
