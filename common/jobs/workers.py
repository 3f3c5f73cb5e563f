"""The services that are alive, as they register themselves."""

import json
from typing import Any

from common.contracts.job import WorkerInfo
from common.jobs.record import worker_of
from common.jobs.scripts import Part, milliseconds

SEEN_MS = 24 * 3600 * 1000
"A toolchain that no worker has any more is remembered for so long."


class Workers(Part):
    """The register of workers, each of which must renew its entry."""

    def register(self, worker: WorkerInfo, seconds: float) -> None:
        """Enters the worker as alive for the next `seconds`."""
        now = self.scripts.now()
        about = json.dumps({"service": worker.service, "slots": worker.slots, "engines": dict(worker.engines)})
        seen = {f"{kind} {chain}": now for kind, chains in worker.toolchains.items() for chain in chains}

        def write(client: Any) -> None:
            with client.pipeline(transaction=True) as pipe:
                pipe.zadd("workers", {worker.id: now + milliseconds(seconds)})
                pipe.hset("worker_info", worker.id, about)
                if seen:
                    pipe.zadd("offers", seen)
                    pipe.zremrangebyscore("offers", "-inf", now - SEEN_MS)
                pipe.execute()

        self.scripts.ask(write)

    def unregister(self, worker_id: str) -> None:
        """Removes the entry of a worker that ends."""
        self.scripts.ask(lambda client: (client.zrem("workers", worker_id), client.hdel("worker_info", worker_id)))

    def workers(self) -> list[WorkerInfo]:
        """The workers that live. Entries of dead ones are removed."""
        now = self.scripts.now()
        for dead in self.scripts.ask(lambda client: client.zrangebyscore("workers", "-inf", now)):
            self.unregister(dead)
        names = self.scripts.ask(lambda client: client.zrangebyscore("workers", f"({now}", "+inf"))
        if not names:
            return []
        rows = self.scripts.ask(lambda client: client.hmget("worker_info", names))
        return [worker_of(name, json.loads(row)) for name, row in zip(names, rows, strict=True) if row]

    def toolchains_seen(self) -> dict[str, dict[str, int]]:
        """When a worker with each toolchain was last seen: kind of step -> toolchain -> ms. Forgotten after a day."""
        seen: dict[str, dict[str, int]] = {}
        for member, time in self.scripts.ask(lambda client: client.zrange("offers", 0, -1, withscores=True)):
            kind, _, chain = member.partition(" ")
            seen.setdefault(kind, {})[chain] = int(time)
        return seen
