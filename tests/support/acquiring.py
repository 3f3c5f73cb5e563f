"""The acquire step over the real providers, without a queue. Nothing that fetches asks Redis."""

import redis

from common.net.client import Http
from common.settings import Settings
from retriever.acquire import Acquirer
from retriever.providers.registry import providers


def acquirer(settings: Settings) -> Acquirer:
    return Acquirer(providers(settings, Http(settings), redis.Redis(port=1)))
