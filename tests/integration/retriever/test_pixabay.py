"""The Pixabay adapter against the contract server and a real Redis."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import redis

from common.contracts.footage import WebFile
from common.errors import NotConfigured, Permanent, Retryable, Throttled
from common.logs import set_up_logs
from common.net.client import Http
from common.settings import Settings
from retriever.providers.pixabay import PER_PAGE, Pixabay
from retriever.providers.port import FetchedFile
from tests.support import clips
from tests.support.pixabay_server import BAD_KEY, TOO_MANY, PixabayServer, pixabay_server, refusal
from tests.support.redis_server import RedisServer, free_port
from tests.support.steprun import step_run
from tests.support.stock_server import BOT_SHIELD, BROKEN, KEY, QUERY, Answer, Asked

SECRET = "very-secret&key=1"
HARBOUR = QUERY.model_copy(update={"terms": ("harbour",)})


@pytest.fixture
def server() -> Iterator[PixabayServer]:
    with pixabay_server() as running:
        yield running


@pytest.fixture
def client(redis_here: RedisServer) -> Iterator[redis.Redis]:
    with redis_here.client() as one:
        yield one


def settings_for(server: PixabayServer, **more: Any) -> Settings:
    fields = {"pixabay_base_url": server.url, "pixabay_api_key": KEY, "fetch_allow_networks": "127.0.0.0/8"}
    return replace(Settings(), **(fields | more))


def adapter(server: PixabayServer, client: redis.Redis, **more: Any) -> Pixabay:
    settings = settings_for(server, **more)
    return Pixabay(settings, Http(settings), client)


def test_a_search_sends_the_key_in_the_query_and_stays_within_the_bounds(
    server: PixabayServer, client: redis.Redis
) -> None:
    adapter(server, client).search(QUERY.model_copy(update={"terms": ("harbour " * 40,), "language": "pt-BR"}))
    asked = server.searches[0]
    assert asked.path == "/videos/"
    assert asked.query["key"] == KEY
    assert asked.query["q"].startswith("harbour harbour")
    assert len(asked.query["q"]) <= 100
    assert 3 <= int(asked.query["per_page"]) <= 200
    assert asked.query["lang"] == "pt"


def test_a_language_pixabay_does_not_know_is_not_sent(server: PixabayServer, client: redis.Redis) -> None:
    adapter(server, client).search(QUERY.model_copy(update={"language": "sw"}))
    assert "lang" not in server.searches[0].query


def test_a_candidate_carries_the_credit_and_where_it_is_from(server: PixabayServer, client: redis.Redis) -> None:
    best = adapter(server, client).search(QUERY)[0]
    credit = best.provenance
    assert best.id == f"pixabay:{credit.source_id}"
    assert credit.page_url == f"https://pixabay.com/videos/id-{credit.source_id}/"
    assert credit.licence == "Pixabay Content License"
    assert credit.credit == f"Video by {credit.creator} on Pixabay"
    number = int(credit.creator.removeprefix("ada_ex"))
    assert credit.creator_url == f"https://pixabay.com/users/{credit.creator}-{77 + number}/"


def test_the_smallest_rendition_that_covers_the_canvas_is_chosen_and_never_the_missing_one(
    server: PixabayServer, client: redis.Redis
) -> None:
    found = adapter(server, client).search(QUERY)
    assert {(one.width, one.height) for one in found if one.width > one.height} == {(640, 360)}
    large = adapter(server, client).search(QUERY.model_copy(update={"width": 3840, "height": 2160}))
    assert {(one.width, one.height) for one in large if one.width > one.height} == {(1280, 720)}
    for one in (*found, *large):
        assert isinstance(one.origin, WebFile)
        assert one.origin.url.startswith(server.url)


def test_an_upright_canvas_gets_upright_clips_if_there_are_enough_though_pixabay_has_no_filter(
    client: redis.Redis,
) -> None:
    upright = QUERY.model_copy(update={"width": 360, "height": 640})
    with pixabay_server(videos=60) as rich, pixabay_server(videos=6) as poor:
        some, few = adapter(rich, client).search(upright), adapter(poor, client).search(upright)
    assert {(one.width, one.height) for one in some} == {(360, 640)}
    assert len(some) == 20
    assert {(one.width > one.height) for one in few} == {True, False}, "a wide clip is better than none"
    assert "orientation" not in rich.searches[0].query


def test_a_clip_is_fetched_without_the_key(server: PixabayServer, client: redis.Redis, tmp_path: Path) -> None:
    pixabay, run = adapter(server, client), step_run(tmp_path)
    got = pixabay.fetch(pixabay.search(QUERY)[0], run)
    assert isinstance(got, FetchedFile)
    shown = {clips.clip(640, 360, seconds=4.0, fps=25, hue=n * 30 % 360).read_bytes() for n in range(server.videos)}
    assert got.path.read_bytes() in shown
    assert [KEY in repr(one) for one in server.fetched] == [False]


def test_pages_are_asked_for_as_far_as_they_reach_and_while_there_is_not_enough(client: redis.Redis) -> None:
    with pixabay_server(videos=3 * PER_PAGE, seconds=1.0) as poor:
        assert adapter(poor, client).search(QUERY)
    assert [(one.query["q"], one.query["page"]) for one in poor.searches] == [
        ("harbour boats", "1"),
        ("harbour boats", "2"),
        ("ocean waves", "1"),
        ("ocean waves", "2"),
    ]
    with pixabay_server(videos=PER_PAGE, seconds=1.0) as short:
        adapter(short, client).search(QUERY)
    assert [one.query["page"] for one in short.searches] == ["1", "1"], "there is no second page to ask for"
    with pixabay_server(videos=3 * PER_PAGE) as rich:
        adapter(rich, client).search(QUERY)
    assert len(rich.searches) == 1


def test_no_page_is_asked_for_that_cannot_be_had(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retriever.providers.stock.MAX_PAGES", 9)
    with pixabay_server(videos=3000, seconds=1.0) as server:
        adapter(server, client).search(HARBOUR)
    assert [one.query["page"] for one in server.searches] == ["1", "2", "3", "4", "5"]


def test_a_page_that_is_no_longer_there_ends_the_list(server: PixabayServer, client: redis.Redis) -> None:
    more = Answer(
        200, server.listing(Asked("/videos/", {"q": "x"}, {})).body.replace(b'"totalHits": 12', b'"totalHits": 300')
    )
    server.script = [more]
    server.seconds = 1.0
    found = adapter(server, client).search(HARBOUR.model_copy(update={"seconds": 60.0}))
    assert found
    assert [one.query["page"] for one in server.searches] == ["1", "2"]


def test_nothing_found_is_an_empty_list(client: redis.Redis) -> None:
    with pixabay_server(videos=0) as empty:
        assert adapter(empty, client).search(QUERY) == []


# answers are kept


def test_a_second_identical_search_is_answered_from_the_cache_for_all_workers(
    server: PixabayServer, client: redis.Redis
) -> None:
    first = adapter(server, client).search(HARBOUR)
    assert adapter(server, client, pixabay_per_minute=0).search(HARBOUR) == first
    assert len(server.searches) == 1
    adapter(server, client).search(HARBOUR.model_copy(update={"language": "de"}))
    assert len(server.searches) == 2


def test_an_answer_is_kept_for_a_day_under_a_name_without_the_key(server: PixabayServer, client: redis.Redis) -> None:
    adapter(server, client).search(HARBOUR)
    (entry,) = client.scan_iter("cache:pixabay:*")
    assert 86_000_000 < client.pttl(entry) <= 86_400_000  # type: ignore[operator]
    everything = [*client.scan_iter("*"), client.get(entry), *client.zrange("cache:pixabay", 0, -1)]  # type: ignore[misc]
    assert not [text for text in everything if KEY in str(text)]


def test_a_refusal_is_not_kept(server: PixabayServer, client: redis.Redis) -> None:
    server.script = [TOO_MANY, BROKEN, BAD_KEY]
    pixabay = adapter(server, client)
    for _ in range(3):
        with pytest.raises((Retryable, Permanent)):
            pixabay.search(QUERY)
    assert not list(client.scan_iter("cache:*"))
    assert pixabay.search(QUERY)


# what goes wrong


@pytest.mark.parametrize("answer", [BAD_KEY, refusal("forbidden", 403)])
def test_a_refused_key_is_named_by_its_setting(answer: Answer, server: PixabayServer, client: redis.Redis) -> None:
    server.script = [answer]
    with pytest.raises(NotConfigured, match="PIXABAY_API_KEY"):
        adapter(server, client).search(QUERY)


def test_another_refusal_is_permanent_and_does_not_blame_the_key(server: PixabayServer, client: redis.Redis) -> None:
    server.script = [refusal('[ERROR 400] "q" is too long.')]
    with pytest.raises(Permanent, match="Pixabay answered 400 to a search") as caught:
        adapter(server, client).search(QUERY)
    assert not isinstance(caught.value, NotConfigured)


def test_being_throttled_means_a_pause_of_a_minute(server: PixabayServer, client: redis.Redis) -> None:
    server.script = [TOO_MANY]
    with pytest.raises(Throttled, match="Pixabay asks to slow down") as caught:
        adapter(server, client).search(QUERY)
    assert caught.value.retry_after == 60.0


def test_all_workers_together_keep_to_the_limit_of_a_minute(server: PixabayServer, client: redis.Redis) -> None:
    first, second = (adapter(server, client, pixabay_per_minute=2) for _ in range(2))
    for pixabay, term in ((first, "harbour"), (second, "boats")):
        assert pixabay.search(QUERY.model_copy(update={"terms": (term,)}))
    with pytest.raises(Throttled, match="request limit of Pixabay") as caught:
        first.search(QUERY)
    assert caught.value.retry_after is not None
    assert 50 < caught.value.retry_after <= 60
    assert len(server.searches) == 2


@pytest.mark.parametrize(
    "answer",
    [BOT_SHIELD, BROKEN, Answer(200, b"[]"), Answer(200, b'{"hits": null}'), Answer(200, b"null"), Answer(408)],
)
def test_a_strange_answer_is_worth_another_try(answer: Answer, server: PixabayServer, client: redis.Redis) -> None:
    server.script = [answer]
    pixabay = adapter(server, client)
    with pytest.raises(Retryable):
        pixabay.search(QUERY)
    assert pixabay.search(QUERY)


@pytest.mark.parametrize(
    "hit",
    [
        "null",
        "7",
        "{}",
        '{"id": 1}',
        '{"id": "x", "videos": {}}',
        '{"id": 1, "videos": [1], "user": 3, "tags": 4}',
        '{"id": 1, "videos": {"tiny": {"url": "", "width": 9, "height": 9}, "small": 3}}',
        '{"id": 1, "videos": {"tiny": {"url": "file:///etc/passwd", "width": 9, "height": 9}}}',
    ],
)
def test_a_strange_video_in_a_list_is_passed_over(hit: str, server: PixabayServer, client: redis.Redis) -> None:
    server.script = [Answer(200, f'{{"totalHits": 1, "hits": [{hit}]}}'.encode())]
    assert adapter(server, client).search(HARBOUR) == []


def test_a_video_without_a_creator_is_credited_to_pixabay(server: PixabayServer, client: redis.Redis) -> None:
    hit = b'{"id": 1, "videos": {"tiny": {"url": "https://x.test/1.mp4", "width": 640, "height": 360}}}'
    server.script = [Answer(200, b'{"totalHits": 1, "hits": [' + hit + b"]}")]
    (one,) = adapter(server, client).search(HARBOUR)
    assert (one.provenance.credit, one.provenance.creator_url) == ("Video from Pixabay", "")


@pytest.mark.parametrize("reached", [True, False], ids=["refused", "unreachable"])
@pytest.mark.parametrize("secret", [SECRET, "k1"], ids=["long", "short"])
def test_the_key_is_in_no_error_and_no_log(
    reached: bool, secret: str, server: PixabayServer, client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.url if reached else f"http://127.0.0.1:{free_port()}"
    settings = settings_for(server, pixabay_base_url=url, pixabay_api_key=secret, log_level="DEBUG")
    root, library = logging.getLogger(), logging.getLogger("urllib3")
    before = root.handlers[:], root.level, library.level
    set_up_logs("retriever", settings)
    library.setLevel(logging.DEBUG)  # what it says has the whole address in it
    try:
        with pytest.raises((NotConfigured, Retryable)) as caught:
            Pixabay(settings, Http(settings), client).search(QUERY)
        logging.getLogger("retriever").error("a search failed", exc_info=caught.value)
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        library.setLevel(before[2])
    told = capsys.readouterr().err
    assert ("key=***" in told) == reached, "an address that was asked is logged without the key"
    assert "a search failed" in told
    for form in (secret, quote_plus(secret)):
        assert form not in told
        assert form not in str(caught.value)
