"""Many requests at once: all become jobs, or none does."""

from collections import Counter
from typing import Annotated, Any

from pydantic import Field

from api.errors import FieldError, Unknown, raise_if_any
from api.records import Records, digest_of
from api.submission import Submissions
from api.views.status import item_view
from common.contracts.base import Contract, fingerprint
from common.contracts.batch import Batch
from common.contracts.job_kinds import JobKind
from common.contracts.request import VideoRequest
from common.documents import JSON, document_json, read_document
from common.errors import ObjectMissing
from common.jobs.ids import BATCH_ID, new_batch_id, new_job_ids
from common.jobs.store import RequestStore
from common.jobs.wishes import KeyReused, TooManyJobs
from common.settings import Settings
from common.storage.port import Storage
from common.storage.verified import put_verified

MAX_REQUESTS = 100


class BatchRequest(Contract):
    requests: Annotated[tuple[VideoRequest, ...], Field(min_length=1, max_length=MAX_REQUESTS)]


class Batches:
    """The use cases of batches."""

    def __init__(
        self, store: RequestStore, storage: Storage, records: Records, submissions: Submissions, settings: Settings
    ) -> None:
        self._store, self._storage, self._records, self._submissions = store, storage, records, submissions
        self._bucket = settings.assets_bucket

    def faults(self, owner: str, wanted: BatchRequest) -> list[FieldError]:
        """The faults of the requests that only this server can see."""
        checks = self._submissions.checks(owner)
        return [
            error._replace(field=f"requests[{index}].{error.field}")
            for index, request in enumerate(wanted.requests)
            for error in checks.of_request(request)
        ]

    def accept(self, owner: str, wanted: BatchRequest, key: str = "") -> tuple[Batch, bool]:
        """Makes a job of every request; the same key gives the same batch again, which the second value says."""
        digest = fingerprint("batch", *map(digest_of, wanted.requests))
        if key and (known := self._store.answered(owner, key, digest)):
            return self._read(owner, known), True
        raise_if_any(self.faults(owner, wanted))
        batch = Batch(id=new_batch_id(), jobs=tuple(new_job_ids(len(wanted.requests))))
        pairs = zip(batch.jobs, wanted.requests, strict=True)
        jobs = [self._submissions.new_film(owner, name, request, JobKind.BATCH) for name, request in pairs]
        # Before its jobs: what is accepted can be followed, whatever dies in between.
        document = _key(owner, batch.id)
        put_verified(self._storage, self._bucket, document, document_json(batch).encode(), JSON)
        try:
            created = self._store.create(
                owner, jobs, answer=batch.id, request_key=key, request_digest=digest, limits=self._submissions.limits
            )
        except (KeyReused, TooManyJobs):
            self._storage.delete(self._bucket, document)
            raise
        if created.replayed:
            self._storage.delete(self._bucket, document)
            return self._read(owner, created.answer), True
        return batch, False

    def status(self, owner: str, batch_id: str) -> dict[str, Any]:
        """The state of every item, in the order of the requests."""
        batch = self._read(owner, batch_id)
        try:
            jobs = [self._records.job(owner, name) for name in batch.jobs]
        except Unknown as error:
            if error.code != "unknown_job":
                raise
            raise _unknown(batch_id) from None  # written, but then there was no room for its jobs
        return {
            "batch_id": batch_id,
            "total": len(jobs),
            "counts": dict(Counter(job.state for job in jobs)),
            "jobs": [{"index": index, **item_view(job, self._records.outline(job))} for index, job in enumerate(jobs)],
        }

    def _read(self, owner: str, batch_id: str) -> Batch:
        if not BATCH_ID.fullmatch(batch_id):
            raise _unknown(batch_id)
        try:
            return read_document(Batch, self._storage.get_bytes(self._bucket, _key(owner, batch_id)))
        except ObjectMissing:
            raise _unknown(batch_id) from None


def _key(owner: str, batch_id: str) -> str:
    return f"{owner}/batch/{batch_id}/batch.json"


def _unknown(batch_id: str) -> Unknown:
    return Unknown("unknown_batch", f"there is no batch {batch_id}")
