"""What the pipeline may expect of every object store: the one in memory, rclone, and (slow) Ceph's gateway."""

import hashlib
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from common.errors import ObjectMissing, StorageFull, StorageUnavailable
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.storage.port import Storage
from common.storage.s3 import PART_SIZE, S3Storage
from tests.support.ceph import ceph_gateway, missing
from tests.support.disks import small_disk
from tests.support.redis_server import free_port
from tests.support.s3_server import front_server, s3_server
from tests.support.tcp_proxy import Fault, TcpProxy, tcp_proxy
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
BUCKET, OTHER = "assets", "videos"
KEY = "local/footage/0123/4567"
REFUSED = (400, 401, 403)
"Stores answer a link that is forged or too old with one of these."
CLOCK_GRAIN = 1.0
"Stores may count whole seconds."


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """As in the embedded stack: links lead to the front."""
    with s3_server(tmp_path_factory.mktemp("rclone")) as settings, front_server(settings) as public:
        yield replace(settings, s3_public_endpoint=public)


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """In the place of the store of docker-compose.yml, with the settings that the services get there."""
    settings = replace(Settings.from_env(compose_places(free_port())), s3_timeout=10.0)
    with ceph_gateway(tmp_path_factory.mktemp("ceph"), settings):
        yield settings


def compose_places(port: int) -> dict[str, str]:
    """What docker-compose.yml says of the store to the services, but for the host and the port."""
    places = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-service"]["environment"]
    names = ("S3_ENDPOINT", "S3_PUBLIC_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY")
    said = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", places[name]) for name in names}
    assert all(":8333" in said[name] for name in names[:2])
    return {name: value.replace("//s3:", "//127.0.0.1:").replace(":8333", f":{port}") for name, value in said.items()}


CANNOT = [pytest.mark.skip(reason=missing())] if missing() else []
REAL = ["rclone", pytest.param("ceph", marks=[pytest.mark.slow, *CANNOT])]
"Servers, by the fixtures that start them."


@pytest.fixture(params=REAL)
def s3(request: pytest.FixtureRequest) -> Iterator[Settings]:
    settings: Settings = request.getfixturevalue(request.param)
    yield settings
    clear(S3Storage(settings))


@pytest.fixture
def near(s3: Settings) -> S3Storage:
    return S3Storage(s3)


@pytest.fixture(params=["memory", *REAL])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    store: Storage = MemoryStorage() if request.param == "memory" else S3Storage(request.getfixturevalue(request.param))
    yield store
    clear(store)


def clear(store: Storage) -> None:
    for bucket in (BUCKET, OTHER):
        for stored in list(store.list(bucket)):
            store.delete(bucket, stored.key)


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


def test_the_digest_is_that_of_the_content(storage: Storage) -> None:
    data = b"0123456789abcdef" * 200_000
    storage.put_bytes(BUCKET, KEY, data, "video/mp4")
    assert storage.sha256(BUCKET, KEY) == hashlib.sha256(data).hexdigest()
    with pytest.raises(ObjectMissing) as missing:
        storage.sha256(BUCKET, f"{KEY}.gone")
    assert missing.value.key == f"{KEY}.gone"


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


def test_objects_are_listed_by_their_beginning_in_one_bucket(storage: Storage) -> None:
    for key in ("local/a/1", "local/a/2", "local/b/1", "other/a/1"):
        storage.put_bytes(BUCKET, key, b"x", "text/plain")
    storage.put_bytes(OTHER, "local/a/3", b"x", "text/plain")
    assert keys(storage, "local/a/") == ["local/a/1", "local/a/2"]
    assert keys(storage, "local/") == ["local/a/1", "local/a/2", "local/b/1"]
    assert keys(storage) == ["local/a/1", "local/a/2", "local/b/1", "other/a/1"]
    assert keys(storage, "nobody/") == []


def test_a_listing_goes_by_the_bytes_of_the_keys_and_not_by_folders(storage: Storage) -> None:
    names = ["A/x", "a-b/1", "a.b/1", "a/b-1", "a/b.1", "a/b/1", "a/b/c/d", "a/b1", "a/bb/1", "a0/1", "b"]
    for key in reversed(names):
        storage.put_bytes(BUCKET, key, b"x", "text/plain")
    assert keys(storage) == names == sorted(names)
    for prefix in ("a", "a/", "a/b", "a/b/", "a/b/c/d", "z"):
        assert keys(storage, prefix) == [key for key in names if key.startswith(prefix)], prefix
    for after in ("0", "a/b", "a/b/1", "a/b0", "a/zzz", "z"):
        assert keys(storage, "", after) == [key for key in names if key > after], after
        assert keys(storage, "a/", after) == [key for key in names if key > after and key.startswith("a/")], after


def test_a_listing_shows_sizes_and_when_the_object_was_put(storage: Storage) -> None:
    before = time.time()
    storage.put_bytes(BUCKET, KEY, b"clip", "video/mp4")
    (first,) = storage.list(BUCKET)
    assert (first.key, first.size) == (KEY, 4)
    assert before - CLOCK_GRAIN <= first.modified <= time.time() + CLOCK_GRAIN
    storage.put_bytes(BUCKET, KEY, b"longer", "video/mp4")
    (second,) = storage.list(BUCKET)
    assert second.size == 6
    assert second.modified >= first.modified


def test_a_listing_of_several_pages_is_whole(s3: Settings, tmp_path: Path) -> None:
    store = S3Storage(s3)
    names = [f"local/many/{number:04}" for number in range(1_100)]
    for key in names:
        store.put_bytes(BUCKET, key, b"x", "text/plain")
    assert keys(store, "local/many/") == names
    assert keys(store, "local/many/", names[40]) == names[41:]


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
    assert answer.headers["content-type"] == "video/mp4"
    assert "harbour.mp4" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("bytes=100-199", 100, 199), ("bytes=900-", 900, 999), ("bytes=-10", 990, 999)]
)
def test_a_part_of_a_link_is_answered_as_one(s3: Settings, asked: str, first: int, last: int) -> None:
    """So that a film can be seeked in."""
    store, body = S3Storage(s3), bytes(number % 251 for number in range(1_000))
    store.put_bytes(BUCKET, KEY, body, "video/mp4")
    link = store.link(BUCKET, KEY, seconds=60, media_type="video/mp4", filename="harbour.mp4")
    answer = requests.get(link, headers={"Range": asked}, timeout=10)
    assert (answer.status_code, answer.content) == (206, body[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000"


def test_a_link_whose_time_is_over_opens_nothing(s3: Settings) -> None:
    store = S3Storage(s3)
    store.put_bytes(BUCKET, KEY, b"film", "video/mp4")
    link = store.link(BUCKET, KEY, seconds=1, media_type="video/mp4", filename="harbour.mp4")
    assert eventually(lambda: requests.get(link, timeout=10).status_code in REFUSED)


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
        assert requests.get(one, timeout=10).status_code in REFUSED


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
    for ask in everything(store, tmp_path):
        with pytest.raises(StorageUnavailable):
            ask()


def test_a_local_file_that_is_missing_is_not_blamed_on_the_store(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.put_file(BUCKET, KEY, tmp_path / "none", "video/mp4")


def test_a_disk_that_takes_no_more_is_not_blamed_on_the_store(storage: Storage, tmp_path: Path) -> None:
    storage.put_bytes(BUCKET, KEY, b"x" * 100_000, "video/mp4")
    with largest_file(50_000), pytest.raises(OSError, match="File too large"):
        storage.get_file(BUCKET, KEY, tmp_path / "clip")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_object_is_named(storage: Storage, tmp_path: Path) -> None:
    for ask in (
        lambda: storage.get_bytes(BUCKET, KEY),
        lambda: storage.get_file(BUCKET, KEY, tmp_path / "none"),
        lambda: storage.copy(BUCKET, KEY, OTHER, KEY),
    ):
        with pytest.raises(ObjectMissing) as caught:
            ask()
        assert caught.value.key == KEY


def test_a_missing_bucket_is_an_outage_and_no_missing_object(s3: Settings) -> None:
    store = S3Storage(s3)
    for ask in (
        lambda: store.get_bytes("elsewhere", KEY),
        lambda: store.put_bytes("elsewhere", KEY, b"x", "text/plain"),
        lambda: list(store.list("elsewhere")),
    ):
        with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
            ask()


# a store, or a way to it, that misbehaves


@pytest.fixture
def proxy(s3: Settings) -> Iterator[TcpProxy]:
    port = urlsplit(s3.s3_endpoint).port
    assert port is not None
    with tcp_proxy(port) as one:
        yield one


@pytest.fixture
def far(s3: Settings, proxy: TcpProxy) -> S3Storage:
    """The real store, reached through the proxy."""
    return S3Storage(replace(s3, s3_endpoint=f"http://127.0.0.1:{proxy.port}"))


@pytest.mark.parametrize("parts", [0.01, 2])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.7, 0.999])
def test_a_put_that_is_cut_short_is_not_taken_for_done(
    near: S3Storage, proxy: TcpProxy, far: S3Storage, tmp_path: Path, parts: float, share: float
) -> None:
    source = tmp_path / "clip"
    source.write_bytes(b"x" * int(parts * PART_SIZE))
    proxy.reset(Fault(to_server=int(min(parts, 1) * PART_SIZE * share)))
    with pytest.raises(StorageUnavailable):
        far.put_file(BUCKET, KEY, source, "video/mp4")
    assert near.size(BUCKET, KEY) is None
    assert keys(near) == []
    proxy.reset(Fault())
    far.put_file(BUCKET, KEY, source, "video/mp4")
    assert near.size(BUCKET, KEY) == source.stat().st_size


def test_a_get_that_is_cut_short_gives_nothing(
    near: S3Storage, proxy: TcpProxy, far: S3Storage, tmp_path: Path
) -> None:
    near.put_bytes(BUCKET, KEY, b"x" * 100_000, "video/mp4")
    # Whole answers have some hundred bytes of headers; cut there, they look like answers without a body.
    for cut in (*range(0, 500, 7), 5_000, 90_000):
        proxy.reset(Fault(to_client=cut))
        with pytest.raises(StorageUnavailable):
            far.get_bytes(BUCKET, KEY)
        with pytest.raises(StorageUnavailable):
            far.get_file(BUCKET, KEY, tmp_path / "clip")
        assert list(tmp_path.iterdir()) == []


def test_a_size_is_never_made_up_of_half_an_answer(near: S3Storage, proxy: TcpProxy, far: S3Storage) -> None:
    near.put_bytes(BUCKET, KEY, b"x" * 7, "video/mp4")
    for cut in range(0, 500, 7):
        proxy.reset(Fault(to_client=cut))
        try:
            assert far.size(BUCKET, KEY) == 7
        except StorageUnavailable:
            pass


def test_a_listing_that_is_cut_short_is_no_short_listing(near: S3Storage, proxy: TcpProxy, far: S3Storage) -> None:
    for number in range(20):
        near.put_bytes(BUCKET, f"local/a/{number}", b"x", "text/plain")
    for cut in (*range(0, 500, 7), 1_000, 3_000):
        proxy.reset(Fault(to_client=cut))
        with pytest.raises(StorageUnavailable):
            list(far.list(BUCKET))


def test_a_store_that_hangs_is_asked_once_and_given_up(s3: Settings, proxy: TcpProxy, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    hasty = S3Storage(replace(s3, s3_endpoint=f"http://127.0.0.1:{proxy.port}", s3_timeout=0.2))
    for ask in everything(hasty, tmp_path):
        proxy.reset(Fault(swallow=True))
        with pytest.raises(StorageUnavailable):
            ask()
        assert proxy.connections == 1


def test_a_store_that_breaks_connections_is_asked_twice_and_given_up(
    proxy: TcpProxy, far: S3Storage, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for ask in everything(far, tmp_path):
        proxy.reset(Fault(refuse=True))
        with pytest.raises(StorageUnavailable):
            ask()
        assert proxy.connections == 2


def test_a_connection_that_broke_while_it_was_idle_costs_nothing(proxy: TcpProxy, far: S3Storage) -> None:
    far.put_bytes(BUCKET, KEY, b"clip", "video/mp4")
    proxy.break_all()
    assert far.get_bytes(BUCKET, KEY) == b"clip"


@pytest.mark.parametrize("status", [403, 409, 429, 500, 503])
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"<Error><Code>SlowDown</Code></Error>"])
def test_a_store_that_refuses_is_told_as_unavailable(status: int, body: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with answering(status, body) as (store, requests_seen):
        for ask in everything(store, tmp_path):
            requests_seen.clear()
            with pytest.raises(StorageUnavailable):
                ask()
            assert len(requests_seen) == (2 if status in (429, 500, 503) else 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (507, b"<Error><Code>XMinioStorageFull</Code><Message>no drive has room</Message></Error>"),
        (507, b""),
        (403, b"<Error><Code>QuotaExceeded</Code></Error>"),
        (500, b"<Error><Code>InternalError</Code><Message>write /x: No space left on device</Message></Error>"),
    ],
)
def test_a_store_that_is_full_says_so_and_is_not_called_away(status: int, body: bytes) -> None:
    with answering(status, body) as (store, _), pytest.raises(StorageFull, match="full"):
        store.put_bytes(BUCKET, KEY, b"x", "video/mp4")


def test_a_store_whose_disk_is_full_is_known_by_its_folder(tmp_path: Path) -> None:
    """rclone answers as for a defect of its own; only the disk itself tells."""
    with small_disk(tmp_path / "disk", 2_000_000) as disk, s3_server(disk) as settings:
        (tmp_path / "film").write_bytes(bytes(3_000_000))
        for folder, error in ((str(disk), StorageFull), ("", StorageUnavailable)):
            with pytest.raises(StorageUnavailable) as caught:
                S3Storage(replace(settings, s3_folder=folder)).put_file(BUCKET, KEY, tmp_path / "film", "video/mp4")
            assert type(caught.value) is error


def test_an_answer_that_is_none_of_s3_is_told_as_unavailable() -> None:
    with answering(200, b"<html>please log in<html>") as (store, _):
        with pytest.raises(StorageUnavailable):
            list(store.list(BUCKET))
        with pytest.raises(StorageUnavailable):
            store.copy(BUCKET, KEY, OTHER, KEY)


def everything(store: Storage, folder: Path) -> list[Callable[[], object]]:
    return [
        store.check,
        lambda: store.put_bytes(BUCKET, KEY, b"x", "text/plain"),
        lambda: store.put_file(BUCKET, KEY, folder / "file", "text/plain"),
        lambda: store.get_bytes(BUCKET, KEY),
        lambda: store.get_file(BUCKET, KEY, folder / "out"),
        lambda: store.size(BUCKET, KEY),
        lambda: store.copy(BUCKET, KEY, OTHER, KEY),
        lambda: list(store.list(BUCKET)),
        lambda: store.delete(BUCKET, KEY),
    ]


def keys(storage: Storage, prefix: str = "", after: str = "") -> list[str]:
    return [stored.key for stored in storage.list(BUCKET, prefix, after)]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may become larger, as on a disk with no room left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[S3Storage, list[str]]]:
    """A store that answers everything alike and asks for an hour of patience, and what it was asked."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(self.command)
            self.send_response(status)
            self.send_header("Retry-After", "3600")
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    for verb in ("GET", "PUT", "POST", "HEAD", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        yield S3Storage(replace(Settings(), s3_endpoint=endpoint, s3_timeout=30.0)), seen
        server.shutdown()
