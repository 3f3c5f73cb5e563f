"""Names in manifests, remembered from one collection to the next: in a file, as there may be millions of them."""

import struct
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from common.storage.port import Stored
from orchestrator.cleanup.references import NONE, Digests

HEAD = struct.Struct("=dIII")
"Header of each entry: time the document was put, length of its key, number of names and of parts."
WIDTH = 8
"Bytes of a digest."


class Known(NamedTuple):
    """The names in a document."""

    key: str
    modified: float
    names: Digests
    parts: Digests = NONE
    "Empty once parts of films are no longer kept."


class ManifestIndex:
    """Entries in the order of their keys. The file has no name, so it vanishes with the process, however that ends."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def entries(
        self, documents: Iterable[Stored], read: Callable[[Stored], Known], parts_from: float
    ) -> Iterator[Known]:
        """One entry for each document, given in the order of their keys; `read` is called for unknown ones.

        Entries of documents put before `parts_from` have no parts. Raises `OSError` if the file cannot be written.
        """
        old, new = _entries(self._file), self._blank()
        ahead = next(old, None)
        try:
            for stored in documents:
                while ahead is not None and ahead.key < stored.key:
                    ahead = next(old, None)
                if ahead is not None and (ahead.key, ahead.modified) == (stored.key, stored.modified):
                    known, ahead = ahead, next(old, None)
                else:
                    known = read(stored)
                if stored.modified < parts_from:
                    known = known._replace(parts=NONE)
                _write(new, known)
                yield known
        except BaseException:
            # Documents read so far need not be read again, nor those that would have come.
            while ahead is not None:
                _write(new, ahead)
                ahead = next(old, None)
            raise
        finally:
            if self._file is not None:
                self._file.close()
            self._file = new

    def _blank(self) -> IO[bytes]:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder)


def _write(file: IO[bytes], known: Known) -> None:
    key = known.key.encode()
    file.write(HEAD.pack(known.modified, len(key), len(known.names), len(known.parts)) + key)
    file.write(array("Q", known.names).tobytes() + array("Q", known.parts).tobytes())


def _entries(file: IO[bytes] | None) -> Iterator[Known]:
    if file is None:
        return
    file.seek(0)
    while len(head := file.read(HEAD.size)) == HEAD.size:
        modified, length, names, parts = HEAD.unpack(head)
        body = file.read(length + (names + parts) * WIDTH)
        if len(body) < length + (names + parts) * WIDTH:
            return  # the disk was full
        numbers = array("Q", body[length:])
        yield Known(body[:length].decode(), modified, numbers[:names], numbers[names:])
