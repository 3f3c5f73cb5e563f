"""What a client can do with jobs. Reads and writes the record; never speaks to a worker."""

import functools
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from api.assets import Assets
from common.contracts.base import ObjectRef, canonical_json, object_key
from common.contracts.job import CANCELLED, ENDINGS_WITH_FILM, FAILED, TERMINAL, Job
from common.contracts.request import SceneRequest, VideoRequest
from common.contracts.steps import AssembleFacts, PlanFacts, PublishFacts, parse_facts
from common.contracts.storyboard import Storyboard
from common.errors import ReelwrightError
from common.jobs.store import Created, JobStore
from common.jobs.views import progress, result_view, status_view
from common.settings import Settings
from common.storage.port import Storage

Place = tuple[int, str]
"Where a page of jobs ended: when the last one was created, and its id."
PAGE = 100
TITLE_CHARS = 80


class UnknownJob(ReelwrightError):
    """There is no such job, or it is somebody else's; from outside that looks the same."""

    code = "unknown_job"


class NoResult(ReelwrightError):
    """The job has not got what was asked for. `reason` says whether it is still to come."""

    code = "no_result"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Jobs:
    """The use cases. Every job is reached through its owner."""

    def __init__(self, store: JobStore, storage: Storage, assets: Assets, settings: Settings) -> None:
        self._store, self._storage, self._assets, self._settings = store, storage, assets, settings
        # Storyboards never change once stored, and a status is asked for many times.
        self._storyboards: Callable[[str], Storyboard] = functools.lru_cache(maxsize=64)(self._read_storyboard)

    def accept(self, owner: str, request: VideoRequest, key: str = "") -> Created:
        """Makes a job of a request. What it needs is stored before the job exists, so an accepted job can run."""
        self._check_assets(owner, request)
        body = canonical_json(request).encode()
        digest = hashlib.sha256(body).hexdigest()
        ref = ObjectRef(
            key=object_key(owner, "request", digest, digest),
            sha256=digest,
            size=len(body),
            media_type="application/json",
        )
        self._storage.put_bytes(self._settings.assets_bucket, ref.key, body, ref.media_type)
        return self._store.create(
            f"job_{secrets.token_hex(16)}",
            owner,
            request=ref,
            timeout=self._settings.job_timeout,
            title=title_of(request),
            metadata=request.metadata,
            request_key=key,
            request_digest=digest,
        )

    def status(self, owner: str, job_id: str, after: int | None = None) -> dict[str, Any]:
        """The state, with the newest log lines, or with those that follow event number `after`."""
        job = self._load(owner, job_id)
        events = self._store.latest_events(job_id) if after is None else self._store.events(job_id, after)
        return status_view(job, self._storyboard(job), events)

    def storyboard(self, owner: str, job_id: str) -> dict[str, Any]:
        job = self._load(owner, job_id)
        storyboard = self._storyboard(job)
        if storyboard is None:
            raise _nothing_yet(job, "storyboard")
        return {"job_id": job_id, "version": job.version, **storyboard.model_dump(mode="json", exclude={"music"})}

    def result(self, owner: str, job_id: str) -> dict[str, Any]:
        job = self._load(owner, job_id)
        storyboard = self._storyboard(job)
        if job.state not in ENDINGS_WITH_FILM or storyboard is None:
            raise _nothing_yet(job, "video")
        return {**result_view(job, storyboard), **self._links(job)}

    def cancel(self, owner: str, job_id: str) -> str:
        """Asks for the end of a job; returns the state it is in now."""
        job = self._load(owner, job_id)
        if job.state in TERMINAL - {CANCELLED}:
            raise NoResult("already_ended", f"the job has already ended ({job.state}) and cannot be cancelled")
        return self._store.wish_cancel(job_id) or job.state

    def page(
        self, owner: str, before: Place | None, limit: int, state: str
    ) -> tuple[list[dict[str, Any]], Place | None]:
        """Up to `limit` jobs, newest first, and where the next page begins (None: there is none)."""
        found: list[dict[str, Any]] = []
        while True:
            rows = self._store.jobs(owner, before, PAGE)
            for row in rows:
                before = row
                job = self._store.load(row[1])
                if job is not None and state in ("", job.state):
                    found.append(_summary(job))
                if len(found) == limit:
                    return found, before
            if len(rows) < PAGE:
                return found, None

    def _load(self, owner: str, job_id: str) -> Job:
        job = self._store.load(job_id)
        if job is None or job.owner != owner:
            raise UnknownJob(f"there is no job {job_id}")
        return job

    def _storyboard(self, job: Job) -> Storyboard | None:
        plan = job.steps.get("plan")
        if plan is None or not plan.facts:
            return None
        facts: PlanFacts = parse_facts("plan", plan.facts)
        return self._storyboards(facts.storyboard.key)

    def _read_storyboard(self, key: str) -> Storyboard:
        return Storyboard.model_validate_json(self._storage.get_bytes(self._settings.assets_bucket, key))

    def _links(self, job: Job) -> dict[str, Any]:
        published: PublishFacts = parse_facts("publish", job.steps["publish"].facts)
        film: AssembleFacts = parse_facts("assemble", job.steps["assemble"].facts)
        videos, assets = self._settings.videos_bucket, self._settings.assets_bucket
        captions = {"srt": (film.srt, "application/x-subrip"), "vtt": (film.vtt, "text/vtt")}
        return {
            "video_url": f"s3://{videos}/{published.video_key}",
            "thumbnail_url": f"s3://{videos}/{published.thumbnail_key}",
            "download_url": self._link(videos, published.video_key, "video/mp4", f"{job.id}.mp4"),
            "thumbnail_download_url": self._link(videos, published.thumbnail_key, "image/jpeg", f"{job.id}.jpg"),
            "captions": {
                name: self._link(assets, ref.key, media_type, f"{job.id}.{name}") if ref is not None else None
                for name, (ref, media_type) in captions.items()
            },
            "links_valid_seconds": self._settings.link_seconds,
        }

    def _link(self, bucket: str, key: str, media_type: str, filename: str) -> str:
        seconds = self._settings.link_seconds
        return self._storage.link(bucket, key, seconds=seconds, media_type=media_type, filename=filename)

    def _check_assets(self, owner: str, request: VideoRequest) -> None:
        for index, scene in enumerate(request.scenes or ()):
            if scene.media is not None and scene.media.asset is not None:
                self._assets.check(owner, scene.media.asset, ("image", "video"), f"scenes[{index}].media.asset")
        if request.music.asset is not None:
            self._assets.check(owner, request.music.asset, ("audio", "video"), "music.asset")


def title_of(request: VideoRequest) -> str:
    """The first words of whatever the request is about."""
    first = request.scenes[0] if request.scenes else SceneRequest(show="Video")
    text = " ".join((request.prompt or request.script or first.narration or first.show or "Video").split())
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1].rsplit(" ", 1)[0] + "…"


def missing_parts(store: JobStore, storage: Storage, services: set[str]) -> list[str]:
    """What is not there that a job would need, in words; empty when all is well."""
    missing = []
    try:
        present = {worker.service for worker in store.workers()}
        missing += [f"a worker of {service}" for service in sorted(services - present)]
    except ReelwrightError:
        missing.append("the state store (Redis)")
    try:
        storage.check()
    except ReelwrightError:
        missing.append("the object store (S3)")
    return missing


def _summary(job: Job) -> dict[str, Any]:
    view = status_view(job, None, ())
    kept = ("job_id", "status", "title", "created_at", "finished_at", "metadata", "error")
    return {**{name: view[name] for name in kept}, "overall_progress": progress(job)}


def _nothing_yet(job: Job, what: str) -> NoResult:
    if job.state == CANCELLED:
        return NoResult("cancelled", f"the job was cancelled; it has no {what}")
    if job.state == FAILED:
        why = job.failure.message if job.failure else "for a reason that was not recorded"
        return NoResult("failed", f"the job failed: {why}")
    return NoResult("not_finished", f"the {what} is not ready yet (the job is {job.state}); poll /mcp/status/{job.id}")
