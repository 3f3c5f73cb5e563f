"""A rate limit that all workers share."""

import uuid

import redis

from common.errors import Retryable

# One atomic step with the server's clock: forget what left the window, then take a place, or answer how
# long it is until the oldest one is free.
TAKE = """
local now = redis.call('TIME')
local micros = now[1] * 1000000 + now[2]
local window = ARGV[2] * 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', micros - window)
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], micros, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
  return 0
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return oldest[2] + window - micros
"""


class SlidingWindow:
    """At most `limit` takes in any `seconds`, over all processes that use the same `name`."""

    def __init__(self, client: redis.Redis, name: str, limit: int, seconds: float) -> None:
        self._script = client.register_script(TAKE)
        self._key, self._limit, self._seconds = f"rate:{name}", limit, seconds

    def take(self) -> float:
        """Returns 0.0 to go ahead, which is counted; otherwise the seconds to wait, and nothing is counted.

        Raises `Retryable` when Redis does not answer.
        """
        try:
            micros = self._script(keys=[self._key], args=[self._limit, self._seconds, uuid.uuid4().hex])
        except redis.RedisError as error:
            raise Retryable("the state store does not answer") from error
        return max(0, int(micros)) / 1_000_000
