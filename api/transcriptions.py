"""Use cases of transcriptions: an upload is listened to while its request waits."""

from typing import Any

from api.errors import Conflict, FieldError, Unknown, raise_if_any
from api.one_step import OneStepJobs, OneStepKind, Outcome
from api.records import Records
from api.submission import SOUNDS, Submissions
from api.views.transcription import transcription_view
from common.contracts.base import ObjectRef
from common.contracts.hearing import recognisers_of
from common.contracts.job import Job
from common.contracts.job_kinds import JobKind
from common.contracts.names import HEAR
from common.contracts.recordings import Transcript
from common.contracts.steps import HearFacts
from common.contracts.transcription import TranscriptionRequest
from common.documents import read_document
from common.errors import ObjectMissing
from common.jobs.store import RequestStore
from common.settings import Settings
from common.storage.port import Storage

ABOUT = OneStepKind(JobKind.TRANSCRIPTION, HEAR, "sound", "transcribed")
NOBODY = (
    "no worker that is up recognises speech; give a speech worker a model of Whisper (WHISPER_MODEL) or a server that "
    "transcribes (TRANSCRIPTION_URL), as docs/transcription.md says"
)


class Transcriptions:
    """The use cases. Every job is reached through its owner."""

    def __init__(
        self, store: RequestStore, storage: Storage, records: Records, submissions: Submissions, settings: Settings
    ) -> None:
        self._store, self._storage, self._submissions, self._settings = store, storage, submissions, settings
        self._jobs = OneStepJobs(ABOUT, store, records, submissions, self._view)

    def hear(self, owner: str, wanted: TranscriptionRequest, seconds: float, key: str = "") -> Outcome:
        """Has an upload listened to, and waits up to `seconds` for it. Raises `Conflict` if nobody can."""
        title = wanted.script or f"Transcription of {wanted.asset}"
        return self._jobs.ask(owner, wanted, title, seconds, key, lambda: self._check(owner, wanted))

    def faults(self, owner: str, wanted: TranscriptionRequest) -> list[FieldError]:
        """The faults of a request that only this server can see."""
        return self._submissions.checks(owner).of_asset(wanted.asset, SOUNDS, "asset")

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        """The words that were said. Raises `Conflict` while it is not known."""
        return self._jobs.result(owner, job_id, version)

    def _check(self, owner: str, wanted: TranscriptionRequest) -> None:
        raise_if_any(self.faults(owner, wanted))
        if not recognisers_of(self._store.workers()):
            raise Conflict("no_recogniser", NOBODY)

    def _view(self, job: Job, facts: HearFacts) -> dict[str, Any]:
        transcript = read_document(Transcript, self._stored(facts.transcript))
        srt, vtt = self._stored(facts.srt).decode(), self._stored(facts.vtt).decode()
        return transcription_view(job, facts, transcript, srt, vtt)

    def _stored(self, ref: ObjectRef) -> bytes:
        try:
            return self._storage.get_bytes(self._settings.assets_bucket, ref.key)
        except ObjectMissing:
            raise Unknown("no_longer_kept", "this transcription is no longer kept; ask for it again") from None
