"""What stays of an ended job: the manifest has all of it, comes first, and is found again."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from api.records import Records
from common.contracts.base import ObjectRef
from common.contracts.job import Event, Job
from common.documents import UnreadableDocument
from common.errors import ObjectMissing, StorageUnavailable
from common.jobs.archive import OtherRelease, archive, archived_events, archived_jobs, read_manifest
from common.jobs.ids import new_job_ids
from common.jobs.reopening import Revision
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.storage.port import Storage
from common.storage.s3 import S3Storage
from orchestrator.cleanup.janitor import Janitor, janitor
from tests.support.asking import awaits_archive
from tests.support.ended_jobs import BUCKET, UPLOAD, end, finish, keys, load, make_job
from tests.support.s3_server import s3_server
from tests.support.tcp_proxy import Fault, TcpProxy, tcp_proxy
from tests.support.waiting import eventually


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def settings(quick: Settings) -> Settings:
    return replace(quick, keep_job_seconds=0.0, collect_seconds=0.0)


def read(storage: Storage, job_id: str, version: int | None = None, owner: str = "local"):  # type: ignore[no-untyped-def]
    manifest = read_manifest(storage, BUCKET, owner, job_id, version)
    assert manifest is not None
    return manifest


def forgotten(store: JobStore, job_id: str) -> bool:
    return any(store.forget(one) for one in store.expired(100) if one == job_id)


# what a manifest holds


def test_a_manifest_has_everything_of_the_job(store: JobStore, storage: MemoryStorage, settings: Settings) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    record, events = store.record(job.id), store.events(job.id)
    assert archive(store, storage, settings, job.id)
    manifest = read(storage, job.id)
    assert manifest.job == job
    assert manifest.fields == record
    assert manifest.events == events
    assert [event.seq for event in manifest.events] == list(range(1, job.seq + 1))
    assert manifest.request is not None
    assert manifest.request.prompt == "Waves at dusk"
    assert manifest.storyboard is not None
    assert manifest.storyboard.scenes[0].shots[0].id == "s1.1"


def test_a_manifest_tells_where_pictures_came_from_and_how_long_steps_took(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    archive(store, storage, settings, job.id)
    document = read(storage, job.id).document
    assert document["format"] == 1
    assert document["provenance"]["s1.1"]["credit"] == "Video by Ada Example on Pexels"
    assert document["timings"].keys() == job.steps.keys()
    for step in document["timings"].values():
        assert step["runs"] == 1
        assert job.created <= step["ready"] <= step["started"] <= step["ended"] <= job.finished


def test_a_job_comes_back_from_its_manifest_exactly_as_it_was(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    record = store.record(job.id)
    archive(store, storage, settings, job.id)
    eventually(lambda: forgotten(store, job.id))
    assert store.record(job.id) is None
    assert store.put_back(job.id, "local", read(storage, job.id).fields)
    assert store.record(job.id) == record


def test_a_job_that_failed_before_it_was_planned_has_a_manifest_too(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = end(store, make_job(store, storage).id)
    assert archive(store, storage, settings, job.id)
    manifest = read(storage, job.id)
    assert (manifest.job.state, manifest.storyboard) == ("failed", None)


def test_documents_that_are_gone_do_not_keep_a_job_from_being_archived(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    assert job.storyboard is not None
    for ref in (job.request, job.storyboard):
        storage.delete(BUCKET, ref.key)
    assert archive(store, storage, settings, job.id)
    manifest = read(storage, job.id)
    assert (manifest.request, manifest.storyboard, manifest.job) == (None, None, job)


def test_a_manifest_names_the_uploads_that_the_job_used(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = make_job(store, storage, music=f"{UPLOAD}1")
    finish(store, storage, job.id, shot_media=f"{UPLOAD}2")
    archive(store, storage, settings, job.id)
    assert read(storage, job.id).document["uploads"] == [f"{UPLOAD}1", f"{UPLOAD}2"]


# when it is written


def test_a_job_that_runs_is_not_archived(store: JobStore, storage: MemoryStorage, settings: Settings) -> None:
    job = make_job(store, storage)
    before = keys(storage)
    assert not archive(store, storage, settings, job.id)
    assert keys(storage) == before


def test_a_job_without_a_record_is_taken_off_the_list(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = end(store, make_job(store, storage).id)
    store.scripts.client.delete(f"job:{job.id}")
    assert store.to_archive(10, 0.0) == [job.id]
    assert not archive(store, storage, settings, job.id)
    assert store.to_archive(10, 0.0) == []


def test_archiving_twice_comes_to_the_same(store: JobStore, storage: MemoryStorage, settings: Settings) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    assert archive(store, storage, settings, job.id)
    before = {key: storage.get_bytes(BUCKET, key) for key in keys(storage)}
    assert archive(store, storage, settings, job.id)
    assert {key: storage.get_bytes(BUCKET, key) for key in keys(storage)} == before
    assert store.to_archive(10, 0.0) == []


class Meddling(MemoryStorage):
    """Calls `meddle` once, right after a manifest was written."""

    meddle = staticmethod(lambda: None)

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        super().put_bytes(bucket, key, data, media_type)
        if "/manifest/" in key:
            meddle, self.meddle = self.meddle, lambda: None  # type: ignore[method-assign]
            meddle()


def test_a_job_that_is_resumed_while_it_is_archived_is_archived_at_its_next_end(
    store: JobStore, settings: Settings
) -> None:
    storage = Meddling()
    job = end(store, make_job(store, storage).id)

    def another_is_faster() -> None:
        assert archive(store, storage, settings, job.id)
        assert store.resume(job.id) == "ok"

    storage.meddle = another_is_faster  # type: ignore[method-assign]
    assert not archive(store, storage, settings, job.id)
    assert store.expired(10) == []
    store.admit(0)
    ended = finish(store, storage, job.id)
    assert store.to_archive(10, 0.0) == [job.id]
    assert archive(store, storage, settings, job.id)
    assert read(storage, job.id).job == ended
    assert len(keys(storage, "local/manifest/")) == 1


def test_what_happens_after_the_record_was_read_is_not_in_the_manifest(
    store: JobStore, storage: MemoryStorage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = end(store, make_job(store, storage).id)
    events = store.events

    def resumed_first(*arguments: int) -> object:
        monkeypatch.setattr(store, "events", events)
        assert archive(store, storage, settings, job.id)
        assert store.resume(job.id) == "ok"
        return events(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "events", resumed_first)
    assert not archive(store, storage, settings, job.id)
    manifest = read(storage, job.id)
    assert manifest.job == job
    assert manifest.events[-1].seq == job.seq


def test_a_late_writer_of_an_older_state_does_no_harm(store: JobStore, settings: Settings) -> None:
    """It read the record, froze, and wrote when all was over."""
    storage = Meddling()
    job = end(store, make_job(store, storage).id)

    def everything_happens() -> None:
        stale = {key: storage.get_bytes(BUCKET, key) for key in keys(storage, "local/manifest/")}
        assert archive(store, storage, settings, job.id)
        assert store.resume(job.id) == "ok"
        store.admit(0)
        finish(store, storage, job.id)
        assert archive(store, storage, settings, job.id)
        for key, data in stale.items():
            storage.put_bytes(BUCKET, key, data, "application/json")

    storage.meddle = everything_happens  # type: ignore[method-assign]
    assert not archive(store, storage, settings, job.id)
    assert read(storage, job.id).job.state == "completed"
    eventually(lambda: forgotten(store, job.id))


class Forgetful(MemoryStorage):
    """Keeps half of every manifest, and says that all is well."""

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        super().put_bytes(bucket, key, data[: len(data) // 2] if "/manifest/" in key else data, media_type)


def test_a_manifest_that_is_not_kept_whole_does_not_cost_the_job(store: JobStore, settings: Settings) -> None:
    storage = Forgetful()
    job = finish(store, storage, make_job(store, storage).id)
    with pytest.raises(StorageUnavailable):
        archive(store, storage, settings, job.id)
    assert awaits_archive(store, job.id)
    assert store.expired(10) == []
    with pytest.raises(ObjectMissing):
        read(storage, job.id)


def test_a_damaged_manifest_does_not_keep_the_next_from_being_written(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    assert archive(store, storage, settings, job.id)
    (key,) = keys(storage, "local/manifest/")
    storage.put_bytes(BUCKET, key, b'{"job', "application/json")
    store.scripts.client.xtrim(f"job:{job.id}:ev", maxlen=1, approximate=False)
    assert archive(store, storage, settings, job.id)
    assert read(storage, job.id).job == job


def test_a_manifest_of_another_format_is_refused_in_a_sentence(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job = finish(store, storage, make_job(store, storage).id)
    assert archive(store, storage, settings, job.id)
    (key,) = keys(storage, "local/manifest/")
    document = json.loads(storage.get_bytes(BUCKET, key))
    storage.put_bytes(BUCKET, key, json.dumps({**document, "format": 2}).encode(), "application/json")
    with pytest.raises(OtherRelease, match="has the format 2, and this release reads 1; use the release that wrote it"):
        read(storage, job.id)
    eventually(lambda: forgotten(store, job.id))
    with pytest.raises(UnreadableDocument, match="has the format 2"):
        Records(store, storage, settings).job("local", job.id)


# versions


def revise(store: JobStore, job_id: str) -> None:
    job = load(store, job_id)
    assert job.storyboard is not None
    edit = ObjectRef(key="local/edit/none", sha256="0" * 64, size=1, media_type="application/json")
    assert store.revise(job_id, job.version, Revision("edit", job.storyboard, edit)) == "ok"
    store.admit(0)


def test_each_version_has_a_manifest_and_the_newest_comes_first(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job_id = make_job(store, storage).id
    ends = {}
    for version in range(1, 12):
        ends[version] = finish(store, storage, job_id)
        archive(store, storage, settings, job_id)
        if version < 11:
            revise(store, job_id)
    assert read(storage, job_id).job == ends[11]
    for version, job in ends.items():
        assert read(storage, job_id, version).job == job
    assert read_manifest(storage, BUCKET, "local", job_id, 12) is None


def all_events(storage: Storage, job: Job) -> list[Event]:
    return archived_events(storage, BUCKET, "local", job.id, 1, job.seq + 1)


def test_events_are_kept_once_and_found_over_all_versions(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job_id = make_job(store, storage).id
    for _ in range(3):
        job = finish(store, storage, job_id)
        assert archive(store, storage, settings, job_id)
        revise(store, job_id)
    assert job.storyboard is not None
    # Version 4 is superseded before its end: the next manifest has its events.
    assert store.revise(job_id, 4, Revision("restore", job.storyboard)) == "ok"
    job = finish(store, storage, job_id)
    assert archive(store, storage, settings, job_id)
    manifests = [read(storage, job_id, version) for version in (1, 2, 3, 5)]
    kept = [event.seq for manifest in manifests for event in manifest.events]
    assert kept == list(range(1, job.seq + 1))
    assert all_events(storage, job) == store.events(job_id, 0, 10_000)
    some = archived_events(storage, BUCKET, "local", job_id, 20, 60)
    assert [event.seq for event in some] == list(range(20, 60))


def test_a_version_that_ends_twice_has_the_events_of_both_runs(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job_id = make_job(store, storage).id
    end(store, job_id)
    archive(store, storage, settings, job_id)
    eventually(lambda: forgotten(store, job_id))
    assert store.put_back(job_id, "local", read(storage, job_id).fields)
    assert store.resume(job_id) == "ok"
    store.admit(0)
    job = finish(store, storage, job_id)
    assert archive(store, storage, settings, job_id)
    assert [event.seq for event in read(storage, job_id).events] == list(range(1, job.seq + 1))


def test_events_that_redis_has_forgotten_are_found_in_earlier_manifests(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job_id = make_job(store, storage).id
    first = finish(store, storage, job_id)
    archive(store, storage, settings, job_id)
    before = all_events(storage, first)
    eventually(lambda: forgotten(store, job_id))
    assert store.put_back(job_id, "local", read(storage, job_id).fields)
    revise(store, job_id)
    job = finish(store, storage, job_id)
    assert archive(store, storage, settings, job_id)
    events = all_events(storage, job)
    assert events[: len(before)] == before
    assert [event.seq for event in events] == list(range(1, job.seq + 1))


def test_an_earlier_manifest_that_is_damaged_costs_its_own_events_only(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    job_id = make_job(store, storage, music=f"{UPLOAD}1").id
    ends = []
    for _ in range(3):
        ends.append(finish(store, storage, job_id).seq)
        archive(store, storage, settings, job_id)
        revise(store, job_id)
    newest_first = sorted(keys(storage, "local/manifest/"))
    storage.put_bytes(BUCKET, newest_first[1], b'{"job', "application/json")
    found = [event.seq for event in archived_events(storage, BUCKET, "local", job_id, 1, ends[2] + 1)]
    assert found == [*range(1, ends[0] + 1), *range(ends[1] + 1, ends[2] + 1)]


class Measuring(MemoryStorage):
    """Tells how large the last manifest was, and how much was read since."""

    written = reads = 0

    def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
        super().put_bytes(bucket, key, data, media_type)
        if "/manifest/" in key:
            self.written = len(data)

    def get_bytes(self, bucket: str, key: str) -> bytes:
        self.reads += 1
        return super().get_bytes(bucket, key)


def test_many_versions_do_not_make_large_manifests(store: JobStore, settings: Settings) -> None:
    storage = Measuring()
    job_id = make_job(store, storage, music=f"{UPLOAD}1").id
    sizes, reads = {}, {}
    for version in range(1, 31):
        finish(store, storage, job_id, shot_media=f"{UPLOAD}{version % 10}")
        storage.reads = 0
        assert archive(store, storage, settings, job_id)
        sizes[version], reads[version] = storage.written, storage.reads
        if version < 30:
            revise(store, job_id)
    assert reads[30] == reads[2] <= 6
    # The record tells of each version how it ended; nothing else grows.
    versions = {name: text for name, text in (store.record(job_id) or {}).items() if name.startswith("version:")}
    assert sizes[30] - sizes[2] < 1.1 * len(json.dumps(versions))
    assert read(storage, job_id).document["uploads"] == [f"{UPLOAD}{number}" for number in range(10)]


# finding jobs


def test_archived_jobs_are_listed_newest_first_page_by_page(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    same_moment = ["job_0123456789ab" + f"{number:x}" * 20 for number in (1, 9, 15)]
    names = [*new_job_ids(3), *same_moment]
    for name in names:
        job = end(store, make_job(store, storage, job_id=name).id)
        archive(store, storage, settings, job.id)
    finish(store, storage, make_job(store, storage, owner="another").id)
    store.resume(names[0])
    store.admit(0)
    finish(store, storage, names[0])
    archive(store, storage, settings, names[0])
    revise(store, names[0])
    end(store, names[0])
    archive(store, storage, settings, names[0])
    newest_first = sorted(names, reverse=True)
    assert archived_jobs(storage, BUCKET, "local", "", 100) == newest_first
    assert store.jobs("local", "", 100) == newest_first
    pages, before = [], ""
    while page := archived_jobs(storage, BUCKET, "local", before, 2):
        assert len(page) <= 2
        pages += page
        before = page[-1]
    assert pages == newest_first


def test_a_job_of_somebody_else_is_not_found(store: JobStore, storage: MemoryStorage, settings: Settings) -> None:
    job = end(store, make_job(store, storage, owner="another").id)
    archive(store, storage, settings, job.id)
    assert read_manifest(storage, BUCKET, "another", job.id) is not None
    assert read_manifest(storage, BUCKET, "local", job.id) is None
    assert read_manifest(storage, BUCKET, "another", new_job_ids()[0]) is None
    assert archived_jobs(storage, BUCKET, "local", "", 10) == []


# the janitor


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture
def s3_proxy(s3: Settings) -> Iterator[TcpProxy]:
    with tcp_proxy(urlsplit(s3.s3_endpoint).port or 0) as proxy:
        yield proxy


def test_the_janitor_archives_and_forgets_on_real_storage(store: JobStore, settings: Settings, s3: Settings) -> None:
    storage = S3Storage(s3)
    one = Janitor(settings, store, storage)
    jobs = [finish(store, storage, make_job(store, storage).id) for _ in range(30)]
    eventually(lambda: one.tidy() == 0 and not store.jobs("local", "", 1))
    assert archived_jobs(storage, BUCKET, "local", "", 50) == sorted((job.id for job in jobs), reverse=True)
    for job in jobs:
        assert read(storage, job.id).job == job


def test_nothing_is_forgotten_before_its_manifest_is_in_storage(
    store: JobStore, settings: Settings, s3: Settings, s3_proxy: TcpProxy
) -> None:
    near = S3Storage(s3)
    far = S3Storage(replace(s3, s3_endpoint=f"http://127.0.0.1:{s3_proxy.port}"))
    job = finish(store, near, make_job(store, near).id)
    one = Janitor(settings, store, far)
    for fault in (Fault(refuse=True), Fault(to_server=300), Fault(to_server=2_000), Fault(to_client=10)):
        s3_proxy.reset(fault)
        store.scripts.client.zadd("archive", {job.id: 0})
        with pytest.raises(StorageUnavailable):
            one.tidy()
        assert store.expired(10) == []
        assert load(store, job.id) == job
    s3_proxy.reset(Fault())
    store.scripts.client.zadd("archive", {job.id: 0})
    assert one.tidy() >= 1
    assert read(near, job.id).job == job


def test_the_janitor_outlives_outages_of_redis_and_of_storage(
    store: JobStore, settings: Settings, s3: Settings, s3_proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.cleanup.janitor.PAUSE_SECONDS", 0.05)
    near = S3Storage(s3)
    with tcp_proxy(urlsplit(settings.state_url).port or 0) as redis_proxy:
        far = replace(
            settings,
            s3_endpoint=f"http://127.0.0.1:{s3_proxy.port}",
            state_url=f"redis://127.0.0.1:{redis_proxy.port}/0",
        )
        for proxy in (redis_proxy, s3_proxy):
            proxy.reset(Fault(refuse=True))
        stop = threading.Event()
        runs = threading.Thread(target=janitor, args=(far, stop))
        runs.start()
        try:
            job = finish(store, near, make_job(store, near).id)
            eventually(lambda: redis_proxy.connections > 1)
            redis_proxy.reset(Fault())
            eventually(lambda: s3_proxy.connections > 0)
            assert load(store, job.id) == job
            s3_proxy.reset(Fault())
            store.scripts.client.zadd("archive", {job.id: 0})  # what it holds is given out again later
            eventually(lambda: store.load(job.id) is None)
            assert read(near, job.id).job == job
        finally:
            stop.set()
            runs.join()


def test_a_job_that_cannot_be_archived_does_not_hold_up_the_others(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    broken, whole = (finish(store, storage, make_job(store, storage).id) for _ in range(2))
    store.scripts.client.hset(f"job:{broken.id}", "step:acquire:s1.1", json.dumps({"state": "done"}))
    assert Janitor(settings, store, storage).tidy() >= 1
    assert read(storage, whole.id).job == whole
    assert awaits_archive(store, broken.id)
    assert store.record(broken.id) is not None


def test_several_janitors_do_not_get_in_each_others_way(
    store: JobStore, storage: MemoryStorage, settings: Settings, quick: Settings
) -> None:
    jobs = [finish(store, storage, make_job(store, storage).id) for _ in range(12)]
    janitors = [Janitor(settings, store, storage) for _ in range(3)]
    threads = [threading.Thread(target=lambda one=one: [one.tidy() for _ in range(12)]) for one in janitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: janitors[0].tidy() == 0 and not store.jobs("local", "", 1))
    assert [read(storage, job.id).job for job in jobs] == jobs


def test_of_several_janitors_one_collects(store: JobStore, storage: MemoryStorage, settings: Settings) -> None:
    janitors = [Janitor(replace(settings, collect_seconds=60.0), store, storage) for _ in range(3)]
    assert [one.collect() for one in janitors] == [True, False, False]


def test_of_several_janitors_that_notice_at_once_one_collects(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    janitors = [Janitor(replace(settings, collect_seconds=3600.0), store, storage) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            store.scripts.client.set("collected", 1)
            assert sorted(pool.map(Janitor.collect, janitors)) == [False] * 7 + [True]


def test_how_often_is_collected_is_what_the_setting_says_now(
    store: JobStore, storage: MemoryStorage, settings: Settings
) -> None:
    def collects(seconds: float) -> bool:
        return Janitor(replace(settings, collect_seconds=seconds), store, storage).collect()

    assert collects(3600.0)
    store.scripts.client.set("collected", store.now() - 60_000)  # a minute ago
    assert not collects(3600.0)
    assert not collects(0.0)
    assert collects(30.0), "a shorter time counts at once"
    store.scripts.client.set("collected", store.now() - 60_000)
    assert not collects(120.0)
