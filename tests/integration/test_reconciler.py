"""The reconciler's loop by itself: what it does for all jobs when something around it fails, and what its
decisions tell the workers.
"""

import json
import threading

import pytest
from flask.testing import FlaskClient

from common.contracts.base import ObjectRef
from common.contracts.job import READY, WAITING, Job, WorkerInfo
from common.errors import StorageUnavailable
from common.jobs.claims import Claim
from common.jobs.store import JobStore
from common.jobs.wishes import NewJob
from common.messaging.app import BrokerUnavailable
from common.settings import Settings
from common.storage.memory import MemoryStorage
from orchestrator import reconciler
from orchestrator.reconciler import MOST_DEFECTS, Reconciler
from tests.integration.test_http import accepted
from tests.support.pipeline import Pipeline
from tests.support.ready import TOOLCHAINS
from tests.support.waiting import eventually

REQUEST = ObjectRef(key="local/request/a/b", sha256="0" * 64, size=1, media_type="application/json")


class NoBroker:
    """Hints while the broker is away."""

    def __init__(self) -> None:
        self.asked = 0

    def waiting(self, queue: str) -> int:
        self.asked += 1
        raise BrokerUnavailable("the broker takes no hints now")

    def send(self, queue: str, job_id: str, step: str) -> None:
        raise AssertionError("nothing is sent before it was asked how much waits")


class NoStorage(MemoryStorage):
    """An object store that is away."""

    def get_bytes(self, bucket: str, key: str) -> bytes:
        raise StorageUnavailable("the object store does not answer")


@pytest.fixture
def broker() -> NoBroker:
    return NoBroker()


@pytest.fixture
def loop(quick: Settings, store: JobStore, broker: NoBroker) -> Reconciler:
    store.register(WorkerInfo("o-1", "orchestrator", 2, {"offers": {"plan": "1"}}), 60)
    return Reconciler(quick, store, MemoryStorage(), broker)  # type: ignore[arg-type]


def test_jobs_end_while_no_hint_can_be_sent(loop: Reconciler, store: JobStore, broker: NoBroker) -> None:
    names = [f"job_{number}" for number in range(10)]
    store.create("local", [NewJob(name, REQUEST, 60) for name in names], answer="")
    for name in names:
        store.wish_cancel(name)
    for _ in range(3):
        loop.look()
    states = {job.state for name in names if (job := store.load(name)) is not None}
    assert states == {"cancelled"}
    assert broker.asked == 1, "a broker that is away is not asked at every look"


def test_a_job_that_can_never_be_decided_ends_and_the_others_go_on(
    loop: Reconciler, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("local", [NewJob("job_bad", REQUEST, 60), NewJob("job_good", REQUEST, 60)], answer="")
    store.wish_cancel("job_good")
    real = reconciler.decide

    def broken(job, *rest):  # type: ignore[no-untyped-def]
        if job.id == "job_bad":
            raise RuntimeError("a defect")
        return real(job, *rest)

    monkeypatch.setattr(reconciler, "decide", broken)
    monkeypatch.setattr(reconciler, "REST", 0)
    for _ in range(MOST_DEFECTS):
        store.scripts.client.zadd("due", {"job_bad": 0})
        loop.look()
    bad, good = store.load("job_bad"), store.load("job_good")
    assert bad is not None
    assert good is not None
    assert (bad.state, bad.failure.code if bad.failure else "") == ("failed", "internal_error")
    assert good.state == "cancelled"
    assert store.take_due(9, 1.0) == []


def test_the_loop_soon_notices_that_what_is_due_was_lost(
    quick: Settings, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "REVIVE_SECONDS", 3600.0)
    monkeypatch.setattr(reconciler, "S3Storage", lambda settings: NoStorage())  # so the job stays where it is
    stop = threading.Event()
    thread = threading.Thread(target=reconciler.reconcile, args=(quick, stop))
    thread.start()
    try:
        store.create("local", [NewJob("job_1", REQUEST, 60)], answer="")
        eventually(lambda: (store.scripts.client.zscore("due", "job_1") or 0) > store.now())
        store.scripts.client.delete("due")
        eventually(lambda: store.scripts.client.zscore("due", "job_1"))
    finally:
        stop.set()
        thread.join()


def test_a_segment_is_the_last_only_when_no_other_one_of_its_film_is_to_come(
    client: FlaskClient, quick: Settings, store: JobStore, storage: MemoryStorage
) -> None:
    pipeline = Pipeline(quick, store, storage)
    pipeline.held = ("segment:", "acquire:s3.")
    job_id = accepted(client, scenes=[{"show": "waves"}, {"show": "gulls"}, {"show": "harbour"}], transition="cut")

    def states(job: Job) -> list[str]:
        steps = (job.steps.get(name) for name in ("mix", "segment:s1.0", "segment:s2.0", "segment:s3.0"))
        return [step.state for step in steps if step is not None]

    def kinds_to_come() -> str:
        return str(json.loads(store.scripts.client.hget(f"job:{job_id}", "head"))["waiting"])

    def last(step: str) -> bool:
        claim = store.claim(
            job_id, step, nonce=step, worker="w", lease=60.0, queue="render", toolchains=TOOLCHAINS["segment"]
        )
        assert isinstance(claim, Claim), claim
        return claim.last

    pipeline.run(job_id, lambda job: states(job) == [WAITING, READY, READY, WAITING])
    assert kinds_to_come() == "assemble mix publish segment"
    assert [last("segment:s1.0"), last("segment:s2.0")] == [False, False]
    pipeline.held = ("segment:",)
    pipeline.run(job_id, lambda job: job.steps["segment:s3.0"].state == READY)
    assert kinds_to_come() == "assemble publish"
    assert last("segment:s3.0")


def test_the_sources_of_all_workers_come_in_order_of_preference_whether_the_table_knows_them_or_not() -> None:
    workers = [
        WorkerInfo("r-1", "retriever", 2, {"sources": ["attic", "scenery"]}),
        WorkerInfo("r-2", "retriever", 2, {"sources": ["folder", "pexels", "scenery"]}),
        WorkerInfo("o-1", "orchestrator", 2, {}),
    ]
    assert reconciler._fleet(workers, {}).sources == ("pexels", "folder", "attic", "scenery")
