"""The records of jobs, wherever they are: in Redis while they are young, for good in their manifests.

Every job is reached through its owner.
"""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from api.errors import Unknown, unknown_job
from common.contracts.base import Contract, ObjectRef, canonical_json, fingerprint, object_key
from common.contracts.footage import Candidate, CandidateList
from common.contracts.job import DONE, Event, Job, Pins
from common.contracts.job_kinds import Makes, kind_of_job
from common.contracts.kinds import STEP_KINDS, parse_facts
from common.contracts.names import Kind, StepName
from common.contracts.request import VideoRequest
from common.contracts.steps import SearchFacts
from common.contracts.storyboard import Scene, Storyboard
from common.documents import JSON, UnreadableDocument, document_json, read_document
from common.errors import ObjectMissing
from common.jobs.archive import Manifest, OtherRelease, archive, archived_events, archived_jobs, read_manifest
from common.jobs.ids import JOB_ID
from common.jobs.reopening import WishOutcome
from common.jobs.store import RequestStore
from common.jobs.wishes import RequestKey
from common.settings import Settings
from common.storage.port import Storage
from common.storage.verified import put_verified

LINES = 50
"Newest events of a status."
MOST_LINES = 200
"Events that follow the one a reader has."
ARCHIVE_TRIES = 5
UNCHANGED = "unchanged"


def keyed(key: str, *asked: Any) -> RequestKey:
    """The idempotency key of a request, with all that was asked."""
    return RequestKey(key, fingerprint(*asked))


def digest_of(value: Contract) -> str:
    """SHA-256 of a request, by which a repeat is known."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


class Records:
    """Reads the jobs of an owner, wherever they are. Raises `Unknown` for anything that is not there."""

    def __init__(self, store: RequestStore, storage: Storage, settings: Settings) -> None:
        self._store, self._storage, self._settings = store, storage, settings
        # Storyboards never change once stored, and a status is asked for many times.
        self._storyboards: Callable[[str], Storyboard] = functools.lru_cache(maxsize=256)(self._read_storyboard)

    def job(self, owner: str, job_id: str) -> Job:
        """The job in its newest version."""
        job = self._store.load(job_id) if JOB_ID.fullmatch(job_id) else None
        if job is not None and job.owner == owner:
            return job
        manifest = self.manifest(owner, job_id)
        if manifest is None:
            raise unknown_job(job_id)
        return manifest.job

    def film(self, owner: str, job_id: str) -> Job:
        """The job in its newest version; raises `Unknown` if it makes something else than a film."""
        job = self.job(owner, job_id)
        if kind_of_job(job.kind).makes is not Makes.FILM:
            raise Unknown("no_film", f"the job {job_id} makes no film")
        return job

    def version_of(self, newest: Job, number: int | None) -> Job:
        """The job as it was when a version of it ended (None: the newest).

        A version that never ended, or has no manifest any more, has no steps.
        """
        if number is None or number == newest.version:
            return newest
        version = newest.versions.get(number)
        if version is None:
            known = f"the newest is {newest.version}"
            raise Unknown("unknown_version", f"there is no version {number} of this job; {known}")
        manifest = self.manifest(newest.owner, newest.id, number)
        if manifest is not None:
            return manifest.job
        return replace(
            newest,
            version=number,
            state=version.state,
            storyboard=version.storyboard,
            finished=version.finished,
            failure=None,
            pins=Pins(),
            steps={},
        )

    def answered(self, owner: str, request: RequestKey) -> tuple[int, bool] | None:
        """The answer to the very same request before: the version, and whether it was new. Raises `KeyReused`."""
        text = self._store.answered(owner, *request) if request.key else None
        if text is None:
            return None
        number, _, word = text.partition(" ")
        return int(number), word != UNCHANGED

    def remember(self, owner: str, request: RequestKey, version: int, changed: bool) -> None:
        """Keeps that answer for a repeat, if it is not known yet. Raises `KeyReused`."""
        if request.key:
            self._store.remember(owner, request, f"{version}" if changed else f"{version} {UNCHANGED}")

    def change(self, owner: str, job_id: str, write: Callable[[], WishOutcome]) -> WishOutcome:
        """Writes a new wish for a job, in Redis again if need be, by `write`.

        A job that has ended is archived first, since the change takes away how it ended.
        """
        self._wake(owner, job_id)
        outcome = write()
        for _ in range(ARCHIVE_TRIES):
            if outcome != WishOutcome.UNARCHIVED:
                break
            archive(self._store, self._storage, self._settings, job_id)
            outcome = write()
        return outcome

    def _wake(self, owner: str, job_id: str) -> None:
        if self._store.load(job_id) is None and (manifest := self.manifest(owner, job_id)) is not None:
            self._store.put_back(job_id, owner, manifest.fields, self._settings.keep_job_seconds)

    def manifest(self, owner: str, job_id: str, version: int | None = None) -> Manifest | None:
        """None if there is none; raises `Unknown` for one that cannot be read."""
        if not JOB_ID.fullmatch(job_id):
            return None
        try:
            return read_manifest(self._storage, self._settings.assets_bucket, owner, job_id, version)
        except OtherRelease as error:
            raise UnreadableDocument(str(error)) from None
        except ObjectMissing:
            raise Unknown("damaged", "what was kept of this job is damaged and cannot be read") from None

    def known_for(self, kind: str) -> int:
        """Seconds for which results of that kind of step stay known."""
        return STEP_KINDS[kind].known_for(self._settings.reuse_seconds())

    def events(self, job: Job, after: int | None) -> list[Event]:
        """The newest events, or those that follow event number `after`; from the manifest what Redis has forgotten."""
        if after is None:
            young = self._store.latest_events(job.id, LINES)
        else:
            young = self._store.events(job.id, after, MOST_LINES)
        newest = young[-1].seq if young else job.seq
        first = max(1, newest - LINES + 1) if after is None else after + 1
        kept_from = young[0].seq if young else newest + 1
        if kept_from <= first:
            return young
        bucket = self._settings.assets_bucket
        older = archived_events(self._storage, bucket, job.owner, job.id, first, kept_from)
        return [*older, *young][:MOST_LINES]

    def request(self, job: Job) -> VideoRequest:
        """What the job was made for. Raises `Unknown` if the store has lost it, `UnreadableDocument`."""
        try:
            data = self._storage.get_bytes(self._settings.assets_bucket, job.request.key)
        except ObjectMissing:
            raise Unknown("no_longer_kept", "the request of this job cannot be found any more") from None
        return read_document(VideoRequest, data)

    def storyboard(self, job: Job) -> Storyboard | None:
        """None if the job is not planned, or its storyboard is gone. Raises `UnreadableDocument`."""
        if job.storyboard is None:
            return None
        try:
            return self._storyboards(job.storyboard.key)
        except ObjectMissing:
            return None

    def plan(self, job: Job) -> Storyboard | None:
        """The storyboard for a view of the job that must not fail without one."""
        try:
            return self.storyboard(job)
        except UnreadableDocument:
            return None

    def outline(self, job: Job) -> Storyboard | None:
        """The storyboard, if the record alone does not show which steps belong to the job."""
        return self.plan(job) if job.version > 1 else None

    def candidates(self, job: Job, shot: str) -> tuple[Candidate, ...]:
        """The candidates found for a shot, best first; none for the user's own media, or when their list is gone."""
        search = job.steps.get(StepName.of(Kind.SEARCH, shot))
        if search is None or search.state != DONE:
            return ()
        facts: SearchFacts = parse_facts(Kind.SEARCH, search.facts)
        try:
            body = self._storage.get_bytes(self._settings.assets_bucket, facts.candidates.key)
        except ObjectMissing:
            return ()
        return read_document(CandidateList, body).candidates

    def ids(self, owner: str, before: str, limit: int) -> list[str]:
        """Names of jobs, newest first; `before` is the last one of the page before, or empty."""
        young = self._store.jobs(owner, before, limit)
        old = archived_jobs(self._storage, self._settings.assets_bucket, owner, before, limit)
        return sorted({*young, *old}, reverse=True)[:limit]

    def keep(self, owner: str, kind: str, value: Contract) -> ObjectRef:
        """Stores a document under the name of its content."""
        data = document_json(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        ref = ObjectRef(
            key=object_key(owner, kind, digest[:32], digest), sha256=digest, size=len(data), media_type=JSON
        )
        put_verified(self._storage, self._settings.assets_bucket, ref.key, data, JSON)
        return ref

    def _read_storyboard(self, key: str) -> Storyboard:
        return read_document(Storyboard, self._storage.get_bytes(self._settings.assets_bucket, key))


def scene_of(storyboard: Storyboard, scene_id: str) -> Scene:
    for scene in storyboard.scenes:
        if scene.id == scene_id:
            return scene
    raise Unknown("unknown_scene", f"there is no scene {scene_id} in this version of the storyboard")
