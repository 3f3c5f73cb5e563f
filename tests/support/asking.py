"""Short ways to ask the store what only tests ask in this form."""

from common.jobs.store import JobStore


def dispatch(store: JobStore, queue: str, room: int, again: float) -> list[tuple[str, str]]:
    """Job and step of up to `room` picks; none of them is picked again for `again` seconds."""
    return [(job_id, step) for _, job_id, step in store.dispatch({queue: room}, again)]


def awaits_archive(store: JobStore, job_id: str) -> bool:
    return store.scripts.client.zscore("archive", job_id) is not None


def active_count(store: JobStore, owner: str) -> int:
    """How many of the owner's jobs have not ended."""
    return int(store.scripts.client.scard(f"active:{owner}"))
