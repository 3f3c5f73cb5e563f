"""Writes of the reconciler: who is let in, what is decided for a job, and which steps are hinted at."""

import json
from collections.abc import Mapping
from typing import Any

from common.contracts.job import WAITING, Change, Job, Step
from common.contracts.names import StepName
from common.jobs.reads import Reads
from common.jobs.scripts import milliseconds
from common.jobs.workers import Workers

SHORTEST_SLEEP = 0.01
"Seconds; to Redis 0 is for ever."
PAGE = 500
NO_STEP = Step("")


class Decisions(Reads, Workers):
    """The writes of the reconciler, and its reads. Several reconcilers may run."""

    def admit(self, places: int) -> int:
        """Lets waiting jobs in, up to `places` running ones per lane (0: any number). Returns how many."""
        return int(self.scripts.run("admit", places))

    def take_due(self, limit: int, hold: float) -> list[str]:
        """Jobs that are to be looked at now; each is due again after `hold` seconds, unless it is saved before."""
        return list(self.scripts.run("take", "due", limit, milliseconds(hold)))

    def look_later(self, job_id: str, seconds: float) -> None:
        """Puts off the next look at a job, unless it is due even later."""
        self.scripts.run("look_later", job_id, milliseconds(seconds))

    def save(self, job: Job, change: Change, ending: Mapping[str, Any] | None = None) -> bool:
        """Saves a decision made for `job`; False when the job has changed under it since it was loaded.

        `ending` goes into the record of the version.
        """
        seen = {name: job.steps.get(name, NO_STEP) for name in change.steps}
        # A look that changes nothing has the time to repair what got lost; any other only moves what it changed.
        ready = {name: queue for name, queue in change.ready.items() if name in change.steps or not change.steps}
        decision = {
            "rev": job.rev,
            "token": job.token,
            "saved": job.decisions,
            "version": job.version,
            "cancel": int(job.cancel),
            "head": dict(change.head),
            "waiting": _kinds_waiting(job, change),
            "steps": {name: dict(patch) for name, patch in change.steps.items()},
            "seen": {name: [step.state if step is not NO_STEP else "", step.token] for name, step in seen.items()},
            "specs": dict(change.specs),
            "ready": ready,
            "unready": dict(change.unready),
            "events": [{"type": kind, "data": json.dumps(data)} for kind, data in change.events],
            "known": [f"work:{job.owner}:{fingerprint}" for fingerprint in change.forget],
            "ending": dict(ending or {}),
            "look": change.look,
        }
        return self.scripts.run("save", job.id, json.dumps(decision)) == 1

    def dispatch(self, rooms: Mapping[str, int], again: float) -> list[tuple[str, str, str]]:
        """Picks steps to hint, fairly, up to so many for each queue: queue, job and step of each pick.

        None of them is picked again for `again` seconds.
        """
        free = [part for queue, room in rooms.items() if room > 0 for part in (queue, room)]
        flat = self.scripts.run("dispatch", milliseconds(again), *free) if free else []
        return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))

    def wait_for_wake(self, seconds: float) -> None:
        """Sleeps until a script wakes the reconcilers or the next job is due, at most `seconds`."""
        first, now = self.scripts.ask_with_time(lambda pipe: pipe.zrange("due", 0, 0, withscores=True))
        pause = min(seconds, (first[0][1] - now) / 1000) if first else seconds
        if pause > 0:
            self.scripts.ask(lambda client: client.blpop(["wake"], timeout=max(pause, SHORTEST_SLEEP)))

    def purge(self, job_id: str) -> None:
        """Takes a job that has ended, or has no record, off the lists of those that run."""
        self.scripts.run("purge", job_id)

    def overlooked(self) -> bool:
        """True if some active job has no next look: what was due got lost."""

        def count(client: Any) -> Any:
            with client.pipeline(transaction=True) as pipe:
                return pipe.zcard("due").scard("active").execute()

        due, active = self.scripts.ask(count)
        return bool(due < active)

    def revive(self) -> int:
        """Gives every active job back what it lost: its next look, its place. Returns how many jobs are active."""
        count = 0
        for jobs in self.scripts.in_batches(lambda client: client.sscan_iter("active", count=PAGE), PAGE):
            self.scripts.run("revive", *jobs)
            count += len(jobs)
        for owners in self.scripts.in_batches(lambda client: client.sscan_iter("owners", count=PAGE), PAGE):
            self.scripts.run("mend", *owners)
        return count


def _kinds_waiting(job: Job, change: Change) -> str:
    """The kinds of which steps wait for others once the change is made, separated by spaces."""
    states = {name: step.state for name, step in job.steps.items()}
    states |= {name: patch["state"] for name, patch in change.steps.items() if "state" in patch}
    return " ".join(sorted({StepName(name).kind for name, state in states.items() if state == WAITING}))
