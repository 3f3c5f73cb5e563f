"""Uploaded media: kept once per content, identified by its digest, and typed by its bytes and not by its name."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from common import scratch
from common.contracts.asset import Asset
from common.documents import document_json
from common.errors import DiskFull, ReelwrightError, disk_trouble
from common.picture_headers import has_picture_header
from common.settings import Settings
from common.sniff import HEAD_BYTES, demuxer, sniff
from common.storage.port import Storage
from common.storage.verified import put_verified, put_verified_file
from common.uploads import about_key, media_key, read_asset


class TooLarge(ReelwrightError):
    """More bytes than this server takes."""

    code = "too_large"


class UnknownMedia(ReelwrightError):
    """An upload that is no picture, video or sound we can use."""

    code = "unsupported_media"


class DamagedMedia(ReelwrightError):
    """An upload that only begins like a picture."""

    code = "damaged_media"


class Incoming:
    """A file on its way in: written to disk, measured and digested as it arrives, gone when closed.

    `write` raises `TooLarge` as soon as it is; all methods raise `DiskFull` when there is no room for it. Has the
    methods of a file, as form parsers want one. It lies in a scratch folder of its own, so that what a killed process
    leaves is swept away like that of a step.
    """

    def __init__(self, folder: Path | None, limit: int) -> None:
        own_folder = scratch.folder(folder, f"upload-{uuid.uuid4().hex}")
        self.path = own_folder / "media"
        with _needs_room(), ExitStack() as stack:
            stack.enter_context(scratch.scratch(own_folder))
            self._file: IO[bytes] = stack.enter_context(self.path.open("w+b"))
            self._undo = stack.pop_all()
        self._limit = limit
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge(f"a file may have at most {self._limit // 2**20} MB here")
        self._digest.update(data)
        with _needs_room():
            return self._file.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with _needs_room():  # what has not reached the disk is written first
            return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def flush(self) -> None:
        with _needs_room():
            self._file.flush()

    def close(self) -> None:
        with suppress(OSError):  # there is no room for the rest, which nobody wants any more
            self._undo.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def _needs_room() -> Iterator[None]:
    """Turns what the system says when a disk is full into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if isinstance(disk_trouble(error), DiskFull):
            raise DiskFull("there is no room for the file on the disk of this server; try again later") from error
        raise


class Assets:
    """The uploaded media of each owner."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._storage, self._bucket = storage, settings.assets_bucket
        self._folder, self._limit = settings.scratch(), settings.max_upload_mb * 2**20

    def incoming(self) -> Incoming:
        return Incoming(self._folder, self._limit)

    def keep(self, owner: str, file: Incoming, name: str) -> Asset:
        """Stores an upload. The same content is the same asset, whatever it is called."""
        file.seek(0)
        media_type = sniff(file.read(HEAD_BYTES))
        if media_type is None or not (media_type.startswith("audio/") or demuxer(media_type)):
            raise UnknownMedia(
                "this is no picture, video or sound we can use (JPEG, PNG, WebP, GIF, MP4, WebM, MP3, ...)"
            )
        if not has_picture_header(file, media_type):
            raise DamagedMedia(f"the file begins like a picture ({media_type}), but it is damaged: no picture follows")
        asset = Asset(media_type=media_type, size=file.size, sha256=file.sha256, name=name[:200])
        file.flush()
        put_verified_file(self._storage, self._bucket, media_key(owner, asset.id), file.path, media_type)
        # Last, because an asset exists once this does.
        about = document_json(asset).encode()
        put_verified(self._storage, self._bucket, about_key(owner, asset.id), about, "application/json")
        return asset

    def media_type(self, owner: str, asset_id: str) -> str | None:
        """The media type of an asset; None if there is none of that id."""
        asset = read_asset(self._storage, self._bucket, owner, asset_id)
        return asset.media_type if asset is not None else None
