"""Promise 21: what Redis keeps is bounded. When the time of all jobs is over, keys and bytes are what they were."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from common.contracts.base import ObjectRef
from common.contracts.job import BATCH, INTERACTIVE, REGENERATE
from common.jobs.archive import archive, archived_jobs
from common.jobs.ids import new_job_ids
from common.jobs.store import JobStore, connect
from common.jobs.wishes import NewJob
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.memory import MemoryStorage
from orchestrator.cleanup.janitor import Janitor
from tests.support.ended_jobs import BUCKET, end, finish, make_ready
from tests.support.redis_server import redis_server
from tests.support.waiting import eventually

SOME = 50
"Jobs after which everything is as it will be: scripts are loaded, tables have their size."
OWNERS = 7
LANES = (INTERACTIVE, REGENERATE, BATCH)


class Held(NamedTuple):
    keys: set[str]
    size: int
    "In bytes."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    """On a Redis of its own: its memory is measured."""
    with redis_server(tmp_path) as server:
        jobs = connect(replace(Settings(), state_url=server.url), timeout=30.0)
        jobs.scripts.client.config_set("hz", 100)  # expired keys go sooner
        yield jobs
        jobs.close()


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_keys_and_bytes_return_to_what_they_were(store: JobStore, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.jobs.wishes.REQUEST_KEY_SECONDS", 1)
    live(store, SOME)
    before = at_rest(store)
    most = live(store, count)
    after = at_rest(store)
    print(f"{count} jobs: at most {most} bytes; before {before}, after {after}")
    assert after.keys <= before.keys
    assert most - before.size > 1_000 * count, "the jobs took so little that nothing was measured"
    assert after.size - before.size < (most - before.size) / 50


def live(store: JobStore, count: int) -> int:
    """So many jobs come, run to all kinds of ends, are archived and forgotten. Returns the most bytes Redis had."""
    storage = MemoryStorage()
    settings = replace(Settings(), keep_job_seconds=0.0)
    janitor = Janitor(settings, store, storage)
    names = new_job_ids(count)
    for number, name in enumerate(names):
        owner, lane = f"owner-{number % OWNERS}", LANES[number % len(LANES)]
        request = ObjectRef(key=f"{owner}/request/{name}", sha256="0" * 64, size=1, media_type="application/json")
        job = NewJob(name, request, timeout=600.0, lane=lane, title="Waves", metadata={"number": number})
        store.create(owner, [job], answer=name, request_key=name, request_digest="d")
        store.admit(0)
        if number % 4 == 3:
            give_up(store, name, number)
        else:
            finish(store, MemoryStorage(), name, reuse=1)
        if number % 5 == 4:
            assert archive(store, storage, settings, name)
            assert store.resume(name) in ("ok", "completed")
            store.admit(0)
            end_if_running(store, name)
        dispatch(store)
    most = int(store.scripts.client.info("memory")["used_memory"])
    while janitor.tidy():
        pass
    eventually(lambda: janitor.tidy() == 0 and all(not store.jobs(f"owner-{one}", "", 1) for one in range(OWNERS)))
    assert sum(len(archived_jobs(storage, BUCKET, f"owner-{one}", "", count)) for one in range(OWNERS)) == count
    return most


def give_up(store: JobStore, name: str, number: int) -> None:
    """Steps are ready, one is hinted and claimed, and then the job is cancelled."""
    make_ready(store, name, "mix")
    make_ready(store, name, "speak:s1")
    if number % 8 == 3:
        dispatch(store)
        store.claim(name, "mix", nonce="n", worker="w", lease=1.0, queue="render", toolchains=[""])
    store.wish_cancel(name)
    end_if_running(store, name)


def dispatch(store: JobStore) -> None:
    store.dispatch(dict.fromkeys(QUEUES, 10), 1.0)


def end_if_running(store: JobStore, name: str) -> None:
    job = store.load(name)
    assert job is not None
    if job.terminal:
        return
    unready = {step: "render" if step == "mix" else "speech" for step, one in job.steps.items() if one.state == "ready"}
    end(store, name, "cancelled", unready=unready)


def at_rest(store: JobStore) -> Held:
    """What there is once all that has a time to live is gone."""
    client = store.scripts.client
    eventually(lambda: not any(client.scan_iter(match="request:*")) and not any(client.scan_iter(match="work:*")))
    client.delete("wake")
    sizes: list[int] = []

    def steady() -> bool:
        sizes.append(int(client.info("memory")["used_memory"]))
        return len(sizes) > 20 and max(sizes[-20:]) - min(sizes[-20:]) < 1_000

    eventually(steady)
    keys = {str(key) for key in client.scan_iter(count=1000)}
    return Held(keys, sizes[-1])
