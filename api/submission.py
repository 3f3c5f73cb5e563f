"""What every order of a video must pass before it becomes a job, alone or with others."""

from collections.abc import Sequence

from api.assets import Assets
from api.errors import Complaint
from api.records import Records
from common.contracts.job import INTERACTIVE
from common.contracts.request import MediaRef, SceneRequest, VideoRequest
from common.errors import InvalidRequest
from common.jobs.store import JobStore
from common.jobs.wishes import Limits, NewJob
from common.settings import Settings

TITLE_CHARS = 80
PICTURES, SOUNDS, MARKS = ("image", "video"), ("audio", "video"), ("image",)
EXAMPLES = 6
"Voices named to somebody who asked for one that is not there."


class Orders:
    """Makes jobs-to-be of requests."""

    def __init__(self, store: JobStore, records: Records, assets: Assets, settings: Settings) -> None:
        self._store, self._records, self._assets, self._settings = store, records, assets, settings

    @property
    def limits(self) -> Limits:
        return Limits(self._settings.max_queued_jobs, self._settings.max_jobs_per_owner)

    def checks(self, owner: str) -> "Checks":
        return Checks(owner, self._store, self._assets)

    def new_job(self, owner: str, job_id: str, request: VideoRequest, lane: str = INTERACTIVE) -> NewJob:
        """Stores the request before the job exists, so that an accepted job can run."""
        return NewJob(
            id=job_id,
            request=self._records.keep(owner, "request", request),
            timeout=self._settings.job_timeout,
            title=title_of(request),
            metadata=request.metadata,
            lane=lane,
            patience=self._settings.queue_seconds,
        )


class Checks:
    """Finds what only this server can know to be wrong: files that are not here, voices nobody has.

    Good for one answer: what it has looked up once it does not look up again.
    """

    def __init__(self, owner: str, store: JobStore, assets: Assets) -> None:
        self._owner, self._store, self._assets = owner, store, assets
        self._looked_at: dict[tuple[str, tuple[str, ...]], str] = {}
        self._voices: tuple[str, ...] | None = None

    def of_request(self, request: VideoRequest) -> list[Complaint]:
        found = [
            complaint
            for index, scene in enumerate(request.scenes or ())
            for complaint in self.of_media(scene.media, f"scenes[{index}].media.asset")
        ]
        if request.music.asset is not None:
            found += self._of_asset(request.music.asset, SOUNDS, "music.asset")
        if request.watermark is not None and request.watermark.asset is not None:
            found += self._of_asset(request.watermark.asset, MARKS, "watermark.asset")
        return found + self.of_voice(request.voice, request.language)

    def of_media(self, media: MediaRef | None, field: str) -> list[Complaint]:
        return self._of_asset(media.asset, PICTURES, field) if media is not None and media.asset else []

    def of_voice(self, voice: str | None, language: str) -> list[Complaint]:
        """Whether somebody has the voice, or one for the language; while no speech worker is up, nobody knows."""
        if voice is None and language == "en":
            return []
        if self._voices is None:
            workers = self._store.workers()
            voices = (str(one).lower() for worker in workers for one in worker.engines.get("voices", ()))
            self._voices = tuple(dict.fromkeys(voices))
        return voice_complaints(self._voices, voice, language)

    def _of_asset(self, asset: str, kinds: tuple[str, ...], field: str) -> list[Complaint]:
        if (asset, kinds) not in self._looked_at:
            try:
                self._assets.check(self._owner, asset, kinds, field)
                self._looked_at[asset, kinds] = ""
            except InvalidRequest as error:
                self._looked_at[asset, kinds] = str(error)
        fault = self._looked_at[asset, kinds]
        return [Complaint(field, fault)] if fault else []


def voice_complaints(offered: Sequence[str], voice: str | None, language: str) -> list[Complaint]:
    """A voice is a language (`de`), a speaker (`f3`) or both (`de+f3`); None is the usual one of the language.

    `offered` has the languages and speakers of all live engines, in lower case.
    """
    if not offered:
        return []
    if voice is None:
        spoken = any(tag in offered for tag in _shorter(language.lower()))
        return [] if spoken else [Complaint("language", f'no speech engine of this server speaks "{language}"')]
    # Engines offer more speakers than they list, so of one that is added to a language they judge themselves.
    if voice.lower().partition("+")[0] in offered:
        return []
    examples = ", ".join(offered[:EXAMPLES])
    return [Complaint("voice", f'no speech engine of this server has the voice "{voice}"; there are {examples}, ...')]


def title_of(request: VideoRequest) -> str:
    """The first words of whatever the request is about."""
    first = request.scenes[0] if request.scenes else SceneRequest(show="Video")
    text = " ".join((request.prompt or request.script or first.narration or first.show or "Video").split())
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1].rsplit(" ", 1)[0] + "…"


def _shorter(tag: str) -> list[str]:
    """A language tag and its shorter forms: `pt-br`, `pt`."""
    parts = tag.split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
