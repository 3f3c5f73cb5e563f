"""Readiness: the parts of the system that a job would need and that are away."""

from common.errors import ReelwrightError
from common.jobs.store import RequestStore
from common.storage.port import Storage


def missing_parts(store: RequestStore, storage: Storage, services: set[str]) -> list[str]:
    """The parts that are away, in words; empty when all is well."""
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
