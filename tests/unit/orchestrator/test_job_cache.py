"""Stored objects as the reconciler reads them: what is gone, and what is not what was stored."""

import hashlib

from common.contracts.base import ObjectRef
from common.storage.memory import MemoryStorage
from orchestrator.job_cache import JobCaches

BUCKET = "assets"


def stored(storage: MemoryStorage, name: str, data: bytes) -> ObjectRef:
    storage.put_bytes(BUCKET, name, data, "application/json")
    return ObjectRef(key=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data), media_type="application/json")


def test_an_object_that_is_gone_or_damaged_is_told_and_the_others_are_kept() -> None:
    storage = MemoryStorage()
    good, flipped, gone = (stored(storage, name, b'{"words": []}') for name in ("good", "flipped", "gone"))
    storage.put_bytes(BUCKET, "flipped", b'{"words": {}}', "application/json")
    storage.delete(BUCKET, "gone")
    caches = JobCaches(storage, BUCKET)
    cache = caches.of("job_1")
    assert caches.read([good, flipped, gone], cache) == {"flipped", "gone"}
    assert cache.bodies == {"good": b'{"words": []}'}
