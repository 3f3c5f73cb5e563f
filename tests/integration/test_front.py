"""The front of the embedded store: signed links of a real store, whole and in parts."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from common.settings import Settings
from common.storage.s3 import S3Storage
from infra.front import Front
from tests.support.s3_server import front_server, s3_server

BODY = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture
def front(s3: Settings) -> Iterator[str]:
    with front_server(s3) as address:
        yield address


@pytest.fixture
def link(s3: Settings, front: str) -> str:
    storage = S3Storage(replace(s3, s3_public_endpoint=front))
    storage.make_buckets()
    storage.put_bytes(s3.videos_bucket, "film", BODY, "video/mp4")
    return storage.link(s3.videos_bucket, "film", seconds=60, media_type="video/mp4", filename="film.mp4")


def test_a_link_leads_to_the_whole(link: str) -> None:
    answer = requests.get(link, timeout=10)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["content-type"] == "video/mp4"
    assert "film.mp4" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=1000-1099", BODY[1000:1100]), (f"bytes={len(BODY) - 10}-", BODY[-10:]), ("bytes=0-", BODY)],
    ids=["middle", "end", "all"],
)
def test_a_part_is_answered_as_one(link: str, asked: str, part: bytes) -> None:
    answer = requests.get(link, headers={"Range": asked}, timeout=10)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"].endswith(f"/{len(BODY)}")


def test_the_head_alone_has_the_length(link: str, s3: Settings, front: str) -> None:
    with requests.Session() as session:
        answer = session.get(link, stream=True, timeout=10)
        assert int(answer.headers["content-length"]) == len(BODY)
        answer.close()


def test_a_forged_link_is_refused_by_the_store(link: str) -> None:
    assert requests.get(link[:-4] + "0000", timeout=10).status_code == 403


def test_many_read_at_once(link: str) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(requests.get(link, timeout=20).content)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [BODY] * 12


def test_it_says_whether_the_store_is_there(front: str) -> None:
    assert requests.get(f"{front}/healthz", timeout=10).status_code == 200
    server = Front(("127.0.0.1", 0), ("127.0.0.1", 1))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        assert requests.get(f"http://127.0.0.1:{server.server_port}/healthz", timeout=10).status_code == 503
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{server.server_port}/videos/film", timeout=10)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
