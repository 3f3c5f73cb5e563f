"""The cache of others' answers that all workers share, against a real Redis."""

from collections.abc import Iterator

import pytest
import redis

from common.errors import Retryable
from common.net import cache
from common.net.cache import SharedCache
from tests.support.redis_server import RedisServer, free_port
from tests.support.waiting import eventually


@pytest.fixture(params=[True, False], ids=["text", "bytes"])
def client(request: pytest.FixtureRequest, redis_here: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_here.url, decode_responses=request.param) as one:
        yield one


def test_what_was_put_is_there_for_every_process_of_the_name(client: redis.Redis) -> None:
    value = {"hits": [{"tags": "Häfen 🌊", "none": None}]}
    SharedCache(client, "one", 60, 10).put("a", value)
    assert SharedCache(client, "one", 60, 10).get("a") == value
    assert SharedCache(client, "two", 60, 10).get("a") is None
    assert SharedCache(client, "one", 60, 10).get("b") is None


def test_the_oldest_entries_make_room_and_leave_nothing_behind(client: redis.Redis) -> None:
    shared = SharedCache(client, "one", 60, 3)
    for number in range(5):
        shared.put(str(number), number)
    assert [shared.get(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    assert len(list(client.scan_iter("*"))) == 4, "three entries and their index"


def test_an_entry_that_is_put_again_counts_once(client: redis.Redis) -> None:
    shared = SharedCache(client, "one", 60, 2)
    for key in ("a", "b", "a", "a"):
        shared.put(key, key)
    assert (shared.get("a"), shared.get("b")) == ("a", "b")


def test_entries_expire_and_so_does_the_index(client: redis.Redis) -> None:
    SharedCache(client, "one", 0.2, 10).put("a", 1)
    eventually(lambda: not list(client.scan_iter("*")))


def test_what_is_too_large_is_not_kept(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 40)
    shared = SharedCache(client, "one", 60, 10)
    shared.put("a", list(range(100)))
    shared.put("b", 1)
    assert (shared.get("a"), shared.get("b")) == (None, 1)


def test_a_redis_that_is_gone_is_worth_another_try() -> None:
    with redis.Redis(port=free_port()) as client:
        shared = SharedCache(client, "one", 60, 10)
        with pytest.raises(Retryable):
            shared.get("a")
        with pytest.raises(Retryable):
            shared.put("a", 1)
