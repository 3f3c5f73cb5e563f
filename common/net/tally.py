"""Counts of calls to services of others, by service and outcome, over all workers."""

import logging
from collections.abc import Mapping

import redis

log = logging.getLogger(__name__)

KEY = "calls:speech"


def count_call(client: redis.Redis, service: str, outcome: str) -> None:
    """Counts one. A count that the store does not take is lost: nothing waits for it."""
    try:
        client.hincrby(KEY, f"{service} {outcome}", 1)
    except redis.RedisError:
        log.info("a call of %s (%s) could not be counted", service, outcome)


def calls(client: redis.Redis) -> Mapping[tuple[str, str], int]:
    """How many there were, by service and outcome. Raises what redis-py raises."""
    found: dict[tuple[str, str], int] = {}
    for name, count in client.hgetall(KEY).items():
        text = name.decode() if isinstance(name, bytes) else name
        service, _, outcome = text.rpartition(" ")
        found[service, outcome] = int(count)
    return found
