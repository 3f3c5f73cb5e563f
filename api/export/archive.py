"""Export of a film for editors: the timeline and all media it names, as a ZIP file that is written as it is sent."""

import io
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from api.export.otio import TIMELINE_FILE, document, media_of
from api.records import Records
from api.unavailable import no_longer_kept, nothing_yet
from api.views.film_state import facts_of
from common import scratch
from common.contracts.base import ObjectRef
from common.contracts.job import ENDINGS_WITH_FILM
from common.contracts.names import Kind
from common.contracts.steps import AssembleFacts
from common.contracts.timeline import FilmTimeline
from common.documents import read_document
from common.settings import Settings
from common.storage.port import Storage

CHUNK = 256 * 1024


class Exports:
    """The use case of exports. Needs as much temporary disk as the largest media of a film."""

    def __init__(self, storage: Storage, records: Records, settings: Settings) -> None:
        self._storage, self._records, self._settings = storage, records, settings

    def archive(self, owner: str, job_id: str, version: int | None = None) -> Iterator[bytes]:
        """The ZIP file in pieces. Raises for missing media before the first of them."""
        newest = self._records.film(owner, job_id)
        job = self._records.version_of(newest, version)
        if job.state not in ENDINGS_WITH_FILM:
            raise nothing_yet(job, newest, "timeline")
        if Kind.ASSEMBLE not in job.steps:
            raise no_longer_kept(job, "timeline of the film")
        facts: AssembleFacts = facts_of(job.steps[Kind.ASSEMBLE])
        if facts.timeline is None:
            raise no_longer_kept(job, "timeline of the film")
        bucket = self._settings.assets_bucket
        film = read_document(FilmTimeline, self._storage.get_bytes(bucket, facts.timeline.key))
        captions = {"captions.srt": facts.srt, "captions.vtt": facts.vtt}
        media = media_of(film) | {name: ref for name, ref in captions.items() if ref is not None}
        if any(self._storage.size(bucket, ref.key) is None for ref in media.values()):
            raise no_longer_kept(job, "media of the film")
        return self._pieces(document(film), media)

    def _pieces(self, text: str, media: Mapping[str, ObjectRef]) -> Iterator[bytes]:
        sent = _Sent()
        folder = scratch.folder(self._settings.scratch(), f"export-{uuid.uuid4().hex}")
        made = time.localtime()[:6]
        with zipfile.ZipFile(sent, "w") as archive, scratch.scratch(folder):
            archive.writestr(TIMELINE_FILE, text)
            for name, ref in media.items():
                path = folder / "media"
                self._storage.get_file(self._settings.assets_bucket, ref.key, path)
                # Media are compressed already.
                with archive.open(zipfile.ZipInfo(name, made), "w", force_zip64=True) as entry, path.open("rb") as file:
                    while chunk := file.read(CHUNK):
                        entry.write(chunk)
                        yield sent.take()
        yield sent.take()


class _Sent(io.RawIOBase):
    """A file that can only be written to, and hands out the bytes written since the last time."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data, self._pieces = b"".join(self._pieces), []
        return data
