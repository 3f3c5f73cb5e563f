"""The port to an object store."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol


class Stored(NamedTuple):
    """An object as a listing shows it."""

    key: str
    size: int
    "In bytes."
    modified: float
    "When it was put, in seconds since 1970 by the store's clock."


class Storage(Protocol):
    """Whole objects in named buckets.

    Every call raises `StorageUnavailable` when the store does not answer as it should, and reading or
    copying something that is not there raises `ObjectMissing`. A put replaces what was there; keys made
    of content digests make that harmless. What was put is there as a whole or not at all. Trouble with a
    local file is raised as the system raised it.
    """

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None: ...

    def put_file(self, bucket: str, key: str, path: Path, media_type: str) -> None: ...

    def get_bytes(self, bucket: str, key: str) -> bytes: ...

    def get_file(self, bucket: str, key: str, path: Path) -> None:
        """Writes the object to `path`; when that fails, there is no such file."""
        ...

    def size(self, bucket: str, key: str) -> int | None:
        """Bytes, or None when there is no such object."""
        ...

    def sha256(self, bucket: str, key: str) -> str:
        """Digest of the content as it is now, which is read for that piece by piece."""
        ...

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None: ...

    def list(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """Objects whose keys begin with `prefix` and come after `after`, in the order of their keys.

        Read page by page while it is iterated: what is put or deleted meanwhile may be seen or not.
        """
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Removes the object; one that is not there is no error."""
        ...

    def link(self, bucket: str, key: str, *, seconds: int, media_type: str, filename: str) -> str:
        """A web address that hands out the object, as a download named `filename`, for `seconds`."""
        ...

    def check(self) -> None:
        """Raises `StorageUnavailable` unless the buckets are there; soon, even if the store hangs."""
        ...
