"""Use cases of voice previews: a sentence is spoken while its request waits."""

from typing import Any, NamedTuple

from api.errors import Conflict, Unknown, raise_if_any
from api.records import Records
from api.submission import Submissions
from api.views.film_state import facts_of
from api.views.preview import preview_view
from api.waiting import wait_until
from common.contracts.job import COMPLETED, Job
from common.contracts.job_kinds import JobKind
from common.contracts.names import SPEAK
from common.contracts.narration import Narration
from common.contracts.preview import PreviewRequest
from common.errors import ObjectMissing
from common.jobs.ids import new_job_ids
from common.jobs.store import RequestStore
from common.settings import Settings
from common.storage.port import Storage

WAV = "audio/wav"


class Heard(NamedTuple):
    """A preview, as far as it has come."""

    job_id: str
    view: dict[str, Any] | None
    "None while it is not spoken yet."


class Previews:
    """The use cases. Every job is reached through its owner."""

    def __init__(
        self, store: RequestStore, storage: Storage, records: Records, submissions: Submissions, settings: Settings
    ) -> None:
        self._store, self._storage, self._records, self._submissions = store, storage, records, submissions
        self._settings = settings

    def hear(self, owner: str, wanted: PreviewRequest, seconds: float, key: str = "") -> Heard:
        """Has a sentence spoken, and waits up to `seconds` for it. Raises `Conflict` if it cannot be spoken."""
        job_id = self._accept(owner, wanted, key)
        job = wait_until(self._store, job_id, lambda job: False, seconds)
        if job is None:
            raise Unknown(
                "no_longer_kept", "the preview that this key made is no longer kept; ask again with a new key"
            )
        return Heard(job_id, self._view(job) if job.terminal else None)

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        """The sound of a preview that has ended, as a link. Raises `Conflict` while there is none."""
        return self._view(self._records.version_of(self._records.job(owner, job_id), version))

    def sound(self, owner: str, job_id: str) -> bytes:
        """The sound itself: 48 kHz mono 16-bit WAV."""
        narration = _narration(self._records.job(owner, job_id))
        try:
            return self._storage.get_bytes(self._settings.assets_bucket, narration.audio.key)
        except ObjectMissing:
            raise Unknown("no_longer_kept", "the sound of this preview is no longer kept; ask for it again") from None

    def _accept(self, owner: str, wanted: PreviewRequest, key: str) -> str:
        if known := self._submissions.answered(owner, wanted, key):
            return known
        raise_if_any(self._submissions.checks(owner).of_voice(wanted.voice, wanted.language))
        (job_id,) = new_job_ids()
        job = self._submissions.new_job(owner, job_id, wanted, JobKind.VOICE_PREVIEW, wanted.text)
        return self._submissions.accept(owner, job, wanted, key).answer

    def _view(self, job: Job) -> dict[str, Any]:
        audio = _narration(job).audio
        link = self._storage.link(
            self._settings.assets_bucket,
            audio.key,
            seconds=self._settings.link_seconds,
            media_type=WAV,
            filename=f"{job.id}.wav",
        )
        return {
            **preview_view(job, _narration(job)),
            "download_url": link,
            "links_valid_seconds": self._settings.link_seconds,
        }


def _narration(job: Job) -> Narration:
    if job.state == COMPLETED:
        facts: Narration = facts_of(job.steps[SPEAK])
        return facts
    if job.terminal:
        code, message = (job.failure.code, job.failure.message) if job.failure else (job.state, f"it was {job.state}")
        raise Conflict(code, f"the sentence was not spoken: {message}")
    raise Conflict("not_finished", f"the sentence is not spoken yet (the job is {job.state})")
