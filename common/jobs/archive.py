"""The permanent record of a job: one manifest in storage for each version that has ended.

A manifest is a JSON document with the raw record (from which the job can be made anew, field by field), the request
and the storyboard, where each picture came from, how long each step took, and the events since the manifest of the
version before (had each all of them, many versions would have a square of events). Its key is made so that the plain
order of keys is the order in which people ask: jobs newest first, and the newest state of a job first.

    <owner>/manifest/<digits of the job id, each mirrored>/<mirrored version>-<mirrored revision>.json
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.job import DONE, FAILED, READY, RUNNING, Event, Job
from common.contracts.job_kinds import JOB_KINDS
from common.contracts.names import ASSET_ID, Kind, StepName
from common.contracts.request import VideoRequest
from common.contracts.storyboard import Storyboard
from common.documents import read_document
from common.errors import ObjectMissing
from common.jobs.record import job_of
from common.jobs.retention import Retention
from common.settings import Settings
from common.storage.port import Storage
from common.storage.verified import put_verified

FORMAT = 1
FOLDER = "manifest"
JOB = "job_"
MIRROR = str.maketrans("0123456789abcdef", "fedcba9876543210")
HIGHEST = 99_999_999
AFTER_SLASH = "0"
'Follows "/" in the order of keys: what comes after `<folder>0` is no longer in the folder.'
EVENTS = 1_000
TRIES = 5
UPLOAD = re.compile(ASSET_ID)


class OtherRelease(ObjectMissing):
    """A manifest that is there, and was written in a format that this release does not read."""

    code = "unreadable_document"


@dataclass(frozen=True)
class Manifest:
    """A job as it was when a version of it ended. Each part is read when it is asked for."""

    job_id: str
    document: Mapping[str, Any]

    @cached_property
    def job(self) -> Job:
        return job_of(self.job_id, self.fields)

    @property
    def fields(self) -> dict[str, str]:
        """The record as it was in Redis."""
        return dict(self.document["record"])

    @property
    def seq(self) -> int:
        """Number of the newest event when it was written."""
        return int(json.loads(self.fields["head"])["seq"])

    @cached_property
    def events(self) -> list[Event]:
        """Those since the manifest of the version before."""
        return [Event(row["seq"], row["at"], row["type"], row["data"]) for row in self.document["events"]]

    @cached_property
    def request(self) -> VideoRequest | None:
        """None if it was gone when the job ended."""
        body = self.document["request"]
        return read_document(VideoRequest, body) if body is not None else None

    @cached_property
    def storyboard(self) -> Storyboard | None:
        """None if the version was never planned."""
        body = self.document["storyboard"]
        return read_document(Storyboard, body) if body is not None else None


def archive(store: Retention, storage: Storage, settings: Settings, job_id: str) -> bool:
    """Writes the manifest of an ended job and notes that in its record, which is forgotten some time later.

    A job of a kind that is not kept for good has no manifest.

    False when the job runs (again), which is no loss: its next end is archived then. Doing it twice has the same
    effect as once. Raises `StorageUnavailable` and `StateUnavailable`.
    """
    fields = store.record(job_id)
    if fields is None:
        store.purge(job_id)
        return False
    job = job_of(job_id, fields)
    if not job.terminal:
        return False
    if job.kind not in JOB_KINDS:
        return False  # a newer release knows how to keep it
    if kept := JOB_KINDS[job.kind].kept:
        return store.archived(job_id, job.rev, kept)
    bucket = settings.assets_bucket
    before = _version_before(storage, bucket, job)
    events = _events(store, storage, bucket, job, before.seq if before is not None else 0)
    document = _document(job, fields, events, before, _Reader(storage, bucket))
    key = _key(job)
    # The record goes once it is archived, so half a manifest would be the end of the job.
    put_verified(storage, bucket, key, json.dumps(document, separators=(",", ":")).encode(), "application/json")
    if not store.archived(job_id, job.rev, settings.keep_job_seconds):
        return False
    for older in list(storage.list(bucket, _of_version(job.owner, job_id, job.version), after=key)):
        storage.delete(bucket, older.key)
    return True


def read_manifest(
    storage: Storage, bucket: str, owner: str, job_id: str, version: int | None = None
) -> Manifest | None:
    """The manifest of a version (None: of the newest that has one), as it ended last; None when there is none.

    Raises `ObjectMissing` for one that is there but cannot be read.
    """
    prefix = _folder(owner, job_id) if version is None else _of_version(owner, job_id, version)
    for _ in range(TRIES):
        newest = next(storage.list(bucket, prefix), None)
        if newest is None:
            return None
        try:
            data = storage.get_bytes(bucket, newest.key)
        except ObjectMissing:
            continue  # a newer one has just taken its place
        return _parsed(job_id, newest.key, data)
    raise ObjectMissing("a manifest is listed but cannot be read")


def archived_jobs(storage: Storage, bucket: str, owner: str, before: str, limit: int) -> list[str]:
    """Ids of jobs with a manifest, newest first; `before` is the last one of the page before, or empty."""
    folder = f"{owner}/{FOLDER}/"
    jobs: list[str] = []
    after = _folder(owner, before).removesuffix("/") + AFTER_SLASH if before else ""
    for stored in storage.list(bucket, folder, after):
        job_id = JOB + stored.key[len(folder) :].partition("/")[0].translate(MIRROR)
        if jobs and jobs[-1] == job_id:
            continue  # another version of it
        if len(jobs) == limit:
            break
        jobs.append(job_id)
    return jobs


def archived_events(storage: Storage, bucket: str, owner: str, job_id: str, first: int, end: int) -> list[Event]:
    """The events from number `first` to the one before `end`, as far as manifests have them."""
    events: list[Event] = []
    for stored in storage.list(bucket, _folder(owner, job_id)):
        if end <= first:
            break
        try:
            manifest = _parsed(job_id, stored.key, storage.get_bytes(bucket, stored.key))
        except ObjectMissing:
            continue  # replaced since it was listed, or damaged: the events of the other versions are still there
        events[:0] = [event for event in manifest.events if first <= event.seq < end]
        end = events[0].seq if events else end
    return events


def timings(events: Iterable[Event]) -> dict[str, dict[str, int]]:
    """When each step became ready, started and ended the last time (ms), and how often it ran."""
    words = {READY: "ready", RUNNING: "started", DONE: "ended", FAILED: "ended"}
    steps: dict[str, dict[str, int]] = {}
    for event in events:
        word = words.get(event.data.get("state", "")) if event.type == "step" else None
        if word is not None:
            step = steps.setdefault(event.data["step"], {"runs": 0})
            step[word] = event.at
            step["runs"] += word == "started"
    return steps


def provenance(job: Job) -> dict[str, dict[str, Any]]:
    """The origin of each shot's picture, by shot."""
    origins = {}
    for name, step in job.steps.items():
        if step.kind == Kind.ACQUIRE and step.state == DONE:
            footage = json.loads(step.facts)
            origins[StepName(name).subject] = {"kind": footage["kind"], **footage["provenance"]}
    return origins


def _parsed(job_id: str, key: str, data: bytes) -> Manifest:
    try:
        document = json.loads(data)
    except ValueError:
        raise ObjectMissing("a manifest is damaged", key=key) from None
    if isinstance(document, dict) and document.get("format", FORMAT) != FORMAT:
        written = f"the manifest of this job has the format {document['format']}, and this release reads {FORMAT}"
        raise OtherRelease(f"{written}; use the release that wrote it, or a newer one", key=key)
    return Manifest(job_id, document)


class _Reader:
    """Reads documents of a job; what is gone is None."""

    def __init__(self, storage: Storage, bucket: str) -> None:
        self._storage, self._bucket = storage, bucket
        self._read: dict[str, str | None] = {}

    def text(self, ref: ObjectRef | None) -> str | None:
        if ref is None:
            return None
        if ref.key not in self._read:
            try:
                self._read[ref.key] = self._storage.get_bytes(self._bucket, ref.key).decode()
            except ObjectMissing:
                self._read[ref.key] = None
        return self._read[ref.key]

    def body(self, ref: ObjectRef | None) -> Any:
        text = self.text(ref)
        return json.loads(text) if text is not None else None


def _document(
    job: Job, fields: Mapping[str, str], events: list[Event], before: Manifest | None, reader: _Reader
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "job_id": job.id,
        "owner": job.owner,
        "state": job.state,
        "version": job.version,
        "request": reader.body(job.request),
        "storyboard": reader.body(job.storyboard),
        "provenance": provenance(job),
        "timings": timings(events),
        # Whatever else is collected, what users brought cannot be made anew.
        "uploads": _uploads(job, before, reader),
        "events": [_event_document(event) for event in events],
        "record": dict(fields),
    }


def _uploads(job: Job, before: Manifest | None, reader: _Reader) -> list[str]:
    """Those that any version of the job names."""
    known, newest = (before.document["uploads"], before.document["version"]) if before is not None else ([], 0)
    since = [version.storyboard for number, version in job.versions.items() if number > newest]
    texts = (reader.text(ref) or "" for ref in (job.request, job.base, job.edit, job.storyboard, *since))
    return sorted({*known, *(upload for text in texts for upload in UPLOAD.findall(text))})


def _event_document(event: Event) -> dict[str, Any]:
    return {"seq": event.seq, "at": event.at, "type": event.type, "data": dict(event.data)}


def _events(store: Retention, storage: Storage, bucket: str, job: Job, after: int) -> list[Event]:
    """Those that follow number `after`, up to this state of the record; from manifests what Redis has forgotten."""
    events: list[Event] = []
    while page := store.events(job.id, events[-1].seq if events else after, EVENTS):
        events += page
    events = [event for event in events if event.seq <= job.seq]
    first = events[0].seq if events else job.seq + 1
    return [*archived_events(storage, bucket, job.owner, job.id, after + 1, first), *events]


def _version_before(storage: Storage, bucket: str, job: Job) -> Manifest | None:
    """The manifest of the newest version before this one that has one. One that is damaged counts as none: it must not
    keep the next from being written.
    """
    after = _of_version(job.owner, job.id, job.version).removesuffix("-") + "."
    newest = next(storage.list(bucket, _folder(job.owner, job.id), after=after), None)
    try:
        return _parsed(job.id, newest.key, storage.get_bytes(bucket, newest.key)) if newest is not None else None
    except ObjectMissing:
        return None


def _key(job: Job) -> str:
    return f"{_of_version(job.owner, job.id, job.version)}{HIGHEST - job.rev:08d}.json"


def _of_version(owner: str, job_id: str, version: int) -> str:
    return f"{_folder(owner, job_id)}{HIGHEST - version:08d}-"


def _folder(owner: str, job_id: str) -> str:
    return f"{owner}/{FOLDER}/{job_id.removeprefix(JOB).translate(MIRROR)}/"
