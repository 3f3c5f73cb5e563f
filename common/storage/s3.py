"""Objects on any S3 server, through the plain S3 calls of the `minio` client."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import InvalidResponseError, MinioException, S3Error

from common.errors import ObjectMissing, StorageUnavailable
from common.settings import Settings

T = TypeVar("T")
PART_SIZE = 16 * 1024 * 1024
MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject"}


class S3Storage:
    """The `Storage` port over one S3 endpoint; links may name another host than the workers use."""

    def __init__(self, settings: Settings) -> None:
        self._buckets = (settings.assets_bucket, settings.videos_bucket)
        self._client = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_endpoint or settings.s3_endpoint)

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        _ask(lambda: self._client.put_object(bucket, key, io.BytesIO(data), len(data), content_type=media_type))

    def put_file(self, bucket: str, key: str, path: Path, media_type: str) -> None:
        _ask(lambda: self._client.fput_object(bucket, key, str(path), content_type=media_type, part_size=PART_SIZE))

    def get_bytes(self, bucket: str, key: str) -> bytes:
        return _ask(lambda: self._read(bucket, key))

    def get_file(self, bucket: str, key: str, path: Path) -> None:
        _ask(lambda: self._client.fget_object(bucket, key, str(path)))

    def size(self, bucket: str, key: str) -> int | None:
        try:
            return _ask(lambda: self._client.stat_object(bucket, key)).size
        except ObjectMissing:
            return None

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        _ask(lambda: self._client.copy_object(to_bucket, to_key, CopySource(bucket, key)))

    def keys(self, bucket: str, prefix: str = "") -> Iterator[str]:
        listing = _ask(lambda: list(self._client.list_objects(bucket, prefix=prefix, recursive=True)))
        return (str(entry.object_name) for entry in listing)

    def delete(self, bucket: str, key: str) -> None:
        try:
            _ask(lambda: self._client.remove_object(bucket, key))
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
            if not _ask(lambda name=bucket: self._client.bucket_exists(name)):  # type: ignore[misc]
                raise StorageUnavailable(f"the bucket {bucket} does not exist")

    def make_buckets(self) -> None:
        """Creates the buckets that are missing; for the embedded stack, whose store starts empty."""
        for bucket in self._buckets:
            if not _ask(lambda name=bucket: self._client.bucket_exists(name)):  # type: ignore[misc]
                _ask(lambda name=bucket: self._client.make_bucket(name))  # type: ignore[misc]

    def _read(self, bucket: str, key: str) -> bytes:
        response = self._client.get_object(bucket, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()


def _client(settings: Settings, endpoint: str) -> Minio:
    # One retry at this layer only: the step runner has its own attempts on top.
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=settings.s3_timeout, read=settings.s3_timeout),
        retries=urllib3.Retry(total=1, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        maxsize=16,
    )
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


def _ask(call: Callable[[], T]) -> T:
    """Runs one client call and turns what it raises into our errors."""
    try:
        return call()
    except S3Error as error:
        if error.code in MISSING:
            raise ObjectMissing("a stored object is missing") from error
        raise StorageUnavailable(f"the object store answered {error.code}") from error
    except InvalidResponseError as error:
        # rclone sends its errors as text/xml, which the client does not read.
        if error._code == 404:
            raise ObjectMissing("a stored object is missing") from error
        raise StorageUnavailable(f"the object store answered {error._code}") from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # a local file, not the store
        raise StorageUnavailable("the object store does not answer") from error
