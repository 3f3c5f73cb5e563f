"""Checks that every request for a video must pass before it becomes a job, alone or in a batch, and the job-to-be."""

from dataclasses import replace

from api.assets import Assets
from api.errors import Cure, FieldError, Remedy
from api.records import Records, digest_of
from api.voices import voice_errors
from common.contracts.base import Contract
from common.contracts.hearing import recognisers_of
from common.contracts.job_kinds import JOB_KINDS, JobKind
from common.contracts.request import MediaRef, SceneRequest, VideoRequest
from common.contracts.voice import SpeechEngine, engines_of
from common.jobs.store import RequestStore
from common.jobs.wishes import Created, Limits, NewJob
from common.settings import Settings

TITLE_CHARS = 80
UNTITLED = "Video"
UNHEARD = (
    "its words are not given, and no worker that is up recognises speech; give them (script, or narration of the "
    "scene), or set up a recogniser, as docs/transcription.md says"
)
PICTURES, SOUNDS, WATERMARKS = ("image", "video"), ("audio", "video"), ("image",)


class Submissions:
    """Turns requests into jobs-to-be."""

    def __init__(self, store: RequestStore, records: Records, assets: Assets, settings: Settings) -> None:
        self._store, self._records, self._assets, self._settings = store, records, assets, settings

    @property
    def limits(self) -> Limits:
        return Limits(self._settings.max_queued_jobs, self._settings.max_jobs_per_owner)

    def answered(self, owner: str, request: Contract, key: str) -> str | None:
        """The job that this request made under the same key before. Raises `KeyReused`."""
        return self._store.answered(owner, key, digest_of(request)) if key else None

    def accept(self, owner: str, job: NewJob, request: Contract, key: str) -> Created:
        """Makes the job. Raises `TooManyJobs` and `KeyReused`."""
        limits = self.limits._replace(of_owner=JOB_KINDS[job.kind].most or self.limits.of_owner)
        digest = digest_of(request)
        return self._store.create(owner, [job], answer=job.id, request_key=key, request_digest=digest, limits=limits)

    def checks(self, owner: str) -> "RequestChecks":
        return RequestChecks(owner, self._store, self._assets)

    def new_film(self, owner: str, job_id: str, request: VideoRequest, kind: JobKind = JobKind.FILM) -> NewJob:
        """The job that makes a film, alone or in a batch."""
        return replace(self.new_job(owner, job_id, request, kind, title_of(request)), metadata=request.metadata)

    def new_job(self, owner: str, job_id: str, request: Contract, kind: JobKind, title: str) -> NewJob:
        """Stores the request before the job exists, so that an accepted job can run."""
        about = JOB_KINDS[kind]
        return NewJob(
            id=job_id,
            request=self._records.keep(owner, "request", request),
            timeout=about.timeout or self._settings.job_timeout,
            title=shortened(title),
            kind=kind,
            lane=about.lane,
            patience=about.patience or self._settings.queue_seconds,
        )


class RequestChecks:
    """Checks that only this server can make: of files that are not here, and voices nobody has.

    Good for one answer: nothing is looked up twice.
    """

    def __init__(self, owner: str, store: RequestStore, assets: Assets) -> None:
        self._owner, self._store, self._assets = owner, store, assets
        self._media_types: dict[str, str | None] = {}
        self._engines: tuple[SpeechEngine, ...] | None = None

    def of_request(self, request: VideoRequest) -> list[FieldError]:
        errors = [
            error
            for index, scene in enumerate(request.scenes or ())
            for error in self.of_media(scene.media, f"scenes[{index}].media.asset")
        ]
        errors += self._of_unwritten(request)
        recordings = {f"scenes[{index}].recording": scene.recording for index, scene in enumerate(request.scenes or ())}
        for field, asset in {"recording": request.recording, **recordings}.items():
            if asset is not None:
                errors += self.of_asset(asset, SOUNDS, field)
        if request.music.asset is not None:
            errors += self.of_asset(request.music.asset, SOUNDS, "music.asset")
        if request.watermark is not None and request.watermark.asset is not None:
            errors += self.of_asset(request.watermark.asset, WATERMARKS, "watermark.asset")
        errors += self.of_voice(request.voice, request.language)
        for index, scene in enumerate(request.scenes or ()):
            if scene.voice is not None:
                of_scene = self.of_voice(scene.voice, request.language)
                errors += [error._replace(field=f"scenes[{index}].voice") for error in of_scene]
        return errors

    def _of_unwritten(self, request: VideoRequest) -> list[FieldError]:
        """Errors for recordings of which the words are not given, where nobody can hear them.

        None while no speech worker is up to ask.
        """
        scenes = enumerate(request.scenes or ())
        bare = [f"scenes[{place}].recording" for place, one in scenes if one.recording and not one.narration]
        bare += ["recording"] if request.recording and request.script is None and request.scenes is None else []
        workers = self._store.workers() if bare else []
        if not engines_of(workers) or recognisers_of(workers):
            return []
        return [FieldError(field, UNHEARD) for field in bare]

    def of_media(self, media: MediaRef | None, field: str) -> list[FieldError]:
        return self.of_asset(media.asset, PICTURES, field) if media is not None and media.asset else []

    def of_voice(self, voice: str | None, language: str) -> list[FieldError]:
        """Errors if no engine has the voice, or one for the language; none while no speech worker is up to ask."""
        if self._engines is None:
            self._engines = engines_of(self._store.workers())
        return voice_errors(self._engines, voice, language)

    def of_asset(self, asset: str, kinds: tuple[str, ...], field: str) -> list[FieldError]:
        """`kinds` are those that the field takes: `video`, `audio`, ..."""
        if asset not in self._media_types:
            self._media_types[asset] = self._assets.media_type(self._owner, asset)
        media_type = self._media_types[asset]
        if media_type is None:
            return [FieldError(field, f"there is no asset {asset}", Cure(Remedy.UPLOAD))]
        if media_type.partition("/")[0] not in kinds:
            return [FieldError(field, f"the asset is {media_type}; this needs {' or '.join(kinds)}")]
        return []


def title_of(request: VideoRequest) -> str:
    """The first words of the text that the request is about."""
    first = request.scenes[0] if request.scenes else SceneRequest(show=UNTITLED)
    return next(text for text in (request.prompt, request.script, first.narration, first.show, UNTITLED) if text)


def shortened(text: str) -> str:
    """A title of one line."""
    text = " ".join(text.split())
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1].rsplit(" ", 1)[0] + "…"
