"""Promise 5: no 202 before the job is durable.

The connection between the API and Redis breaks at each byte of the conversation, in either direction. Redis writes to
disk before it answers, and is killed in the end: what was answered 202 is there afterwards, and whatever was not
can be sent again with the same key and makes exactly one job.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from api.http.app import create_app
from common.jobs.store import JobStore, connect
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.support.redis_server import RedisServer, redis_server
from tests.support.tcp_proxy import Fault, TcpProxy, tcp_proxy

ONE: dict[str, Any] = {"prompt": "Waves at dusk"}
ORDERS = {
    "/mcp/generate": ONE,
    "/mcp/batch": {"requests": [{**ONE, "seed": number} for number in range(3)]},
}
JOBS_OF = {"/mcp/generate": 1, "/mcp/batch": 3}
NO_FAULT = Fault()
STEP = 67
"Bytes from one cut to the next in the run of every day."


class Rig(NamedTuple):
    """The HTTP service, with a proxy between it and Redis."""

    folder: Path
    server: RedisServer
    proxy: TcpProxy
    client: FlaskClient
    far: JobStore

    def order(self, path: str, key: str, fault: Fault = NO_FAULT) -> list[str] | None:
        """Sends the order over a connection of its own. The jobs that were accepted; None for an honest refusal."""
        self.far.scripts.client.connection_pool.disconnect()
        self.proxy.reset(fault)
        reply = self.client.post(path, json=ORDERS[path], headers={"Idempotency-Key": key})
        assert reply.status_code in (202, 503), (fault, reply.text)
        if reply.status_code == 503:
            return None
        return [reply.json["job_id"]] if "job_id" in reply.json else [job["job_id"] for job in reply.json["jobs"]]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with redis_server(tmp_path, durable=True) as server, tcp_proxy(urlsplit(server.url).port or 0) as proxy:
        settings = replace(
            Settings(),
            state_url=f"redis://127.0.0.1:{proxy.port}/0",
            work_dir=str(tmp_path),
            max_queued_jobs=0,
            max_jobs_per_owner=0,
        )
        far = connect(settings)
        yield Rig(tmp_path, server, proxy, create_app(settings, far, MemoryStorage()).test_client(), far)
        far.close()


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("step", [STEP, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_whatever_breaks_what_was_accepted_is_there_after_a_power_cut(rig: Rig, path: str, step: int) -> None:
    assert rig.order(path, "first")
    to_server, to_client = rig.proxy.to_server, rig.proxy.to_client
    assert to_server > 500
    faults = [Fault(to_server=cut) for cut in range(0, to_server + step, step)]
    faults += [Fault(to_client=cut) for cut in range(0, to_client + 1, max(1, step // 8))]
    answers = {f"key-{number}": rig.order(path, f"key-{number}", fault) for number, fault in enumerate(faults)}
    accepted = {job for jobs in answers.values() for job in jobs or ()}
    refused = [key for key, jobs in answers.items() if jobs is None]
    assert accepted
    assert refused

    rig.server.process.kill()
    rig.server.process.wait()
    with redis_server(rig.folder, urlsplit(rig.server.url).port or 0, durable=True) as server:
        assert accepted <= sound_jobs(server)
        for key in refused:
            assert rig.order(path, key), "sent again, it is accepted"
        assert len(sound_jobs(server)) == JOBS_OF[path] * (1 + len(answers)), "a key made no job, or two"


def sound_jobs(server: RedisServer) -> set[str]:
    """Ids of all jobs. Each is there as a whole: with its record, on every list, and let in when asked."""
    store = connect(replace(Settings(), state_url=server.url), timeout=60.0)  # thousands are let in at once
    names = set(store.jobs("local", "", 100_000))
    client = store.scripts.client
    assert client.smembers("active") == client.smembers("active:local") == names
    assert {key.split(":")[1] for key in client.scan_iter("job:job_*", count=1000)} == names
    while store.admit(0):  # some at a time
        pass
    assert set(client.zrange("due", 0, -1)) == names
    for name in names:
        job = store.load(name)
        assert job is not None
        assert (job.state, job.version) == ("queued", 1)
        assert job.started > 0
        assert [event.data for event in store.events(name)] == [{"state": "queued"}]
    client.close()
    return names
