"""What a client can do with one job: start, follow, stop and resume it, and fetch what it made."""

from collections.abc import Mapping
from typing import Any

from api.errors import Conflict, Unknown, refuse, unknown_job
from api.records import Records, digest_of, keyed
from api.submission import Orders
from api.views.quality import quality_view
from api.views.status import (
    candidate_view,
    left_out,
    rendered_scene,
    result_view,
    scene_view,
    status_view,
    summary_view,
    versions_view,
)
from common.contracts.base import ObjectRef
from common.contracts.job import CANCELLED, COMPLETED, ENDINGS_WITH_FILM, FAILED, TERMINAL, Job
from common.contracts.names import StepName
from common.contracts.request import VideoRequest
from common.contracts.steps import AssembleFacts, PublishFacts, SceneFacts, SegmentFacts, parse_facts
from common.contracts.storyboard import Scene, Storyboard
from common.errors import ReelwrightError
from common.jobs.ids import new_job_ids
from common.jobs.store import JobStore
from common.jobs.wishes import Created, RequestKey
from common.settings import Settings
from common.storage.port import Storage

PAGE = 100
MOST_LOOKED_AT = 200
"Jobs that one listing reads; a reader of rare ones gets short pages and goes on."
SUPERSEDED = "superseded"
MP4, JPEG = "video/mp4", "image/jpeg"


class Jobs:
    """The use cases. Every job is reached through its owner."""

    def __init__(self, store: JobStore, storage: Storage, records: Records, orders: Orders, settings: Settings) -> None:
        self._store, self._storage, self._records, self._orders = store, storage, records, orders
        self._settings = settings

    def accept(self, owner: str, request: VideoRequest, key: str = "") -> Created:
        """Makes a job of a request."""
        # First of all: what was accepted once stays so, even if a voice or a file has gone since.
        if key and (known := self._store.answered(owner, key, digest_of(request))):
            return Created(known, replayed=True)
        refuse(self._orders.checks(owner).of_request(request))
        (job_id,) = new_job_ids()
        job = self._orders.new_job(owner, job_id, request)
        return self._store.create(
            owner,
            [job],
            answer=job_id,
            request_key=key,
            request_digest=job.request.sha256,
            limits=self._orders.limits,
        )

    def status(self, owner: str, job_id: str, after: int | None = None) -> dict[str, Any]:
        """The state, with the newest log lines, or with those that follow event number `after`."""
        job = self._records.job(owner, job_id)
        return status_view(job, self._records.storyboard(job), self._records.events(job, after))

    def storyboard(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        job, storyboard = self._planned(owner, job_id, version)
        hidden: Any = {"music": True, "scenes": {"__all__": {"searched"}}}
        view = {"job_id": job_id, "version": job.version, **storyboard.model_dump(mode="json", exclude=hidden)}
        return {**view, "voice": storyboard.voice or None}

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        newest = self._records.job(owner, job_id)
        job = self._records.version_of(newest, version)
        if job.state not in ENDINGS_WITH_FILM:
            raise nothing_yet(job, newest, "video", {"last_good_version": self._last_good(newest)})
        if "assemble" not in job.steps:
            raise no_longer_kept(job, "details of the film", f"; GET /mcp/versions/{job_id} has a link to it")
        storyboard = self._records.storyboard(job)
        if storyboard is None:
            raise no_storyboard(job, newest)
        shown = [scene.id for scene in storyboard.scenes if scene.id not in left_out(job)]
        return {
            **result_view(job, storyboard),
            "quality": quality_view(job, shown),
            **self._links(job, published=job.version == newest.version),
        }

    def versions(self, owner: str, job_id: str) -> dict[str, Any]:
        """All versions of the video, oldest first; films are linked where they are kept."""
        job = self._records.job(owner, job_id)
        views = versions_view(job)
        for view in views:
            version = job.versions[view["version"]]
            view["download_url"] = self._kept(version.video, MP4, f"{job_id}.mp4")
            view["thumbnail_download_url"] = self._kept(version.thumbnail, JPEG, f"{job_id}.jpg")
        return {"job_id": job_id, "versions": views, "links_valid_seconds": self._settings.link_seconds}

    def scene(self, owner: str, job_id: str, scene_id: str, version: int | None = None) -> dict[str, Any]:
        """One scene, and for each of its shots what was found for it."""
        job, storyboard = self._planned(owner, job_id, version)
        scene = scene_of(storyboard, scene_id)
        view = scene_view(job, scene)
        for shot in view["shots"]:
            found = self._records.candidates(job, shot["id"])
            shot["candidates"] = [candidate_view(job, shot["id"], candidate) for candidate in found]
        return {"job_id": job_id, "version": job.version, **view}

    def scene_video(self, owner: str, job_id: str, scene_id: str, version: int | None = None) -> str:
        """A link to the rendered scene."""
        newest = self._records.job(owner, job_id)
        job, storyboard = self._planned(owner, job_id, version, newest)
        scene = scene_of(storyboard, scene_id)
        rendered = rendered_scene(job, scene.id)
        if rendered is None:
            raise not_rendered(job, newest, scene.id)
        facts: SegmentFacts | SceneFacts = parse_facts(StepName(rendered.name).kind, rendered.facts)
        if self._storage.size(self._settings.assets_bucket, facts.media.key) is None:
            raise Unknown("no_longer_kept", "the scenes of this film are no longer kept one by one; the film is")
        filename = f"{job_id}-{scene_id}.mp4"
        return self._link(self._settings.assets_bucket, facts.media.key, MP4, filename)

    def cancel(self, owner: str, job_id: str) -> str:
        """Asks for the end of a job; returns the state it is in now."""
        job = self._records.job(owner, job_id)
        if job.state in TERMINAL - {CANCELLED}:
            raise Conflict("already_ended", f"the job has already ended ({job.state}) and cannot be cancelled")
        return self._store.wish_cancel(job_id) or job.state

    def resume(self, owner: str, job_id: str, key: str = "") -> tuple[int, bool]:
        """Makes a job that ended without a whole film run on: only what is missing is done.

        Returns the version that runs, and whether this is a repeat of a request with the same idempotency key.
        """
        job, request = self._records.job(owner, job_id), keyed(key, "resume", job_id)
        known = self._records.answered(owner, request)
        if known is None:
            outcome = self._resumed(owner, job, request)
            if outcome == "ok":
                return self._records.job(owner, job_id).version, False
            known = self._records.answered(owner, request)  # it may have come twice at once
        if known is None:
            raise not_resumed(job_id, outcome)
        return known[0], True

    def _resumed(self, owner: str, job: Job, request: RequestKey) -> str:
        """How it went, in the words of the store. A job that will not run again is not brought back for it."""
        if not job.terminal:
            return "not_ended"
        if job.state == COMPLETED:
            return "completed"
        return self._records.change(owner, job.id, lambda: self._store.resume(job.id, self._orders.limits, request))

    def page(self, owner: str, before: str, limit: int, state: str) -> tuple[list[dict[str, Any]], str]:
        """Up to `limit` jobs older than `before`, newest first, and where the next page begins (empty: nowhere).

        Fewer, and yet a next page, when jobs in `state` are so rare that it looked at enough others.
        """
        found: list[dict[str, Any]] = []
        for _ in range(MOST_LOOKED_AT // PAGE):
            names = self._records.ids(owner, before, PAGE)
            for before in names:
                job = self._listed(owner, before)
                if job is not None and state in ("", job.state):
                    found.append(summary_view(job, self._records.outline(job)))
                if len(found) == limit:
                    return found, before
            if len(names) < PAGE:
                return found, ""
        return found, before

    def _listed(self, owner: str, job_id: str) -> Job | None:
        try:
            return self._records.job(owner, job_id)
        except Unknown:  # forgotten since it was listed, or damaged, which must not hide the others
            return None

    def _planned(
        self, owner: str, job_id: str, version: int | None, newest: Job | None = None
    ) -> tuple[Job, Storyboard]:
        """The version (None: the newest) and its storyboard; the job is read unless it is given."""
        newest = newest or self._records.job(owner, job_id)
        job = self._records.version_of(newest, version)
        storyboard = self._records.storyboard(job)
        if storyboard is None:
            raise no_storyboard(job, newest)
        return job, storyboard

    def _last_good(self, newest: Job) -> dict[str, Any] | None:
        """The newest version that has a film, and where that is; None while there is none."""
        good = [one for one in newest.versions.values() if one.state in ENDINGS_WITH_FILM and one.video is not None]
        if not good:
            return None
        last = max(good, key=lambda one: one.number)
        return {
            "version": last.number,
            "result": f"/mcp/result/{newest.id}?version={last.number}",
            "download_url": self._kept(last.video, MP4, f"{newest.id}.mp4"),
            "thumbnail_download_url": self._kept(last.thumbnail, JPEG, f"{newest.id}.jpg"),
            "links_valid_seconds": self._settings.link_seconds,
        }

    def _links(self, job: Job, published: bool) -> dict[str, Any]:
        """Where the film is. Its public name always has the newest version; the links lead to this one and no other."""
        film: AssembleFacts = parse_facts("assemble", job.steps["assemble"].facts)
        videos = self._settings.assets_bucket
        video, thumbnail = film.media.key, film.thumbnail.key
        if published:
            public: PublishFacts = parse_facts("publish", job.steps["publish"].facts)
            videos, video, thumbnail = self._settings.videos_bucket, public.video_key, public.thumbnail_key
        captions = {"srt": (film.srt, "application/x-subrip"), "vtt": (film.vtt, "text/vtt")}
        return {
            "video_url": f"s3://{videos}/{video}",
            "thumbnail_url": f"s3://{videos}/{thumbnail}",
            "download_url": self._kept(film.media, MP4, f"{job.id}.mp4"),
            "thumbnail_download_url": self._kept(film.thumbnail, JPEG, f"{job.id}.jpg"),
            "captions": {
                name: self._kept(ref, media_type, f"{job.id}.{name}") for name, (ref, media_type) in captions.items()
            },
            "links_valid_seconds": self._settings.link_seconds,
        }

    def _kept(self, ref: ObjectRef | None, media_type: str, filename: str) -> str | None:
        return self._link(self._settings.assets_bucket, ref.key, media_type, filename) if ref is not None else None

    def _link(self, bucket: str, key: str, media_type: str, filename: str) -> str:
        seconds = self._settings.link_seconds
        return self._storage.link(bucket, key, seconds=seconds, media_type=media_type, filename=filename)


def scene_of(storyboard: Storyboard, scene_id: str) -> Scene:
    for scene in storyboard.scenes:
        if scene.id == scene_id:
            return scene
    raise Unknown("unknown_scene", f"there is no scene {scene_id} in this version of the storyboard")


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


def no_storyboard(job: Job, newest: Job) -> ReelwrightError:
    """Why a job's storyboard cannot be read: it is gone, or was never there."""
    return no_longer_kept(job, "storyboard") if job.storyboard is not None else nothing_yet(job, newest, "storyboard")


def no_longer_kept(job: Job, what: str, instead: str = "") -> Unknown:
    return Unknown("no_longer_kept", f"the {what} of version {job.version} cannot be found any more{instead}")


def changing() -> Conflict:
    return Conflict("not_finished", "the job changed in this very moment; try again")


def not_resumed(job_id: str, outcome: str) -> ReelwrightError:
    """Why a job was not resumed, from what the store says."""
    if outcome == "unknown":
        return unknown_job(job_id)
    if outcome == "not_ended":
        return Conflict("still_running", "the job has not ended; there is nothing to resume")
    if outcome == "completed":
        return Conflict("completed", "the job is completed; nothing of it is missing")
    return changing()


def nothing_yet(job: Job, newest: Job, what: str, more: Mapping[str, Any] | None = None) -> Conflict:
    """Why a version has not got what was asked for, and what can be done about it."""
    good = more and more.get("last_good_version")
    film = f"; the film of version {good['version']} is there: {good['result']}" if good else ""
    if ending := _ending(job, newest):
        return Conflict(job.state, f"{ending}; it has no {what}; {_going_on(job, newest)}{film}", more)
    told = f"the {what} is not ready yet (the job is {job.state}); poll /mcp/status/{job.id}"
    return Conflict("not_finished", told + film, more)


def not_rendered(job: Job, newest: Job, scene: str) -> ReelwrightError:
    """Why a scene cannot be fetched: it is still to come, or it will not come by itself."""
    if (why := left_out(job).get(scene)) is not None:
        told = f"scene {scene} was left out of the film ({why.rstrip('.')}) and will not come by itself"
        return Conflict("left_out", f"{told}; {_going_on(job, newest)}")
    if ending := _ending(job, newest):
        return Conflict(job.state, f"{ending}; scene {scene} was not rendered until then; {_going_on(job, newest)}")
    if job.state in ENDINGS_WITH_FILM:
        return no_longer_kept(job, f"scene {scene}")
    return Conflict("not_finished", f"scene {scene} is not rendered yet; poll /mcp/status/{job.id}")


def _ending(job: Job, newest: Job) -> str:
    """How a version ended without a film; empty for others."""
    which = "the job" if newest.version == 1 else f"version {job.version}"
    why = job.failure.message if job.failure else "for a reason that was not recorded"
    endings = {
        CANCELLED: f"{which} was cancelled",
        FAILED: f"{which} failed: {why}",
        SUPERSEDED: f"{which} was superseded before it was finished",
    }
    return endings.get(job.state, "")


def _going_on(job: Job, newest: Job) -> str:
    if job.version != newest.version:
        return f"POST /mcp/versions/{job.id}/{job.version}/restore makes it anew"
    when = "" if job.terminal else "once the job has ended, "
    return f"{when}POST /mcp/resume/{job.id} makes what is missing"
