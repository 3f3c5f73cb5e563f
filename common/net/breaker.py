"""A circuit breaker that all workers share: a service that fails again and again is left alone for a while."""

from collections.abc import Mapping
from typing import Any

import redis

from common.errors import Retryable

# Each script is one atomic step with the server's clock. Three hashes have a field for each breaker: when it may be
# tried again (there is one only while it is open), how often it failed in a row, and when its probe is given up.
OPEN_UNTIL, FAILURES, PROBES = KEYS = ("breakers:until", "breakers:failures", "breakers:probes")

ASK = """
local now = redis.call('TIME')
local micros = now[1] * 1000000 + now[2]
local open = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if micros < open then
  return open - micros
end
if open == 0 then
  return 0
end
local probe = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0)
if micros < probe then
  return probe - micros
end
redis.call('HSET', KEYS[3], ARGV[1], string.format('%.0f', micros + ARGV[2] * 1000000))
return 0
"""

FAILED = """
local now = redis.call('TIME')
local micros = now[1] * 1000000 + now[2]
local failures = redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
local open = redis.call('HEXISTS', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if open == 1 or failures >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', micros + ARGV[3] * 1000000))
end
return failures
"""


class Breaker:
    """Closed, it lets all calls through. After `most` failures in a row it is open for `seconds`, then lets one call
    through as a probe: success closes it, failure opens it again. A probe that nobody reports on counts for `patience`.

    Processes that use the same `name` share it; seconds are those of the clock of Redis. All methods raise `Retryable`
    when Redis does not answer.
    """

    def __init__(self, client: redis.Redis, name: str, *, most: int, seconds: float, patience: float) -> None:
        self._client, self._name = client, name
        self._most, self._seconds, self._patience = most, seconds, patience
        self._ask, self._fail = client.register_script(ASK), client.register_script(FAILED)

    def ask(self) -> float:
        """Returns 0.0 to go ahead; otherwise the seconds after which it is worth asking again."""
        return max(0, int(self._run(self._ask, self._patience))) / 1_000_000

    def succeeded(self) -> None:
        """The service answered as it should."""
        try:
            pipeline = self._client.pipeline()
            for key in KEYS:
                pipeline.hdel(key, self._name)
            pipeline.execute()
        except redis.RedisError as error:
            raise Retryable("the state store does not answer") from error

    def failed(self) -> None:
        """The service did not answer, or not as it should."""
        self._run(self._fail, self._most, self._seconds)

    def refused(self, seconds: float) -> None:
        """The service refuses us altogether: opens at once, for so long."""
        self._run(self._fail, 0, seconds)

    def _run(self, script: Any, *arguments: float) -> Any:
        try:
            return script(keys=KEYS, args=[self._name, *arguments])
        except redis.RedisError as error:
            raise Retryable("the state store does not answer") from error


def open_breakers(client: redis.Redis) -> Mapping[str, bool]:
    """The breakers that have opened and not closed since, by name: True while they let nothing through.

    Raises what redis-py raises.
    """
    seconds, micros = client.time()
    found = client.hgetall(OPEN_UNTIL)
    now = seconds * 1_000_000 + micros
    return {_text(name): int(until) > now for name, until in found.items()}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
