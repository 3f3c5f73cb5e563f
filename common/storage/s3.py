"""Objects on any S3 server, through the plain S3 calls of the `minio` client."""

import contextlib
import hashlib
import io
import math
import random
import re
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from xml.etree import ElementTree

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import InvalidResponseError, MinioException, S3Error

from common.errors import ObjectMissing, StorageFull, StorageUnavailable
from common.settings import Settings
from common.storage.port import Stored

T = TypeVar("T")
PART_SIZE = 16 * 1024 * 1024
CHUNK = 1024 * 1024
CHECK_SECONDS = 1.0
PAUSE_SECONDS = 0.4
MISSING = {"NoSuchKey", "NoSuchObject"}
NO_BUCKET = "NoSuchBucket"
FULL = re.compile(
    r"StorageFull|InsufficientStorage|QuotaExceeded|no space left on device|disk quota exceeded", re.IGNORECASE
)
"In the code or the text of a refusal: the store has no room (the words of MinIO, Ceph, and of rclone's disk)."
INSUFFICIENT_STORAGE = 507
NO_ROOM = "the object store is full"
LEAST_ROOM = 256 * 1024
"Bytes beside an object that a store on a disk needs, for folders and the like."
HUNG = (TimeoutError, urllib3.exceptions.TimeoutError)
NO_ANSWER = (
    MinioException,
    urllib3.exceptions.HTTPError,
    # The system's errors of a connection; its other errors are those of a local file, not of the store.
    ConnectionError,
    TimeoutError,
    # An answer that is none of S3's.
    ElementTree.ParseError,
    ValueError,
)


class S3Storage:
    """The `Storage` port over one S3 endpoint; links may name another host than the workers use."""

    def __init__(self, settings: Settings) -> None:
        self._buckets = (settings.assets_bucket, settings.videos_bucket)
        self._folder = settings.s3_folder
        self._client = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_endpoint or settings.s3_endpoint)
        # Whoever checks asks once per bucket, and wants to know soon.
        self._prompt = _client(
            replace(settings, s3_timeout=min(CHECK_SECONDS, settings.s3_timeout)), settings.s3_endpoint
        )

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        with self._room_for(len(data)):
            _ask(
                lambda: self._client.put_object(bucket, key, io.BytesIO(data), len(data), content_type=media_type), key
            )

    def put_file(self, bucket: str, key: str, path: Path, media_type: str) -> None:
        with self._room_for(path.stat().st_size):
            _ask(
                lambda: self._client.fput_object(bucket, key, str(path), content_type=media_type, part_size=PART_SIZE),
                key,
            )

    def get_bytes(self, bucket: str, key: str) -> bytes:
        return _ask(lambda: b"".join(self._read(bucket, key)), key)

    def get_file(self, bucket: str, key: str, path: Path) -> None:
        _ask(lambda: _write(path, self._read(bucket, key)), key)

    def size(self, bucket: str, key: str) -> int | None:
        try:
            found = _ask(lambda: self._client.stat_object(bucket, key), key)
        except ObjectMissing:
            return None
        _check_head(found.metadata or {})
        return found.size

    def sha256(self, bucket: str, key: str) -> str:
        return _ask(lambda: _digest(self._read(bucket, key)), key)

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        _ask(lambda: self._client.copy_object(to_bucket, to_key, CopySource(bucket, key)), key)

    def list(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
        rows = self._client.list_objects(bucket, prefix=prefix, recursive=True, start_after=after or None)
        while (row := _ask(lambda: next(rows, None))) is not None:
            assert row.last_modified is not None
            yield Stored(str(row.object_name), row.size or 0, row.last_modified.timestamp())

    def delete(self, bucket: str, key: str) -> None:
        try:
            _ask(lambda: self._client.remove_object(bucket, key), key)
        except ObjectMissing:
            pass

    def link(self, bucket: str, key: str, *, seconds: int, media_type: str, filename: str) -> str:
        headers: dict[str, str | list[str] | tuple[str]] = {
            "response-content-type": media_type,
            "response-content-disposition": f'attachment; filename="{filename}"',
        }
        return _ask(
            lambda: self._public.presigned_get_object(
                bucket, key, expires=timedelta(seconds=seconds), response_headers=headers
            )
        )

    def check(self) -> None:
        for bucket in self._buckets:
            if not _ask(lambda name=bucket: self._prompt.bucket_exists(name)):  # type: ignore[misc]
                raise StorageUnavailable(f"the bucket {bucket} does not exist")

    def make_buckets(self) -> tuple[str, ...]:
        """Creates the buckets that are missing, for a store that starts empty; returns their names."""
        return tuple(bucket for bucket in self._buckets if self._make_bucket(bucket))

    def _make_bucket(self, bucket: str) -> bool:
        """False if it is there already."""
        if _ask(lambda: self._client.bucket_exists(bucket)):
            return False
        _ask(lambda: self._client.make_bucket(bucket))
        return True

    @contextlib.contextmanager
    def _room_for(self, size: int) -> Iterator[None]:
        """Around a put of so many bytes. The embedded store (rclone) does not say that it is full; its disk does."""
        try:
            yield
        except StorageUnavailable as error:
            if self._folder and _free(self._folder) < size + LEAST_ROOM:
                raise StorageFull(NO_ROOM) from error
            raise

    def _read(self, bucket: str, key: str) -> Generator[bytes]:
        """The object piece by piece; raises when it ends before all of it has come."""
        response = self._client.get_object(bucket, key)
        try:
            _check_head(response.headers)
            yield from response.stream(CHUNK)
        finally:
            response.close()
            response.release_conn()


class _OneMoreTry(urllib3.Retry):
    """Another try after what failed at once (a broken connection, a 503), but none for a store that hangs."""

    def increment(self, *request: Any, **outcome: Any) -> Self:
        error = outcome.get("error")
        if error is not None and any(isinstance(part, HUNG) for part in (error, *error.args)):
            raise error
        return super().increment(*request, **outcome)

    def get_backoff_time(self) -> float:
        """Seconds before the other try: none after a broken connection, some after a refusal, each time others, for a
        store may refuse writers that meet at one object.
        """
        refused = bool(self.history) and self.history[-1].status is not None
        return random.uniform(0.0, PAUSE_SECONDS) if refused else 0.0


def _client(settings: Settings, endpoint: str) -> Minio:
    # One retry at this layer only: whoever asks tries again later. How long to wait is not the store's to say.
    # The last answer is read as any other, as it says why: a store that is full answers, too.
    retries = _OneMoreTry(
        total=1,
        status_forcelist=[429, 500, 502, 503, 504],
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    timeout = urllib3.Timeout(connect=settings.s3_timeout, read=settings.s3_timeout)
    pool = urllib3.PoolManager(timeout=timeout, retries=retries, maxsize=16)
    secure = endpoint.startswith("https://")
    # The region is set so that the client never has to ask for it.
    return Minio(
        endpoint.removeprefix("https://").removeprefix("http://").rstrip("/"),
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        secure=secure,
        region=settings.s3_region,
        http_client=pool,
    )


def _check_head(headers: Mapping[str, str]) -> None:
    """Raises `StorageUnavailable` for headers that broke off: to the HTTP library they are an answer without a body."""
    if "content-length" not in headers and "transfer-encoding" not in headers:
        raise StorageUnavailable("the object store broke off its answer")


def _free(folder: str) -> float:
    """Bytes that the disk of the folder has left; infinitely many if it does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return math.inf


def _write(path: Path, pieces: Generator[bytes]) -> None:
    with contextlib.closing(pieces):
        first = next(pieces, b"")  # before the file is made: what is not there leaves none
        try:
            with path.open("wb") as file:
                file.write(first)
                file.writelines(pieces)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _digest(pieces: Generator[bytes]) -> str:
    digest = hashlib.sha256()
    with contextlib.closing(pieces):
        for piece in pieces:
            digest.update(piece)
    return digest.hexdigest()


def _ask(call: Callable[[], T], key: str = "") -> T:
    """Runs one client call and turns what it raises into our errors."""
    try:
        return call()
    except S3Error as error:
        if FULL.search(f"{error.code} {error.message}") or error.response.status == INSUFFICIENT_STORAGE:
            raise StorageFull(NO_ROOM) from error
        raise _refusal(str(error.code), key) from error
    except InvalidResponseError as error:
        if FULL.search(str(error._body)) or error._code == INSUFFICIENT_STORAGE:
            raise StorageFull(NO_ROOM) from error
        # rclone sends its errors as text/xml, which the client does not read.
        gone = "NoSuchKey" if error._code == 404 else ""
        raise _refusal(NO_BUCKET if NO_BUCKET in str(error._body) else gone or str(error._code), key) from error
    except NO_ANSWER as error:
        raise StorageUnavailable("the object store does not answer") from error


def _refusal(code: str, key: str) -> ObjectMissing | StorageUnavailable:
    if code in MISSING:
        return ObjectMissing("a stored object is missing", key=key)
    return StorageUnavailable(f"the object store answered {code}")
