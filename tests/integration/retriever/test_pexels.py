"""The Pexels adapter against the contract server and a real Redis."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from common.contracts.footage import WebFile
from common.errors import NotConfigured, Permanent, Retryable, Throttled
from common.net.client import Http
from common.settings import Settings
from retriever.providers.pexels import Pexels
from tests.support.pexels_server import TOO_MANY, UNAUTHORIZED, PexelsServer, pexels_server
from tests.support.redis_server import RedisServer
from tests.support.stock_server import BOT_SHIELD, BROKEN, KEY, QUERY, Answer, Asked


@pytest.fixture
def server() -> Iterator[PexelsServer]:
    with pexels_server() as running:
        yield running


@pytest.fixture
def client(redis_here: RedisServer) -> Iterator[redis.Redis]:
    with redis_here.client() as one:
        yield one


def adapter(server: PexelsServer, client: redis.Redis, **more: object) -> Pexels:
    fields = {"pexels_base_url": server.url, "pexels_api_key": KEY} | more
    settings = replace(Settings(), **fields)  # type: ignore[arg-type]
    return Pexels(settings, Http(settings), client)


def test_a_search_sends_the_raw_key_and_what_the_canvas_needs(server: PexelsServer, client: redis.Redis) -> None:
    adapter(server, client).search(QUERY)
    asked = server.searches[0]
    assert asked.path == "/v1/videos/search"
    assert asked.headers["authorization"] == KEY
    assert asked.query["query"] == "harbour boats"
    assert (asked.query["orientation"], asked.query["size"]) == ("landscape", "small")
    assert int(asked.query["per_page"]) <= 80


def test_a_large_portrait_canvas_asks_for_large_portraits(server: PexelsServer, client: redis.Redis) -> None:
    adapter(server, client).search(QUERY.model_copy(update={"width": 1080, "height": 1920}))
    assert (server.searches[0].query["orientation"], server.searches[0].query["size"]) == ("portrait", "medium")


def test_a_candidate_carries_the_credit_its_licence_asks_for(server: PexelsServer, client: redis.Redis) -> None:
    best = adapter(server, client).search(QUERY)[0]
    credit = best.provenance
    assert best.id == f"pexels:{credit.source_id}"
    assert credit.page_url == f"https://www.pexels.com/video/harbour-boats-{credit.source_id}/"
    assert credit.licence == "Pexels License"
    assert credit.credit == f"Video by {credit.creator} on Pexels"
    assert credit.creator_url.startswith("https://www.pexels.com/@")


def test_the_rendition_fits_the_canvas_and_is_no_playlist(server: PexelsServer, client: redis.Redis) -> None:
    found = adapter(server, client).search(QUERY)
    assert {(one.width, one.height) for one in found} == {(640, 360)}
    assert all(isinstance(one.origin, WebFile) and one.origin.url.endswith(".mp4") for one in found)


def test_clips_that_match_and_last_come_before_short_ones_and_strangers(
    server: PexelsServer, client: redis.Redis
) -> None:
    found = adapter(server, client).search(QUERY)
    assert "harbour-boats" in found[0].provenance.page_url
    assert found[0].seconds >= QUERY.seconds
    assert found[-1].seconds < QUERY.seconds


def test_a_second_page_and_a_second_term_are_asked_only_while_there_is_not_enough(client: redis.Redis) -> None:
    with pexels_server(videos=40) as rich:
        assert len(adapter(rich, client).search(QUERY)) == 20
    assert [one.query["query"] for one in rich.searches] == ["harbour boats"]
    with pexels_server(videos=12) as poor:
        adapter(poor, client).search(QUERY)
    assert [(one.query["query"], one.query["page"]) for one in poor.searches] == [
        ("harbour boats", "1"),
        ("harbour boats", "2"),
    ]
    with pexels_server(videos=3) as bare:
        adapter(bare, client).search(QUERY)
    assert [one.query["query"] for one in bare.searches] == ["harbour boats"] * 2 + ["ocean waves"] * 2


def test_nothing_found_is_an_empty_list(client: redis.Redis) -> None:
    with pexels_server(videos=0) as empty:
        assert adapter(empty, client).search(QUERY) == []


@pytest.mark.parametrize("prefix", ["/v1/videos", "/videos"])
def test_either_form_of_the_path_works_and_the_working_one_is_remembered(prefix: str, client: redis.Redis) -> None:
    with pexels_server(prefixes=(prefix,), videos=40) as server:
        pexels = adapter(server, client)
        assert pexels.search(QUERY)
        before = len(server.searches)
        assert pexels.search(QUERY)
    assert [one.path for one in server.searches[before:]] == [f"{prefix}/search"]


def test_a_server_without_any_known_path_is_a_permanent_problem(client: redis.Redis) -> None:
    with pexels_server(prefixes=()) as server, pytest.raises(Permanent, match="404"):
        adapter(server, client).search(QUERY)


def test_a_refused_key_is_named_by_its_setting_and_not_shown(
    server: PexelsServer, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(NotConfigured, match="PEXELS_API_KEY") as caught:
        adapter(server, client, pexels_api_key="wrong-but-secret").search(QUERY)
    assert "wrong-but-secret" not in repr(caught.value) + caplog.text
    server.script.append(UNAUTHORIZED)
    with pytest.raises(NotConfigured):
        adapter(server, client).search(QUERY)


def test_being_throttled_without_a_time_means_the_usual_pause(server: PexelsServer, client: redis.Redis) -> None:
    server.script.append(TOO_MANY)
    with pytest.raises(Throttled) as caught:
        adapter(server, client, pexels_backoff=42.0).search(QUERY)
    assert caught.value.retry_after == 42.0


@pytest.mark.parametrize(
    "answer",
    [BOT_SHIELD, BROKEN, Answer(200, b"[]"), Answer(200, b'{"videos": null}'), Answer(200, b"null"), Answer(408)],
)
def test_a_strange_answer_is_worth_another_try(answer: Answer, server: PexelsServer, client: redis.Redis) -> None:
    server.script.append(answer)
    pexels = adapter(server, client)
    with pytest.raises(Retryable):
        pexels.search(QUERY)
    assert pexels.search(QUERY)


@pytest.mark.parametrize(
    "video",
    ["null", "7", "{}", '{"id": 1}', '{"id": "x", "video_files": []}', '{"id": 1, "video_files": {"a": 1}, "user": 3}'],
)
def test_a_strange_video_in_a_list_is_passed_over(video: str, server: PexelsServer, client: redis.Redis) -> None:
    server.script.append(Answer(200, f'{{"videos": [{video}]}}'.encode()))
    assert adapter(server, client).search(QUERY.model_copy(update={"terms": ("harbour",)})) == []


def test_what_earlier_pages_gave_is_kept_when_a_later_one_fails(server: PexelsServer, client: redis.Redis) -> None:
    first_page = server.listing(Asked("/v1/videos/search", {"query": "harbour boats"}, {}))
    server.script += [first_page, TOO_MANY]
    assert adapter(server, client).search(QUERY)
    assert server.script == []


def test_all_workers_together_keep_to_the_hourly_limit(server: PexelsServer, client: redis.Redis) -> None:
    server.videos = 40
    first, second = (adapter(server, client, pexels_per_hour=3) for _ in range(2))
    for pexels in (first, second, first):
        assert pexels.search(QUERY)
    with pytest.raises(Throttled, match="request limit of Pexels") as caught:
        second.search(QUERY)
    assert caught.value.retry_after is not None
    assert 3500 < caught.value.retry_after <= 3600
    assert len(server.searches) == 3
