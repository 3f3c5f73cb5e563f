"""What the pipeline may expect of every object store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from common.errors import ObjectMissing, StorageUnavailable
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.storage.port import Storage
from common.storage.s3 import PART_SIZE, S3Storage
from tests.support.redis_server import free_port
from tests.support.s3_server import s3_server

BUCKET, OTHER = "assets", "videos"
KEY = "local/footage/0123/4567"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture(params=["memory", "s3"])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    store: Storage = MemoryStorage() if request.param == "memory" else S3Storage(request.getfixturevalue("s3"))
    yield store
    for bucket in (BUCKET, OTHER):
        for key in store.keys(bucket):
            store.delete(bucket, key)


def test_what_was_put_comes_back(storage: Storage) -> None:
    storage.put_bytes(BUCKET, KEY, b"clip", "video/mp4")
    assert storage.get_bytes(BUCKET, KEY) == b"clip"
    assert storage.size(BUCKET, KEY) == 4


def test_a_file_goes_in_and_comes_out(storage: Storage, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(bytes(range(256)) * 1000)
    storage.put_file(BUCKET, KEY, source, "video/mp4")
    storage.get_file(BUCKET, KEY, target)
    assert target.read_bytes() == source.read_bytes()


def test_a_file_of_several_parts_stays_whole(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(b"0123456789abcdef" * (PART_SIZE // 16) + b"tail")
    storage.put_file(BUCKET, KEY, source, "video/mp4")
    assert storage.size(BUCKET, KEY) == PART_SIZE + 4
    assert storage.get_bytes(BUCKET, KEY)[-20:] == b"0123456789abcdeftail"


def test_an_empty_object_is_an_object(storage: Storage) -> None:
    storage.put_bytes(BUCKET, KEY, b"", "text/vtt")
    assert storage.get_bytes(BUCKET, KEY) == b""
    assert storage.size(BUCKET, KEY) == 0


def test_a_second_put_replaces_the_first(storage: Storage) -> None:
    storage.put_bytes(BUCKET, KEY, b"first", "text/plain")
    storage.put_bytes(BUCKET, KEY, b"2nd", "text/plain")
    assert storage.get_bytes(BUCKET, KEY) == b"2nd"


def test_what_is_not_there_is_missing(storage: Storage, tmp_path: Path) -> None:
    assert storage.size(BUCKET, KEY) is None
    with pytest.raises(ObjectMissing):
        storage.get_bytes(BUCKET, KEY)
    with pytest.raises(ObjectMissing):
        storage.get_file(BUCKET, KEY, tmp_path / "none")
    with pytest.raises(ObjectMissing):
        storage.copy(BUCKET, KEY, OTHER, KEY)
    assert not (tmp_path / "none").exists()


def test_deleting_is_final_and_deleting_nothing_is_no_error(storage: Storage) -> None:
    storage.put_bytes(BUCKET, KEY, b"clip", "video/mp4")
    storage.delete(BUCKET, KEY)
    storage.delete(BUCKET, KEY)
    assert storage.size(BUCKET, KEY) is None


def test_a_copy_outlives_its_original_in_another_bucket(storage: Storage) -> None:
    storage.put_bytes(BUCKET, KEY, b"film", "video/mp4")
    storage.copy(BUCKET, KEY, OTHER, "job_1/output.mp4")
    storage.delete(BUCKET, KEY)
    assert storage.get_bytes(OTHER, "job_1/output.mp4") == b"film"


def test_keys_are_listed_by_their_beginning_in_one_bucket(storage: Storage) -> None:
    for key in ("local/a/1", "local/a/2", "local/b/1", "other/a/1"):
        storage.put_bytes(BUCKET, key, b"x", "text/plain")
    storage.put_bytes(OTHER, "local/a/3", b"x", "text/plain")
    assert sorted(storage.keys(BUCKET, "local/a/")) == ["local/a/1", "local/a/2"]
    assert sorted(storage.keys(BUCKET)) == ["local/a/1", "local/a/2", "local/b/1", "other/a/1"]
    assert list(storage.keys(BUCKET, "nobody/")) == []


def test_a_working_store_says_so(storage: Storage) -> None:
    storage.check()


def test_a_link_names_the_object_and_the_download(storage: Storage) -> None:
    storage.put_bytes(BUCKET, KEY, b"film", "video/mp4")
    link = storage.link(BUCKET, KEY, seconds=60, media_type="video/mp4", filename="harbour.mp4")
    assert KEY in link
    assert "harbour.mp4" in link


def test_a_link_hands_the_object_to_anyone_who_has_it(s3: Settings) -> None:
    store = S3Storage(s3)
    store.put_bytes(BUCKET, KEY, b"film", "video/mp4")
    link = store.link(BUCKET, KEY, seconds=60, media_type="video/mp4", filename="harbour.mp4")
    answer = requests.get(link, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"film")
    assert requests.get(link, headers={"Range": "bytes=1-2"}, timeout=10).content == b"il"


def test_a_link_that_was_tampered_with_opens_nothing(s3: Settings) -> None:
    store = S3Storage(s3)
    store.put_bytes(BUCKET, KEY, b"film", "video/mp4")
    store.put_bytes(BUCKET, "local/secret", b"secret", "text/plain")
    link = store.link(BUCKET, KEY, seconds=60, media_type="video/mp4", filename="harbour.mp4")
    forged = [
        link.replace(KEY, "local/secret"),
        link.replace("X-Amz-Expires=60", "X-Amz-Expires=86400"),
        link.replace("harbour.mp4", "other.mp4"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.partition("?")[0],
    ]
    for one in forged:
        assert one != link
        assert requests.get(one, timeout=10).status_code in (400, 401, 403)


def test_links_may_name_another_host_than_the_one_the_workers_use(s3: Settings) -> None:
    public = f"http://localhost:{urlsplit(s3.s3_endpoint).port}"
    store = S3Storage(replace(s3, s3_public_endpoint=public))
    store.put_bytes(BUCKET, KEY, b"film", "video/mp4")
    link = store.link(BUCKET, KEY, seconds=60, media_type="video/mp4", filename="harbour.mp4")
    assert link.startswith(public)
    assert requests.get(link, timeout=10).content == b"film"


def test_a_store_with_other_keys_is_told_as_unavailable(s3: Settings) -> None:
    store = S3Storage(replace(s3, s3_secret_key="not-the-secret"))
    with pytest.raises(StorageUnavailable):
        store.put_bytes(BUCKET, KEY, b"clip", "video/mp4")
    with pytest.raises(StorageUnavailable):
        store.get_bytes(BUCKET, KEY)


def test_a_bucket_that_is_not_there_fails_the_check(s3: Settings) -> None:
    with pytest.raises(StorageUnavailable, match="elsewhere"):
        S3Storage(replace(s3, videos_bucket="elsewhere")).check()


def test_a_store_that_is_gone_is_told_as_unavailable_whatever_is_asked(tmp_path: Path) -> None:
    store = S3Storage(replace(Settings(), s3_endpoint=f"http://127.0.0.1:{free_port()}", s3_timeout=1.0))
    (tmp_path / "file").write_bytes(b"x")
    calls = [
        store.check,
        lambda: store.put_bytes(BUCKET, KEY, b"x", "text/plain"),
        lambda: store.put_file(BUCKET, KEY, tmp_path / "file", "text/plain"),
        lambda: store.get_bytes(BUCKET, KEY),
        lambda: store.get_file(BUCKET, KEY, tmp_path / "out"),
        lambda: store.size(BUCKET, KEY),
        lambda: store.copy(BUCKET, KEY, OTHER, KEY),
        lambda: list(store.keys(BUCKET)),
        lambda: store.delete(BUCKET, KEY),
    ]
    for call in calls:
        with pytest.raises(StorageUnavailable):
            call()


def test_a_local_file_that_is_missing_is_not_blamed_on_the_store(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.put_file(BUCKET, KEY, tmp_path / "none", "video/mp4")
