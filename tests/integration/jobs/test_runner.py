"""The step runner with real leases: what it reports, and when it must keep silent."""

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from common.contracts.base import canonical_json
from common.contracts.job import FAILED, READY, RUNNING, Job
from common.contracts.steps import MixFacts, MixSpec, spec_fingerprint, spec_key
from common.contracts.timeline import Profile
from common.errors import BadMedia, StorageUnavailable, Throttled
from common.jobs.runner import StepRunner
from common.jobs.steprun import StepRun
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.integration.jobs.test_store import make, ready

SPEC = MixSpec(frames=30, profile=Profile(width=640, height=360), narrations=(), music=None, build="b")
WORK = spec_fingerprint("mix", SPEC)


@pytest.fixture
def storage() -> MemoryStorage:
    memory = MemoryStorage()
    memory.put_bytes("assets", spec_key("local", WORK), canonical_json(SPEC).encode(), "application/json")
    return memory


@pytest.fixture
def job(store: JobStore) -> Job:
    return ready(store, make(store), "mix", work=WORK)


def runner(quick: Settings, store: JobStore, storage: MemoryStorage, handler: Any) -> StepRunner:
    store.client.hset("job:job_1", "head", store.client.hget("job:job_1", "head").replace('"build":""', '"build":"b"'))
    return StepRunner(quick, store, storage, {"mix": handler}, build="b")


def facts(run: StepRun) -> MixFacts:
    return MixFacts(media=run.keep_bytes("mix", b"sound", "audio/mp4"), loudness=-14.0, true_peak=-1.5)


def step(store: JobStore) -> Any:
    job = store.load("job_1")
    assert job is not None
    return job.steps["mix"]


def test_a_finished_step_is_committed_and_its_scratch_folder_is_gone(
    quick: Settings, store: JobStore, storage: MemoryStorage, job: Job
) -> None:
    seen: list[Path] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        assert spec == SPEC
        seen.append(run.workdir)
        return facts(run)

    assert runner(quick, store, storage, handler).run("job_1", "mix") == "done"
    assert step(store).state == "done"
    assert not seen[0].exists()


def test_a_late_or_doubled_hint_does_nothing(
    quick: Settings, store: JobStore, storage: MemoryStorage, job: Job
) -> None:
    runs: list[int] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        runs.append(1)
        return facts(run)

    one = runner(quick, store, storage, handler)
    assert [one.run("job_1", "mix") for _ in range(3)] == ["done", "not_ready", "not_ready"]
    assert one.run("job_9", "mix") == "gone"
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (BadMedia("the music cannot be read"), "bad_media", False),
        (Throttled("slow down", 60.0), "throttled", True),
        (StorageUnavailable("the object store does not answer"), "storage_unavailable", True),
        (ZeroDivisionError("secret detail"), "internal_error", True),
    ],
)
def test_an_error_becomes_a_failure_that_a_person_can_read(
    quick: Settings, store: JobStore, storage: MemoryStorage, job: Job, error: Exception, code: str, retryable: bool
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        raise error

    assert runner(quick, store, storage, handler).run("job_1", "mix") == "failed"
    failure = step(store).failure
    assert step(store).state == FAILED
    assert (failure.code, failure.retryable) == (code, retryable)
    assert "secret detail" not in failure.message


def test_a_slow_step_keeps_its_lease(quick: Settings, store: JobStore, storage: MemoryStorage, job: Job) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        first = step(store).lease
        while step(store).lease < first + 2 * quick.lease_seconds * 1000:
            run.check()
        return facts(run)

    assert runner(quick, store, storage, handler).run("job_1", "mix") == "done"


def test_cancel_kills_the_child_of_a_running_step(
    quick: Settings, store: JobStore, storage: MemoryStorage, job: Job
) -> None:
    started = threading.Event()
    child: list[subprocess.Popen[bytes]] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        child.append(subprocess.Popen(["sleep", "600"]))
        run.adopt(child[0])
        started.set()
        child[0].wait()
        return facts(run)

    outcome: list[str] = []
    one = runner(quick, store, storage, handler)
    thread = threading.Thread(target=lambda: outcome.append(one.run("job_1", "mix")))
    thread.start()
    started.wait()
    store.wish_cancel("job_1")
    thread.join()
    assert outcome == ["called_off"]
    assert child[0].returncode == -9
    assert step(store).state == RUNNING  # ending the job is the decision's business


def test_a_worker_that_lost_its_lease_says_nothing(
    quick: Settings, store: JobStore, storage: MemoryStorage, job: Job
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        current = store.load("job_1")
        assert current is not None
        ready(store, current, "mix", work=WORK)  # somebody decided that the lease has run out
        return facts(run)

    assert runner(quick, store, storage, handler).run("job_1", "mix") in ("lost", "called_off")
    assert step(store).state == READY


def test_a_worker_that_cannot_renew_stops_itself_before_its_lease_ends(
    quick: Settings, store: JobStore, storage: MemoryStorage, job: Job
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        store.client.execute_command("CLIENT", "PAUSE", 4000, "ALL")  # Redis hears nothing for a while
        while True:
            run.check()

    assert runner(quick, store, storage, handler).run("job_1", "mix") == "called_off"
