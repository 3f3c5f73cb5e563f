"""A film for an editor: its timeline and all media it names, as one ZIP file that is written while it is sent."""

import io
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from api.export.otio import TIMELINE_FILE, document, media_of
from api.jobs import no_longer_kept, nothing_yet
from api.records import Records
from common import scratch
from common.contracts.base import ObjectRef
from common.contracts.job import ENDINGS_WITH_FILM
from common.contracts.steps import AssembleFacts, parse_facts
from common.contracts.timeline import FilmTimeline
from common.settings import Settings
from common.storage.port import Storage

CHUNK = 256 * 1024


class Exports:
    """The use case. Needs as much temporary disk as the largest media of a film."""

    def __init__(self, storage: Storage, records: Records, settings: Settings) -> None:
        self._storage, self._records, self._settings = storage, records, settings

    def archive(self, owner: str, job_id: str, version: int | None = None) -> Iterator[bytes]:
        """The ZIP file in pieces. What is missing is told before the first of them."""
        newest = self._records.job(owner, job_id)
        job = self._records.version_of(newest, version)
        if job.state not in ENDINGS_WITH_FILM:
            raise nothing_yet(job, newest, "timeline")
        if "assemble" not in job.steps:
            raise no_longer_kept(job, "timeline of the film")
        facts: AssembleFacts = parse_facts("assemble", job.steps["assemble"].facts)
        if facts.timeline is None:
            raise no_longer_kept(job, "timeline of the film")
        bucket = self._settings.assets_bucket
        try:
            film = FilmTimeline.model_validate_json(self._storage.get_bytes(bucket, facts.timeline.key))
        except ValidationError:  # written by another version
            raise no_longer_kept(job, "timeline of the film") from None
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
    """A file that can only be written to, and hands out what was."""

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
