"""A cache of others' answers that all workers share."""

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from common.errors import Retryable

LARGEST = 256 * 1024
"Bytes of an entry, packed. What is larger is not kept."

# One atomic step with the server's clock: keep the entry, then forget the oldest ones beyond the limit, with those that
# have expired. The index is needed because the state store evicts nothing by itself.
PUT = """
local now = redis.call('TIME')
local millis = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[1], millis, KEYS[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', millis - ARGV[2])
local surplus = -(tonumber(ARGV[3]) + 1)
for _, oldest in ipairs(redis.call('ZRANGE', KEYS[1], 0, surplus)) do
  redis.call('DEL', oldest)
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, surplus)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

T = TypeVar("T")


class SharedCache:
    """At most `most` JSON values, each for `seconds`, for all processes that use the same `name`."""

    def __init__(self, client: redis.Redis, name: str, seconds: float, most: int) -> None:
        self._client, self._put = client, client.register_script(PUT)
        self._index, self._millis, self._most = f"cache:{name}", int(seconds * 1000), most

    def get(self, key: str) -> Any | None:
        """None for what is not known, or no longer. Raises `Retryable` when Redis does not answer."""
        packed = _answer(lambda: self._client.get(self._entry(key)))
        return json.loads(zlib.decompress(base64.b85decode(packed))) if packed else None

    def put(self, key: str, value: Any) -> None:
        """Keeps a value, in place of the oldest one if there are too many. Raises as `get` does."""
        # As text, so that it does not matter whether the client decodes what it reads.
        packed = base64.b85encode(zlib.compress(json.dumps(value).encode()))
        if len(packed) <= LARGEST:
            keys = [self._index, self._entry(key)]
            _answer(lambda: self._put(keys=keys, args=[packed, self._millis, self._most]))

    def _entry(self, key: str) -> str:
        return f"{self._index}:{key}"


def _answer(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except redis.RedisError as error:
        raise Retryable("the state store does not answer") from error
