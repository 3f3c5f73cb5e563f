"""Objects in this process's memory: the `Storage` port for fast tests."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from common.errors import ObjectMissing
from common.storage.port import Stored


class _Object(NamedTuple):
    data: bytes
    modified: float


class MemoryStorage:
    """Behaves as the port says; links are addresses that nothing answers."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._objects: dict[tuple[str, str], _Object] = {}
        self._clock = clock

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        self._objects[bucket, key] = _Object(data, self._clock())

    def put_file(self, bucket: str, key: str, path: Path, media_type: str) -> None:
        self.put_bytes(bucket, key, path.read_bytes(), media_type)

    def get_bytes(self, bucket: str, key: str) -> bytes:
        try:
            return self._objects[bucket, key].data
        except KeyError:
            raise ObjectMissing("a stored object is missing", key=key) from None

    def get_file(self, bucket: str, key: str, path: Path) -> None:
        data = self.get_bytes(bucket, key)
        try:
            path.write_bytes(data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def size(self, bucket: str, key: str) -> int | None:
        found = self._objects.get((bucket, key))
        return None if found is None else len(found.data)

    def sha256(self, bucket: str, key: str) -> str:
        return hashlib.sha256(self.get_bytes(bucket, key)).hexdigest()

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        self.put_bytes(to_bucket, to_key, self.get_bytes(bucket, key), "")

    def list(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
        keys = sorted(key for where, key in self._objects if where == bucket and key.startswith(prefix) and key > after)
        for key in keys:
            if found := self._objects.get((bucket, key)):
                yield Stored(key, len(found.data), found.modified)

    def delete(self, bucket: str, key: str) -> None:
        self._objects.pop((bucket, key), None)

    def link(self, bucket: str, key: str, *, seconds: int, media_type: str, filename: str) -> str:
        return f"memory://{bucket}/{key}?filename={filename}"

    def check(self) -> None:
        pass
