"""Use cases of voice previews: a sentence is spoken while its request waits."""

from typing import Any

from api.errors import FieldError, Unknown, raise_if_any
from api.one_step import OneStepJobs, OneStepKind, Outcome
from api.records import Records
from api.submission import Submissions
from api.views.preview import preview_view
from common.contracts.job import Job
from common.contracts.job_kinds import JobKind
from common.contracts.names import SPEAK
from common.contracts.narration import Narration
from common.contracts.preview import PreviewRequest
from common.errors import ObjectMissing
from common.jobs.store import RequestStore
from common.settings import Settings
from common.storage.port import Storage

WAV = "audio/wav"
ABOUT = OneStepKind(JobKind.VOICE_PREVIEW, SPEAK, "sentence", "spoken")


class Previews:
    """The use cases. Every job is reached through its owner."""

    def __init__(
        self, store: RequestStore, storage: Storage, records: Records, submissions: Submissions, settings: Settings
    ) -> None:
        self._storage, self._submissions, self._settings = storage, submissions, settings
        self._jobs = OneStepJobs(ABOUT, store, records, submissions, self._view)

    def hear(self, owner: str, wanted: PreviewRequest, seconds: float, key: str = "") -> Outcome:
        """Has a sentence spoken, and waits up to `seconds` for it. Raises `Conflict` if it cannot be spoken."""
        return self._jobs.ask(
            owner, wanted, wanted.text, seconds, key, lambda: raise_if_any(self.faults(owner, wanted))
        )

    def faults(self, owner: str, wanted: PreviewRequest) -> list[FieldError]:
        """The faults of a request that only this server can see."""
        return self._submissions.checks(owner).of_voice(wanted.voice, wanted.language)

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        """The sound of a preview that has ended, as a link. Raises `Conflict` while there is none."""
        return self._jobs.result(owner, job_id, version)

    def sound(self, owner: str, job_id: str) -> bytes:
        """The sound itself: 48 kHz mono 16-bit WAV."""
        narration: Narration = self._jobs.facts(owner, job_id)
        try:
            return self._storage.get_bytes(self._settings.assets_bucket, narration.audio.key)
        except ObjectMissing:
            raise Unknown("no_longer_kept", "the sound of this preview is no longer kept; ask for it again") from None

    def _view(self, job: Job, narration: Narration) -> dict[str, Any]:
        link = self._storage.link(
            self._settings.assets_bucket,
            narration.audio.key,
            seconds=self._settings.link_seconds,
            media_type=WAV,
            filename=f"{job.id}.wav",
        )
        return {
            **preview_view(job, narration),
            "download_url": link,
            "links_valid_seconds": self._settings.link_seconds,
        }
