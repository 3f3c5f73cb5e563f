"""The breaker and the counts of calls that workers share, on a real Redis."""

import multiprocessing
from collections.abc import Iterator

import pytest
import redis

from api.metrics import Metrics
from common.errors import Retryable
from common.jobs.store import JobStore
from common.net.breaker import Breaker, open_breakers
from common.net.tally import calls, count_call
from tests.support.redis_server import RedisServer, free_port
from tests.support.waiting import eventually

LONG, SHORT = 3600.0, 0.1


@pytest.fixture
def client(redis_here: RedisServer) -> Iterator[redis.Redis]:
    with redis_here.client() as client:
        yield client


def breaker(
    client: redis.Redis, seconds: float = LONG, name: str = "far", most: int = 3, patience: float = LONG
) -> Breaker:
    return Breaker(client, name, most=most, seconds=seconds, patience=patience)


def fail_often(url: str, times: int) -> None:
    """Runs in a process of its own."""
    with redis.Redis.from_url(url) as client:
        for _ in range(times):
            breaker(client, most=6).failed()


def until_half_open(one: Breaker) -> None:
    """Takes the probe."""
    eventually(lambda: one.ask() == 0.0, 10)


def test_it_opens_after_so_many_failures_in_a_row_for_a_time(client: redis.Redis) -> None:
    one = breaker(client)
    for _ in range(2):
        one.failed()
        assert one.ask() == 0.0
    one.failed()
    assert LONG - 60 < one.ask() <= LONG
    assert open_breakers(client) == {"far": True}


def test_a_success_between_failures_begins_the_count_anew(client: redis.Redis) -> None:
    one = breaker(client)
    for _ in range(4):
        one.failed()
        one.failed()
        one.succeeded()
    assert one.ask() == 0.0
    assert open_breakers(client) == {}


def test_when_the_time_is_over_one_probe_goes_through_and_others_wait_for_it(client: redis.Redis) -> None:
    one = breaker(client, SHORT, most=1)
    one.failed()
    assert 0.0 < one.ask() <= SHORT
    until_half_open(one)
    assert LONG - 60 < one.ask() <= LONG
    assert open_breakers(client) == {"far": False}, "a probe is on its way"
    one.succeeded()
    assert [one.ask(), one.ask()] == [0.0, 0.0]
    assert open_breakers(client) == {}


def test_a_probe_that_fails_opens_it_again_at_once(client: redis.Redis) -> None:
    one = breaker(client, SHORT, most=3)
    for _ in range(3):
        one.failed()
    until_half_open(one)
    breaker(client, LONG, most=3).failed()
    assert one.ask() > LONG - 60


def test_a_probe_that_nobody_reports_on_is_given_up(client: redis.Redis) -> None:
    one = breaker(client, SHORT, most=1, patience=SHORT)
    one.failed()
    until_half_open(one)
    until_half_open(one)


def test_a_service_that_refuses_us_is_left_alone_at_once_and_for_longer(client: redis.Redis) -> None:
    one = breaker(client, SHORT)
    one.refused(2 * LONG)
    assert one.ask() > LONG
    one.succeeded()
    assert one.ask() == 0.0


def test_other_names_have_breakers_of_their_own(client: redis.Redis) -> None:
    breaker(client, most=1).failed()
    assert breaker(client, name="near").ask() == 0.0


def test_processes_share_one_breaker(redis_here: RedisServer, client: redis.Redis) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(fail_often, [(redis_here.url, 3)] * 2)
    assert breaker(client, most=6).ask() > 0.0


def test_a_store_that_is_gone_is_worth_another_try() -> None:
    with redis.Redis(port=free_port()) as gone:
        one = breaker(gone)
        for call in (one.ask, one.succeeded, one.failed, lambda: one.refused(1.0)):
            with pytest.raises(Retryable):
                call()
        count_call(gone, "far", "ok")


def test_calls_are_counted_by_service_and_outcome(client: redis.Redis) -> None:
    for outcome in ("ok", "ok", "failed"):
        count_call(client, "kokoro-server", outcome)
    count_call(client, "openai", "ok")
    assert calls(client) == {("kokoro-server", "ok"): 2, ("kokoro-server", "failed"): 1, ("openai", "ok"): 1}


def test_the_figures_of_the_api_tell_calls_and_breakers(client: redis.Redis, store: JobStore) -> None:
    count_call(client, "openai", "ok")
    count_call(client, "kokoro-server", "failed")
    breaker(client, name="openai 0123", most=1).failed()
    lines = Metrics(store).text().decode().splitlines()
    assert 'reelwright_speech_calls_total{engine="openai",outcome="ok"} 1.0' in lines
    assert 'reelwright_speech_breaker_open{engine="openai"} 1.0' in lines
    assert 'reelwright_speech_breaker_open{engine="kokoro-server"} 0.0' in lines
