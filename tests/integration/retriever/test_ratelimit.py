"""The shared sliding window against a real Redis."""

import multiprocessing
import time

import pytest
import redis

from common.errors import Retryable
from common.net.ratelimit import SlidingWindow
from tests.support.redis_server import RedisServer, free_port


def take_many(url: str, times: int) -> int:
    """How many of so many takes were allowed; runs in a process of its own."""
    with redis.Redis.from_url(url) as client:
        window = SlidingWindow(client, "shared", 15, 3600)
        return sum(window.take() == 0.0 for _ in range(times))


def test_the_limit_holds_and_the_rest_is_told_how_long_to_wait(redis_here: RedisServer) -> None:
    with redis_here.client() as client:
        window = SlidingWindow(client, "pexels", 3, 3600)
        assert [window.take() for _ in range(3)] == [0.0, 0.0, 0.0]
        waits = [window.take() for _ in range(3)]
    assert all(3500 < wait <= 3600 for wait in waits)
    assert waits == sorted(waits, reverse=True)


def test_a_refused_take_is_not_counted_and_a_place_is_free_again_after_the_wait(redis_here: RedisServer) -> None:
    with redis_here.client() as client:
        window = SlidingWindow(client, "short", 2, 0.2)
        assert (window.take(), window.take()) == (0.0, 0.0)
        wait = window.take()
        for _ in range(20):
            if wait == 0.0:
                break
            assert wait <= 0.2
            time.sleep(wait)  # the answer says when to come back
            wait = window.take()
        assert wait == 0.0


def test_other_names_have_windows_of_their_own_that_go_away(redis_here: RedisServer) -> None:
    with redis_here.client() as client:
        assert SlidingWindow(client, "one", 1, 3600).take() == 0.0
        assert SlidingWindow(client, "two", 1, 3600).take() == 0.0
        assert 0 < client.pttl("rate:one") <= 3_600_000  # type: ignore[operator]


def test_processes_share_one_window(redis_here: RedisServer) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        allowed = pool.starmap(take_many, [(redis_here.url, 10)] * 3)
    assert sum(allowed) == 15


def test_a_redis_that_is_gone_is_worth_another_try() -> None:
    with redis.Redis(port=free_port()) as client, pytest.raises(Retryable):
        SlidingWindow(client, "pexels", 1, 1).take()
