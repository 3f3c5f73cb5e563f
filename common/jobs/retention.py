"""Writes of the janitor, to jobs that have ended: archived, kept for a while, then forgotten."""

from collections.abc import Mapping

from common.jobs.reads import Reads
from common.jobs.scripts import milliseconds

COLLECTED = "collected"
"The key of the time (ms) when a collection of garbage began."


class Retention(Reads):
    """The writes of the janitor. No job is forgotten before it is archived."""

    def to_archive(self, limit: int, hold: float) -> list[str]:
        """Ended jobs without a manifest; each is given out again after `hold` seconds, until it is `archived`."""
        return list(self.scripts.run("take", "archive", limit, milliseconds(hold)))

    def record(self, job_id: str) -> dict[str, str] | None:
        """The raw fields of the record, for a manifest."""
        return self.scripts.ask(lambda client: client.hgetall(f"job:{job_id}")) or None

    def archived(self, job_id: str, rev: int, keep_seconds: float) -> bool:
        """Notes that revision `rev` of an ended job is in storage. False when the job has changed since."""
        return self.scripts.run("archived", job_id, rev, milliseconds(keep_seconds)) == 1

    def purge(self, job_id: str) -> None:
        """As `Decisions.purge`: takes a job that has ended, or has no record, off the lists of those that run."""
        self.scripts.run("purge", job_id)

    def expired(self, limit: int) -> list[str]:
        """Archived jobs whose time in Redis is over."""
        now = self.now()
        found = self.scripts.ask(lambda client: client.zrangebyscore("expiry", "-inf", now, start=0, num=limit))
        return list(found)

    def forget(self, job_id: str) -> bool:
        """Removes an archived job whose time is over. False when it must stay."""
        return self.scripts.run("forget", job_id) == 1

    def put_back(self, job_id: str, owner: str, fields: Mapping[str, str], keep_seconds: float = 86_400.0) -> bool:
        """Makes the record of a forgotten job anew. False when it is there."""
        flat = [part for pair in fields.items() for part in pair]
        return self.scripts.run("put_back", job_id, owner, milliseconds(keep_seconds), *flat) == 1

    def begin_collection(self, pause: float) -> bool:
        """True when nobody has begun a collection within `pause` seconds. Of several that ask, one hears so."""
        now = self.now()

        def is_time(last: str | None) -> bool:
            # Only when the last one began is remembered, so another pause counts at once.
            return now >= int(last or 0) + milliseconds(pause)

        if not is_time(self.scripts.ask(lambda client: client.get(COLLECTED))):
            return False
        # Whoever puts the new time in the place of the old one has the turn; the others find the new one.
        return is_time(self.scripts.ask(lambda client: client.set(COLLECTED, now, get=True)))
