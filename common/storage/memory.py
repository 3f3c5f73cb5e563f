"""Objects in this process's memory: the `Storage` port for fast tests."""

from collections.abc import Iterator
from pathlib import Path

from common.errors import ObjectMissing


class MemoryStorage:
    """Behaves as the port says; links are addresses that nothing answers."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], bytes] = {}

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        self._objects[bucket, key] = data

    def put_file(self, bucket: str, key: str, path: Path, media_type: str) -> None:
        self.put_bytes(bucket, key, path.read_bytes(), media_type)

    def get_bytes(self, bucket: str, key: str) -> bytes:
        try:
            return self._objects[bucket, key]
        except KeyError:
            raise ObjectMissing("a stored object is missing") from None

    def get_file(self, bucket: str, key: str, path: Path) -> None:
        path.write_bytes(self.get_bytes(bucket, key))

    def size(self, bucket: str, key: str) -> int | None:
        data = self._objects.get((bucket, key))
        return None if data is None else len(data)

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        self._objects[to_bucket, to_key] = self.get_bytes(bucket, key)

    def keys(self, bucket: str, prefix: str = "") -> Iterator[str]:
        return iter(sorted(key for where, key in self._objects if where == bucket and key.startswith(prefix)))

    def delete(self, bucket: str, key: str) -> None:
        self._objects.pop((bucket, key), None)

    def link(self, bucket: str, key: str, *, seconds: int, media_type: str, filename: str) -> str:
        return f"memory://{bucket}/{key}?filename={filename}"

    def check(self) -> None:
        pass
