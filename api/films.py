"""Use cases of what a job has made: its film, storyboard, versions and scenes."""

from typing import Any

from api.errors import Cure, LastGood, Remedy, Unknown
from api.records import Records, scene_of
from api.unavailable import no_film, no_longer_kept, no_storyboard, not_rendered
from api.views.film_state import facts_of, left_out, rendered_scene
from api.views.quality import quality_view
from api.views.scenes import candidate_view, scene_view
from api.views.status import result_view, versions_view
from common.contracts.base import ObjectRef
from common.contracts.job import ENDINGS_WITH_FILM, Job
from common.contracts.names import Kind
from common.contracts.steps import AssembleFacts, PublishFacts, SceneFacts, SegmentFacts
from common.contracts.storyboard import Storyboard
from common.settings import Settings
from common.storage.port import Storage

MP4, JPEG = "video/mp4", "image/jpeg"


class Films:
    """The use cases of films. A version of None is the newest; every job is reached through its owner."""

    def __init__(self, storage: Storage, records: Records, settings: Settings) -> None:
        self._storage, self._records, self._settings = storage, records, settings

    def storyboard(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        job, storyboard = self._planned(owner, job_id, version)
        hidden: Any = {"music": True, "scenes": {"__all__": {"searched"}}}
        view = {"job_id": job_id, "version": job.version, **storyboard.model_dump(mode="json", exclude=hidden)}
        return {**view, "voice": storyboard.voice or None}

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        newest = self._records.film(owner, job_id)
        job = self._records.version_of(newest, version)
        if job.state not in ENDINGS_WITH_FILM:
            raise no_film(job, newest, self._last_good(newest))
        if Kind.ASSEMBLE not in job.steps:
            raise no_longer_kept(job, "details of the film", Cure(Remedy.LIST_VERSIONS, job_id))
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
        job = self._records.film(owner, job_id)
        views = versions_view(job)
        for view in views:
            version = job.versions[view["version"]]
            view["download_url"] = self._kept(version.video, MP4, f"{job_id}.mp4")
            view["thumbnail_download_url"] = self._kept(version.thumbnail, JPEG, f"{job_id}.jpg")
        return {"job_id": job_id, "versions": views, "links_valid_seconds": self._settings.link_seconds}

    def scene(self, owner: str, job_id: str, scene_id: str, version: int | None = None) -> dict[str, Any]:
        """One scene, with the candidates that were found for each of its shots."""
        job, storyboard = self._planned(owner, job_id, version)
        scene = scene_of(storyboard, scene_id)
        view = scene_view(job, scene)
        for shot in view["shots"]:
            candidates = self._records.candidates(job, shot["id"])
            shot["candidates"] = [candidate_view(job, shot["id"], candidate) for candidate in candidates]
        return {"job_id": job_id, "version": job.version, **view}

    def scene_video(self, owner: str, job_id: str, scene_id: str, version: int | None = None) -> str:
        """A link to the rendered scene."""
        newest = self._records.film(owner, job_id)
        job, storyboard = self._planned(owner, job_id, version, newest)
        scene = scene_of(storyboard, scene_id)
        rendered = rendered_scene(job, scene.id)
        if rendered is None:
            raise not_rendered(job, newest, scene.id)
        facts: SegmentFacts | SceneFacts = facts_of(rendered)
        if self._storage.size(self._settings.assets_bucket, facts.media.key) is None:
            raise Unknown("no_longer_kept", "the scenes of this film are no longer kept one by one; the film is")
        filename = f"{job_id}-{scene_id}.mp4"
        return self._link(self._settings.assets_bucket, facts.media.key, MP4, filename)

    def _planned(
        self, owner: str, job_id: str, version: int | None, newest: Job | None = None
    ) -> tuple[Job, Storyboard]:
        """The version (None: the newest) and its storyboard; the job is read unless it is given."""
        newest = newest or self._records.film(owner, job_id)
        job = self._records.version_of(newest, version)
        storyboard = self._records.storyboard(job)
        if storyboard is None:
            raise no_storyboard(job, newest)
        return job, storyboard

    def _last_good(self, newest: Job) -> LastGood | None:
        """The newest version that has a film; None while there is none."""
        versions = newest.versions.values()
        good = [version for version in versions if version.state in ENDINGS_WITH_FILM and version.video is not None]
        if not good:
            return None
        last = max(good, key=lambda version: version.number)
        links = {
            "download_url": self._kept(last.video, MP4, f"{newest.id}.mp4"),
            "thumbnail_download_url": self._kept(last.thumbnail, JPEG, f"{newest.id}.jpg"),
            "links_valid_seconds": self._settings.link_seconds,
        }
        return LastGood(newest.id, last.number, links)

    def _links(self, job: Job, published: bool) -> dict[str, Any]:
        """Links to the film. Its public name always has the newest version; the links lead to this one and no other."""
        film: AssembleFacts = facts_of(job.steps[Kind.ASSEMBLE])
        videos = self._settings.assets_bucket
        video, thumbnail = film.media.key, film.thumbnail.key
        if published:
            public: PublishFacts = facts_of(job.steps[Kind.PUBLISH])
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
