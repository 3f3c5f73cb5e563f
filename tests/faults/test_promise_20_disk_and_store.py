"""Promise 20: a full disk or a store that fails costs time and nothing else, and what is committed is whole.

A film of one scene is made by the real steps (speech, ffmpeg and all) under a real reconciler. One of its steps meets
the fault, which then goes away.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from pydantic import BaseModel

from common.contracts.base import ObjectRef
from common.contracts.job import DONE, Job
from common.contracts.kinds import parse_facts
from common.contracts.names import StepName
from common.contracts.steps import AssembleFacts, PublishFacts
from common.jobs.store import JobStore, connect
from common.settings import Settings
from common.storage.s3 import S3Storage
from common.worker.runner import StepRunner
from orchestrator import tasks as planning
from renderer import tasks as rendering
from retriever import tasks as retrieving
from tests.support import clips
from tests.support.disks import fill, small_disk
from tests.support.faulty_s3 import Fault, FaultyS3, faulty_s3
from tests.support.ready import BUILD, every_toolchain, load
from tests.support.tiny_films import Studio
from tests.support.waiting import eventually
from whisper_worker import tasks as speaking

MEGABYTE = 1024 * 1024
ASSET = "ast_" + "a" * 32
JOB = "job_1"
OWNER = "owner-job-1"
REQUEST: dict[str, Any] = {
    "scenes": [{"narration": "The sea is calm.", "media": {"asset": ASSET}}],
    "music": {"enabled": False},
}
EVERY = ("plan", "speak", "acquire", "segment", "mix", "assemble", "publish")
FETCHING, STORING = ("acquire", "segment", "mix", "assemble"), ("speak", "segment", "mix", "assemble")
# Bytes: enough for what is fetched and prepared, too little for what ffmpeg writes.
ROOM_BEFORE_FFMPEG = {"segment": 650_000, "mix": 300_000, "assemble": 300_000}


class Cutter:
    """Makes the film. `before` is called with the kind of every step that is about to run, `after` when it has run."""

    def __init__(self, settings: Settings, storage: S3Storage, workers: Settings) -> None:
        self.store: JobStore = connect(settings)
        self._storage = storage
        handlers = {
            **planning.handlers(workers),
            **retrieving.handlers(workers),
            **speaking.handlers(workers),
            **rendering.handlers(workers),
        }
        about = {"ffmpeg": BUILD, **speaking.engines(workers)}
        self._runner = StepRunner(workers, self.store, S3Storage(workers), handlers, every_toolchain(about))
        small = replace(settings, target_resolution=120, ffmpeg_preset="ultrafast")
        self._studio = Studio(small, self.store, storage, self._run, about=about)
        self.before: Callable[[str], None] = lambda kind: None
        self.after: Callable[[str, str], None] = lambda kind, outcome: None
        upload(storage, settings.assets_bucket)

    def film(self) -> Job:
        self._studio.make(JOB, REQUEST)
        return eventually(self._ended, 240)

    def _ended(self) -> Job | None:
        if not self._studio.work():
            self._studio.wait()
        job = load(self.store, JOB)
        return job if job.terminal else None

    def _run(self, job_id: str, step: str) -> None:
        kind = StepName(step).kind
        self.before(kind)
        self.after(kind, self._runner.run(job_id, step))


def upload(storage: S3Storage, bucket: str) -> None:
    data = clips.clip().read_bytes()
    about = {"media_type": "video/mp4", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "name": "sea"}
    storage.put_bytes(bucket, f"{OWNER}/asset/{ASSET}/media", data, "video/mp4")
    storage.put_bytes(bucket, f"{OWNER}/asset/{ASSET}/about.json", json.dumps(about).encode(), "application/json")


def refs(value: object) -> Iterator[ObjectRef]:
    """Every pointer to an object in some facts."""
    if isinstance(value, ObjectRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from refs(getattr(value, name))


def check_whole(film: Job, storage: S3Storage) -> None:
    """Everything that was committed is stored with the content it was committed with, and media can be read."""
    assert film.state == "completed", film.failure
    seen = 0
    for step in film.steps.values():
        assert step.state == DONE
        for ref in refs(parse_facts(step.kind, step.facts)):
            data = storage.get_bytes("assets", ref.key)
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (ref.sha256, ref.size)
            if ref.media_type.partition("/")[0] in ("video", "audio"):
                with av.open(io.BytesIO(data)) as media:
                    assert [packet for packet in media.demux() if packet.size]
            seen += 1
    assert seen >= 7
    assembled = AssembleFacts.model_validate_json(film.steps["assemble"].facts)
    published = PublishFacts.model_validate_json(film.steps["publish"].facts)
    assert storage.get_bytes("videos", published.video_key) == storage.get_bytes("assets", assembled.media.key)


def failures(cutter: Cutter) -> list[tuple[str, str]]:
    told = [event.data for event in cutter.store.events(JOB, limit=10_000) if event.type == "step"]
    return [(StepName(one["step"]).kind, one["code"]) for one in told if one["state"] == "failed"]


def counted(film: Job) -> set[tuple[int, int]]:
    """Attempts and losses of the steps that workers do."""
    return {(step.attempt, step.losses) for step in film.steps.values() if step.name != "cast"}


# the store


@pytest.fixture
def proxy(s3_session: Settings) -> Iterator[FaultyS3]:
    with faulty_s3(s3_session) as proxy:
        yield proxy


@pytest.fixture
def cutter(settings: Settings, storage: S3Storage, proxy: FaultyS3, tmp_path: Path) -> Iterator[Cutter]:
    (tmp_path / "scratch").mkdir()
    # Steps go through the proxy; the decisions, and the test itself, look at the store directly.
    far = replace(settings, s3_endpoint=proxy.settings.s3_endpoint, s3_timeout=1.0)
    cutter = Cutter(settings, storage, far)
    yield cutter
    cutter.store.close()


def misbehave(cutter: Cutter, proxy: FaultyS3, kinds: Sequence[str], fault: Fault) -> list[tuple[str, str]]:
    """The first step of each of these kinds meets the fault. Returns what came of them, once they have run."""
    outcomes: list[tuple[str, str]] = []

    def meets(kind: str) -> bool:
        return kind in kinds and kind not in dict(outcomes)

    def before(kind: str) -> None:
        if meets(kind):
            proxy.fault = fault

    def after(kind: str, outcome: str) -> None:
        if meets(kind):
            assert proxy.hits > 0
            proxy.fault = None
            outcomes.append((kind, outcome))

    cutter.before, cutter.after = before, after
    return outcomes


def check_outage(cutter: Cutter, storage: S3Storage, proxy: FaultyS3, kinds: Sequence[str], fault: Fault) -> None:
    outcomes = misbehave(cutter, proxy, kinds, fault)
    film = cutter.film()
    check_whole(film, storage)
    assert sorted(outcomes) == sorted((kind, "failed") for kind in kinds)
    assert sorted(failures(cutter)) == sorted((kind, "storage_unavailable") for kind in kinds)
    assert counted(film) == {(1, 0)}


def test_a_store_that_fails_costs_no_attempt(cutter: Cutter, storage: S3Storage, proxy: FaultyS3) -> None:
    check_outage(cutter, storage, proxy, ["segment"], "half put")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse", "hang", "500", "503"])
def test_no_step_commits_anything_while_the_store_is_away(
    cutter: Cutter, storage: S3Storage, proxy: FaultyS3, fault: Fault
) -> None:
    check_outage(cutter, storage, proxy, EVERY, fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["cut put", "half put", "no reply"])
def test_what_the_store_did_not_take_is_stored_again(
    cutter: Cutter, storage: S3Storage, proxy: FaultyS3, fault: Fault
) -> None:
    check_outage(cutter, storage, proxy, STORING, fault)


@pytest.mark.slow
def test_what_the_store_did_not_give_is_fetched_again(cutter: Cutter, storage: S3Storage, proxy: FaultyS3) -> None:
    check_outage(cutter, storage, proxy, FETCHING, "cut get")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["segment", "mix", "assemble"])
def test_half_an_object_is_never_taken_for_the_whole(
    cutter: Cutter, storage: S3Storage, proxy: FaultyS3, kind: str
) -> None:
    outcomes = misbehave(cutter, proxy, [kind], "short get")
    check_whole(cutter.film(), storage)
    assert outcomes == [(kind, "failed")]
    assert failures(cutter) == [(kind, "object_missing")]


@pytest.mark.slow
def test_a_slow_store_is_waited_for(cutter: Cutter, storage: S3Storage, proxy: FaultyS3) -> None:
    outcomes = misbehave(cutter, proxy, EVERY, "slow")
    film = cutter.film()
    check_whole(film, storage)
    assert sorted(outcomes) == sorted((kind, "done") for kind in EVERY)
    assert counted(film) == {(1, 0)}


# the disk


def check_full_disk(settings: Settings, storage: S3Storage, disk: Path, left: Mapping[str, int]) -> None:
    """The first step of each of these kinds finds so many bytes on the disk."""
    cutter = Cutter(settings, storage, replace(settings, work_dir=str(disk)))
    ballast = disk / "ballast"
    full: list[str] = []

    def before(kind: str) -> None:
        if kind in left and kind not in full:
            full.append(kind)
            fill(ballast, left[kind])

    def after(kind: str, outcome: str) -> None:
        assert outcome == ("failed" if ballast.exists() else "done")
        ballast.unlink(missing_ok=True)
        assert not list(disk.iterdir())

    cutter.before, cutter.after = before, after
    film = cutter.film()
    check_whole(film, storage)
    assert sorted(full) == sorted(left)
    assert sorted(failures(cutter)) == sorted((kind, "disk_full") for kind in left)
    assert counted(film) == {(1, 0)}
    cutter.store.close()


def test_a_full_disk_costs_no_attempt(settings: Settings, storage: S3Storage, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2 * MEGABYTE) as disk:
        check_full_disk(settings, storage, disk, {"segment": ROOM_BEFORE_FFMPEG["segment"]})


@pytest.mark.slow
@pytest.mark.parametrize("left", [*(dict.fromkeys(STORING, left) for left in (0, 4_096, 60_000)), ROOM_BEFORE_FFMPEG])
def test_the_disk_may_be_full_at_any_place(
    settings: Settings, storage: S3Storage, tmp_path: Path, left: Mapping[str, int]
) -> None:
    with small_disk(tmp_path / "disk", 2 * MEGABYTE) as disk:
        check_full_disk(settings, storage, disk, left)
