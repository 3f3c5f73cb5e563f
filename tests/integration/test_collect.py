"""Mark and sweep: what anybody can still ask for stays, all else goes, and not a moment too soon."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.contracts.base import ObjectRef
from common.contracts.job import Job, WorkerInfo
from common.contracts.kinds import STEP_KINDS
from common.errors import StorageUnavailable
from common.jobs.archive import archive, read_manifest
from common.jobs.reopening import Revision
from common.jobs.store import JobStore
from common.jobs.wishes import NewJob
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.storage.port import Stored
from common.storage.s3 import S3Storage
from common.storage.verified import put_verified
from orchestrator.cleanup import collect
from orchestrator.cleanup.collect import Collector, Tally
from tests.support.api_server import ROOT, as_environment
from tests.support.ended_jobs import (
    BUCKET,
    PARTS,
    UPLOAD,
    end,
    facts_of,
    finish,
    keys,
    load,
    make_job,
    make_ready,
    put,
    put_document,
    run_step,
    save,
)
from tests.support.s3_server import put_aged, s3_server
from tests.support.waiting import eventually

DAY = 24 * 3600.0
MONTH = 30 * DAY
JSON = "application/json"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(clock: Clock) -> MemoryStorage:
    return MemoryStorage(clock)


@pytest.fixture
def settings(quick: Settings) -> Settings:
    return replace(quick, keep_job_seconds=0.0, collect_grace_seconds=DAY, keep_parts_seconds=MONTH)


@pytest.fixture
def collector(store: JobStore, storage: MemoryStorage, settings: Settings, clock: Clock) -> Collector:
    return Collector(store, storage, settings, clock)


@pytest.fixture
def later(clock: Clock) -> Callable[[float], None]:
    def go(seconds: float) -> None:
        clock.now += seconds + 1

    return go


Later = Callable[[float], None]


def forget_everything(store: JobStore) -> None:
    """As if the time of all archived jobs, and of all known results, was over."""
    eventually(lambda: [store.forget(job) for job in store.expired(100)] == [])
    for key in store.scripts.client.scan_iter("work:*"):
        store.scripts.client.delete(key)


def revise(store: JobStore, job_id: str, edit: ObjectRef | None = None) -> None:
    """A new version, which is let in."""
    job = load(store, job_id)
    assert job.storyboard is not None
    cause = "edit" if edit is not None else "restore"
    assert store.revise(job_id, job.version, Revision(cause, job.storyboard, edit)) == "ok"
    store.admit(0)


def removed(tally: Tally) -> dict[str, int]:
    return {kind: heap.objects for kind, heap in tally.removed.items()}


def upload(storage: MemoryStorage, name: str, owner: str = "local") -> set[str]:
    folder = f"{owner}/asset/{name}"
    storage.put_bytes(BUCKET, f"{folder}/media", b"media", "video/mp4")
    storage.put_bytes(BUCKET, f"{folder}/about.json", b"{}", JSON)
    return {f"{folder}/media", f"{folder}/about.json"}


# what goes


def test_litter_goes_once_it_is_old_enough(storage: MemoryStorage, collector: Collector, later: Later) -> None:
    put(storage, "segment", b"left by a killed worker")
    later(DAY / 2)
    put(storage, "segment", b"being written")
    assert removed(collector.collect()) == {}
    later(DAY / 2)
    tally = collector.collect()
    assert removed(tally) == {"segment": 1}
    assert tally.removed["segment"].size == len(b"left by a killed worker")
    assert tally.kept["segment"].objects == 1
    assert len(keys(storage)) == 1


def test_what_we_did_not_name_is_not_ours_to_remove(storage: MemoryStorage, collector: Collector, later: Later) -> None:
    named_as_ours = put(storage, "segment", b"x", owner="zoë").key
    strange = {named_as_ours, "readme.txt", "local/notes", "local/segment/x/y", "local/backup/0123/4567", "a/b/c/d/e"}
    for key in strange | {"local/batch/batch_1/batch.json", f"local/manifest/{'0' * 32}/99999998-00000000.json"}:
        storage.put_bytes(BUCKET, key, b"{}", JSON)
    before = keys(storage)
    later(100 * MONTH)
    assert removed(collector.collect()) == {}
    assert keys(storage) == before


def test_other_buckets_are_left_alone(storage: MemoryStorage, collector: Collector, later: Later) -> None:
    key = put(storage, "segment", b"x").key
    storage.copy(BUCKET, key, "videos", key)
    later(DAY)
    assert removed(collector.collect()) == {"segment": 1}
    assert storage.get_bytes("videos", key) == b"x"


# what stays


def test_results_known_for_reuse_stay(
    store: JobStore, storage: MemoryStorage, collector: Collector, later: Later
) -> None:
    ref = put(storage, "narration", b"voice")
    store.seed_work("local", {"0" * 32: json.dumps({"audio": ref.model_dump()})}, 600)
    later(MONTH)
    assert removed(collector.collect()) == {}
    store.scripts.client.delete(f"work:local:{'0' * 32}")
    assert removed(collector.collect()) == {"narration": 1}


def test_everything_a_job_in_redis_names_stays(
    store: JobStore, storage: MemoryStorage, collector: Collector, later: Later
) -> None:
    job_id = make_job(store, storage).id
    for name, facts in facts_of(storage, "local", "x").items():
        run_step(store, job_id, name, facts)
    running = put(storage, "footage", b"input of a running step")
    make_ready(store, job_id, "segment:s2.0", spec=json.dumps({"media": running.model_dump()}))
    for key in store.scripts.client.scan_iter("work:*"):
        store.scripts.client.delete(key)
    before = keys(storage)
    later(3 * MONTH)
    assert removed(collector.collect()) == {}
    assert keys(storage) == before


def test_everything_an_archived_job_names_stays_for_a_while(
    store: JobStore, storage: MemoryStorage, settings: Settings, collector: Collector, later: Later
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    archive(store, storage, settings, job.id)
    forget_everything(store)
    before = keys(storage)
    later(MONTH - DAY)
    assert removed(collector.collect()) == {}
    assert keys(storage) == before


def test_later_only_what_was_ordered_stays_of_every_version(
    store: JobStore, storage: MemoryStorage, settings: Settings, collector: Collector, later: Later
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    archive(store, storage, settings, job.id)
    revise(store, job.id, put_document(storage, "edit", job.request))
    finish(store, storage, job.id)
    archive(store, storage, settings, job.id)
    forget_everything(store)
    before = keys(storage)
    assert {key.split("/")[1] for key in before} > PARTS
    later(MONTH)
    collector.collect()
    assert keys(storage) == {key for key in before if key.split("/")[1] not in PARTS}
    for version in (1, 2):
        manifest = read_manifest(storage, BUCKET, "local", job.id, version)
        assert manifest is not None
        film = manifest.job.versions[version]
        for ref in (film.video, film.thumbnail, film.storyboard, manifest.job.request):
            assert ref is not None
            assert storage.size(BUCKET, ref.key) == ref.size


def test_a_job_that_runs_again_keeps_its_parts_however_old_they_are(
    store: JobStore, storage: MemoryStorage, settings: Settings, collector: Collector, later: Later
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    archive(store, storage, settings, job.id)
    forget_everything(store)
    manifest = read_manifest(storage, BUCKET, "local", job.id)
    assert manifest is not None
    assert store.put_back(job.id, "local", manifest.fields)
    revise(store, job.id)
    before = keys(storage)
    later(MONTH)
    assert removed(collector.collect()) == {}
    assert keys(storage) == before


@pytest.mark.parametrize("kept", [DAY / 2, 2 * DAY, MONTH])
def test_parts_are_kept_as_long_as_the_setting_says_and_no_longer(
    store: JobStore, storage: MemoryStorage, settings: Settings, clock: Clock, later: Later, kept: float
) -> None:
    """However long results are known for reuse, and however long the job stays in Redis."""
    settings = replace(settings, keep_parts_seconds=kept, keep_job_seconds=2 * MONTH, collect_grace_seconds=DAY / 2)
    seconds = {name: kind.known_for(kept) for name, kind in STEP_KINDS.items()}
    assert max(seconds.values()) <= kept
    job = finish(store, storage, make_job(store, storage).id, reuse=min(7 * 24 * 3600, int(kept)))
    archive(store, storage, settings, job.id)
    before, collector = keys(storage), Collector(store, storage, settings, clock)
    clock.now += kept
    assert removed(collector.collect()) == {}
    for key in store.scripts.client.scan_iter("work:*"):
        assert store.scripts.client.ttl(key) <= kept
        store.scripts.client.delete(key)  # as if that time was over
    later(0)
    collector.collect()
    assert store.load(job.id) == job
    assert keys(storage) == {key for key in before if key.split("/")[1] not in PARTS}


def test_a_manifest_that_is_none_keeps_what_it_names(
    storage: MemoryStorage, collector: Collector, later: Later
) -> None:
    ref = put(storage, "segment", b"x")
    folder = f"local/manifest/{'0' * 32}"
    storage.put_bytes(BUCKET, f"{folder}/99999998-00000000.json", f'{{"record": ["{ref.key}"'.encode(), JSON)
    later(2 * MONTH)
    assert removed(collector.collect()) == {}


def test_one_owner_does_not_keep_what_is_anothers(
    store: JobStore, storage: MemoryStorage, collector: Collector, later: Later
) -> None:
    mine, theirs = (put(storage, "segment", b"the same", owner) for owner in ("mine", "mine-too"))
    store.seed_work("mine", {"0" * 32: json.dumps(mine.model_dump())}, 600)
    later(DAY)
    assert removed(collector.collect()) == {"segment": 1}
    assert keys(storage) == {mine.key}
    assert theirs.key not in keys(storage)


# uploads


def test_uploads_stay_while_a_job_uses_them_and_a_month_if_none_ever_does(
    store: JobStore, storage: MemoryStorage, settings: Settings, collector: Collector, later: Later
) -> None:
    music, clip, unused = (upload(storage, f"{UPLOAD}{digit}") for digit in "123")
    job = make_job(store, storage, music=f"{UPLOAD}1")
    later(MONTH - DAY)
    assert removed(collector.collect()) == {}
    later(DAY)
    # The clip is wanted by an edit only, the music by the request.
    finish(store, storage, job.id, shot_media=f"{UPLOAD}2")
    assert removed(collector.collect()) == {"asset": 2}
    archive(store, storage, settings, job.id)
    forget_everything(store)
    later(12 * MONTH)
    collector.collect()
    assert keys(storage, "local/asset/") == music | clip
    assert not unused & keys(storage)


# the race against jobs


class Meddling(MemoryStorage):
    """Calls `meddle` once, when a listing of the bucket has come to its end."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.meddle: Callable[[], None] = lambda: None

    def list(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
        rows = list(super().list(bucket, prefix, after))
        yield from rows
        if not prefix and rows:
            meddle, self.meddle = self.meddle, lambda: None
            meddle()


@pytest.fixture
def meddling(clock: Clock) -> Meddling:
    return Meddling(clock)


def test_what_a_job_comes_to_use_after_the_marking_stays(
    store: JobStore, meddling: Meddling, settings: Settings, clock: Clock, later: Later
) -> None:
    old, litter = put(meddling, "segment", b"old"), put(meddling, "segment", b"litter")
    job_id = make_job(store, meddling).id
    later(DAY)
    meddling.meddle = lambda: save(store, job_id, {"storyboard": old.model_dump_json()})
    assert removed(Collector(store, meddling, settings, clock).collect()) == {"segment": 1}
    assert old.key in keys(meddling)
    assert litter.key not in keys(meddling)


def test_an_upload_that_is_made_again_after_the_marking_stays(
    store: JobStore, meddling: Meddling, settings: Settings, clock: Clock, later: Later
) -> None:
    upload(meddling, f"{UPLOAD}1")
    later(MONTH)
    meddling.meddle = lambda: upload(meddling, f"{UPLOAD}1") and None
    assert removed(Collector(store, meddling, settings, clock).collect()) == {}
    assert len(keys(meddling)) == 2


def test_a_request_that_is_sent_again_keeps_its_body_however_old_that_was(
    store: JobStore, meddling: Meddling, settings: Settings, clock: Clock, later: Later
) -> None:
    """A body that no job came of is litter, until somebody asks for the very same thing."""
    old = make_job(store, meddling, job_id=f"job_{'0' * 32}")
    forget_completely(store, old)
    later(10 * DAY)
    collector = Collector(store, meddling, settings, clock)
    meddling.meddle = lambda: make_job(store, meddling, job_id=old.id) and None
    assert removed(collector.collect()) == {}
    assert load(store, old.id).request == old.request
    forget_completely(store, old)
    assert removed(collector.collect()) == {}, "it was stored anew, so its grace begins anew"
    later(DAY)
    assert removed(collector.collect()) == {"request": 1}


def test_what_a_job_that_is_made_after_the_marking_names_stays(
    store: JobStore, meddling: Meddling, settings: Settings, clock: Clock, later: Later
) -> None:
    """Even if it was not stored anew."""
    request, litter = put(meddling, "request", b"{}"), put(meddling, "edit", b"{}")
    later(10 * DAY)
    new = NewJob(f"job_{'0' * 32}", request, timeout=600.0)
    meddling.meddle = lambda: store.create("local", [new], answer=new.id) and None
    assert removed(Collector(store, meddling, settings, clock).collect()) == {"edit": 1}
    assert request.key in keys(meddling)
    assert litter.key not in keys(meddling)


def forget_completely(store: JobStore, job: Job) -> None:
    """As if it had never been accepted."""
    store.scripts.client.delete(f"job:{job.id}", f"job:{job.id}:ev")
    store.purge(job.id)


# trouble


class Failing(MemoryStorage):
    """Cannot read documents of the kind `broken`."""

    broken = "nothing"

    def get_bytes(self, bucket: str, key: str) -> bytes:
        if f"/{self.broken}/" in key:
            raise StorageUnavailable("the object store does not answer")
        return super().get_bytes(bucket, key)


@pytest.mark.parametrize("broken", ["manifest", "request", "storyboard"])
def test_nothing_is_removed_when_something_could_not_be_read(
    store: JobStore, settings: Settings, clock: Clock, later: Later, broken: str
) -> None:
    storage = Failing(clock)
    archived = finish(store, storage, make_job(store, storage).id)
    archive(store, storage, settings, archived.id)
    running = make_job(store, storage).id
    for name, facts in facts_of(storage, "local", "y").items():
        run_step(store, running, name, facts)
    put(storage, "segment", b"litter")
    before = keys(storage)
    later(DAY)
    storage.broken = broken
    collector = Collector(store, storage, settings, clock)
    with pytest.raises(StorageUnavailable):
        collector.collect()
    assert keys(storage) == before
    storage.broken = "nothing"
    assert removed(collector.collect()) == {"segment": 1}


def test_a_document_that_is_gone_keeps_nothing_from_being_collected(
    store: JobStore, storage: MemoryStorage, collector: Collector, later: Later
) -> None:
    job = make_job(store, storage)
    storage.delete(BUCKET, job.request.key)
    put(storage, "segment", b"litter")
    later(DAY)
    assert removed(collector.collect()) == {"segment": 1}


# effort


class Counting(MemoryStorage):
    reads = 0

    def get_bytes(self, bucket: str, key: str) -> bytes:
        self.reads += 1
        return super().get_bytes(bucket, key)


def test_a_manifest_is_read_once(store: JobStore, settings: Settings, clock: Clock, later: Later) -> None:
    storage = Counting(clock)
    for _ in range(5):
        job = finish(store, storage, make_job(store, storage).id)
        archive(store, storage, settings, job.id)
    forget_everything(store)
    collector = Collector(store, storage, settings, clock)
    storage.reads = 0
    for _ in range(3):
        later(DAY)
        put(storage, "segment", b"litter")
        collector.collect()
    assert storage.reads == 5
    before = keys(storage)
    later(MONTH)
    collector.collect()
    assert storage.reads == 5
    assert keys(storage) < before


def test_litter_is_removed_some_at_a_time_and_looked_for_anew_each_time(
    store: JobStore, meddling: Meddling, settings: Settings, clock: Clock, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_LITTER", 3)
    refs = [put(meddling, "segment", f"litter {number}".encode()) for number in range(10)]
    last = max(refs, key=lambda ref: ref.key)
    kept = [put(meddling, "mix", b"used").key, last.key]
    job_id = make_job(store, meddling).id
    save(store, job_id, {"storyboard": refs[0].model_copy(update={"key": kept[0]}).model_dump_json()})
    later(DAY)
    meddling.meddle = lambda: save(store, job_id, {"base": last.model_dump_json()})
    tally = Collector(store, meddling, settings, clock).collect()
    assert removed(tally) == {"segment": 9}
    assert {kind: heap.objects for kind, heap in tally.kept.items()} == {"segment": 1, "mix": 1, "request": 1}
    assert keys(meddling) >= set(kept)


class Endless(MemoryStorage):
    """A bucket with the manifests of so many jobs, which are made up when asked for. Nothing is held."""

    jobs = 0

    def list(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
        for number in range(self.jobs):
            key = f"local/manifest/{number:032x}/99999998-99999999.json"
            if key > after and key.startswith(prefix):
                yield Stored(key, 1_000, 0.0)
        for number in range(self.jobs * 2):
            key = f"local/segment/{number:032x}/{'0' * 64}"
            if key > after and key.startswith(prefix):
                yield Stored(key, 1_000, 0.0)

    def get_bytes(self, bucket: str, key: str) -> bytes:
        first = 20 * int(key.split("/")[2], 16)
        names = [f"local/segment/{number:032x}/{'0' * 64}" for number in range(first, first + 20)]
        return json.dumps({"record": {"step:assemble": json.dumps(names)}, "uploads": []}).encode()


def test_memory_does_not_grow_with_jobs_objects_and_litter(
    store: JobStore, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_LITTER", 100)
    storage, most = Endless(), {}
    for jobs in (100, 1_000):
        storage.jobs = jobs
        collector = Collector(store, storage, settings, clock)
        for _ in range(2):
            tracemalloc.start()
            collector.collect(dry_run=True)
            most[jobs] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    # A thousand jobs name 20,000 objects; ever so few bytes for each would show.
    assert most[1_000] - most[100] < 100_000, most


def test_a_dry_run_tells_the_same_and_removes_nothing(
    store: JobStore, storage: MemoryStorage, collector: Collector, later: Later
) -> None:
    make_job(store, storage)
    for number in range(3):
        put(storage, "footage", b"x" * (number + 1))
    later(DAY)
    before = keys(storage)
    told = collector.collect(dry_run=True)
    assert keys(storage) == before
    assert removed(told) == {"footage": 3}
    assert collector.collect() == told
    assert len(keys(storage)) == 1


# on real storage


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


def test_the_command_collects_on_real_storage(
    store: JobStore, settings: Settings, s3: Settings, tmp_path: Path
) -> None:
    storage = S3Storage(s3)
    jobs = [finish(store, storage, make_job(store, storage).id) for _ in range(3)]
    for job in jobs[:2]:
        archive(store, storage, settings, job.id)
    running = make_job(store, storage).id
    for name, facts in facts_of(storage, "local", "running").items():
        run_step(store, running, name, facts)
    end(store, make_job(store, storage).id)
    for key in keys(storage):
        put_aged(storage, BUCKET, key, storage.get_bytes(BUCKET, key), 2 * DAY)
    before = keys(storage)
    young = put(storage, "segment", b"being written")  # type: ignore[arg-type]
    for number in range(5):
        ref = put(storage, "segment", f"litter {number}".encode())
        put_aged(storage, BUCKET, ref.key, b"litter", 2 * DAY)
    env = as_environment(replace(settings, s3_endpoint=s3.s3_endpoint))
    store.register(WorkerInfo("w", "renderer", 1, {"offers": {"mix": "1"}}), 600)
    with_litter = keys(storage)

    def command(*options: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator.collect", *options],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert done.stderr == ""
        return [line.split()[-2] for line in done.stdout.splitlines() if line.startswith("segment ")]

    assert command("--dry-run") == ["5"]
    assert keys(storage) == with_litter
    assert command() == ["5"]
    assert keys(storage) == before | {young.key}
    assert command() == ["0"]


def test_the_command_tells_what_is_wrong_and_removes_nothing(store: JobStore, settings: Settings, s3: Settings) -> None:
    storage = S3Storage(s3)
    put_aged(storage, BUCKET, put(storage, "segment", b"litter").key, b"litter", 2 * DAY)
    here = replace(settings, s3_endpoint=s3.s3_endpoint)
    assert complaint(here).startswith("collect: STATE_URL leads to a Redis where no worker was seen")
    store.register(WorkerInfo("w", "renderer", 1, {"offers": {"mix": "1"}}), 600)
    nowhere = "http://127.0.0.1:1"
    assert complaint(replace(here, s3_endpoint=nowhere)).startswith("collect: the object store does not answer")
    assert complaint(replace(here, state_url=nowhere.replace("http", "redis"))).startswith("collect: the state store")
    assert len(keys(storage, "local/segment/")) >= 1


def complaint(settings: Settings) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.collect"],
        cwd=ROOT,
        env=as_environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_what_is_put_again_on_real_storage_is_young_again(store: JobStore, settings: Settings, s3: Settings) -> None:
    storage = S3Storage(s3)
    for key in keys(storage):
        storage.delete(BUCKET, key)
    again, litter = put(storage, "request", b"asked again"), put(storage, "request", b"asked once")
    for ref, data in ((again, b"asked again"), (litter, b"asked once")):
        put_aged(storage, BUCKET, ref.key, data, 2 * DAY)

    class Late(S3Storage):
        """Somebody puts the same bytes there right before they are removed."""

        def list(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
            if prefix == again.key:
                put_verified(storage, bucket, again.key, b"asked again", JSON)
            return super().list(bucket, prefix, after)

    assert removed(Collector(store, Late(s3), settings).collect()) == {"request": 1}
    assert keys(storage) == {again.key}
    assert removed(Collector(store, storage, settings).collect()) == {}, "its grace begins anew"
