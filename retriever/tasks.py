"""The steps and the sources of the retriever."""

from collections.abc import Mapping

import redis

from common.contracts.names import Kind
from common.contracts.sources import absence
from common.contracts.steps import AcquireSpec, SearchFacts, SearchSpec
from common.errors import NotConfigured
from common.net.client import Http
from common.settings import Settings
from common.walls.rules import check_walls
from common.worker.calloffs import Caller
from common.worker.runner import Handler
from common.worker.steprun import StepRun
from retriever.acquire import Acquirer
from retriever.providers.port import CallsOff, Provider
from retriever.providers.registry import FACTORIES, Factory, available, providers
from retriever.search import search

REDIS_TIMEOUT = 2.0
Factories = Mapping[str, Factory]
"The providers that a retriever may have; which of them it has depends on its settings."


def handlers(settings: Settings, factories: Factories = FACTORIES) -> dict[str, Handler]:
    sources = _providers(settings, factories)

    def handle_search(spec: SearchSpec, run: StepRun) -> SearchFacts:
        return search(spec, run, sources)

    return {Kind.SEARCH: handle_search, Kind.ACQUIRE: Acquirer(sources).acquire}


def call_offs(settings: Settings, factories: Factories = FACTORIES) -> dict[str, Caller]:
    sources = _providers(settings, factories)

    def call_off(spec: AcquireSpec, ticket: str, _: str) -> None:
        name = spec.candidate.provenance.provider
        if name not in sources:
            raise NotConfigured(absence(name, "no longer"))
        provider = sources[name]
        if not isinstance(provider, CallsOff):
            raise NotConfigured(f"{name} cannot call off an order")
        provider.call_off(spec.candidate, ticket)

    return {Kind.ACQUIRE: call_off}


def engines(settings: Settings, factories: Factories = FACTORIES) -> dict[str, str | list[str]]:
    """The sources of this worker. Raises `NotConfigured` on a machine where media cannot be decoded safely."""
    check_walls()
    return {"sources": available(settings, factories)}


def _providers(settings: Settings, factories: Factories) -> dict[str, Provider]:
    client = redis.Redis.from_url(
        settings.state_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    return providers(settings, Http(settings), client, factories)
