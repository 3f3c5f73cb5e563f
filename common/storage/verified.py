"""Uploads that are verified after writing: the size of what is stored is compared with what was sent."""

import time
from collections.abc import Callable
from pathlib import Path

from common.errors import StorageUnavailable
from common.storage.port import Storage

TRIES = 2
PAUSES = (0.05, 0.2, 0.4)
"Seconds between two looks at what was stored."


def put_verified(storage: Storage, bucket: str, key: str, data: bytes, media_type: str) -> None:
    """Raises `StorageUnavailable` unless the store has all of `data` afterwards."""
    _put(lambda: storage.put_bytes(bucket, key, data, media_type), lambda: storage.size(bucket, key), len(data))


def put_verified_file(storage: Storage, bucket: str, key: str, path: Path, media_type: str) -> None:
    """The same with a file."""
    size = path.stat().st_size
    _put(lambda: storage.put_file(bucket, key, path, media_type), lambda: storage.size(bucket, key), size)


def verify(storage: Storage, bucket: str, key: str, size: int, part: str) -> None:
    """Looks once at an object that was stored under a name that nobody else writes at the same time.

    Raises `StorageUnavailable` unless it has `size` bytes; `part` says what was not kept: "all of an object".
    """
    if storage.size(bucket, key) != size:
        raise _not_kept(part)


def _put(put: Callable[[], None], stored: Callable[[], int | None], size: int) -> None:
    """One look is not enough: some stores show an object half written while somebody writes the same once more."""
    for _ in range(TRIES):
        put()
        for pause in PAUSES:
            if stored() == size:
                return
            time.sleep(pause)
    raise _not_kept("all of what it was given")


def _not_kept(part: str) -> StorageUnavailable:
    return StorageUnavailable(f"the object store did not keep {part}")
