"""Films whose parts are no longer kept: what is asked of them is made anew, no more than that, and the answer says so.

Redis, the record, the reconciler, the step runner and the collector are real; the steps read their inputs and pretend.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.http.app import create_app
from common.contracts.job import Job
from common.contracts.kinds import parse_facts
from common.contracts.steps import AssembleFacts
from common.errors import Permanent
from common.jobs.archive import archive
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from orchestrator.cleanup.collect import Collector
from tests.integration.test_http import accepted
from tests.support.ended_jobs import PARTS
from tests.support.pipeline import Pipeline
from tests.support.waiting import eventually

WEEK = 7 * 24 * 3600.0
CLIP = "https://clips.example/gulls.mp4"
SCENES: list[dict[str, Any]] = [
    {"narration": "The harbour wakes before the sun.", "show": "fishing boats"},
    {"narration": "By noon the quay is empty.", "show": "empty quay"},
    {"narration": "Only the gulls are left.", "show": "gulls"},
]
SIX = [{"narration": f"Boat {number} leaves.", "show": f"boat {number}"} for number in range(1, 7)]


class Clock:
    """Tells the store when something is put, and the collector how long ago that was."""

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
    return replace(quick, keep_parts_seconds=WEEK)


@pytest.fixture
def client(settings: Settings, store: JobStore, storage: MemoryStorage) -> FlaskClient:
    return create_app(settings, store, storage).test_client()


@pytest.fixture
def pipeline(settings: Settings, store: JobStore, storage: MemoryStorage) -> Pipeline:
    return Pipeline(settings, store, storage)


@pytest.fixture
def pass_time(
    settings: Settings, store: JobStore, storage: MemoryStorage, clock: Clock, pipeline: Pipeline
) -> Callable[[str], None]:
    """Of the job that has ended, only what was ordered is kept: its record may still be in Redis."""
    collector = Collector(store, storage, settings, clock)

    def go(job_id: str) -> None:
        archive(store, storage, settings, job_id)
        clock.now += WEEK + 1
        for key in store.scripts.client.scan_iter("work:*"):
            store.scripts.client.delete(key)
        collector.collect()
        left = {stored.key.split("/")[1] for stored in storage.list("assets")}
        assert left.isdisjoint(PARTS), "all parts are gone"
        pipeline.restart()
        assert {"film", "thumbnail", "storyboard", "request", "manifest"} <= left
        pipeline.ran.clear()

    return go


@pytest.fixture(params=["in Redis", "forgotten"])
def wherever(
    request: pytest.FixtureRequest, settings: Settings, store: JobStore, storage: MemoryStorage
) -> Callable[[str], None]:
    """The record of the job is still in Redis, or only its manifest is left."""

    def forget(job_id: str) -> None:
        if request.param == "forgotten":
            archive(store, storage, replace(settings, keep_job_seconds=0.0), job_id)
            assert eventually(lambda: store.forget(job_id))

    return forget


def film_of(storage: MemoryStorage, job: Job) -> bytes:
    film: AssembleFacts = parse_facts("assemble", job.steps["assemble"].facts)
    return storage.get_bytes("assets", film.media.key)


def changed(pipeline: Pipeline, call: Callable[[], Any]) -> dict[str, Any]:
    """The answer to a change, which waits until the new version is planned."""
    pipeline.held = ("speak", "search", "acquire", "segment", "mix", "assemble", "publish")
    with pipeline.alive():
        reply = call()
    pipeline.held = ()
    assert reply.status_code == 202, reply.get_data(as_text=True)
    return dict(reply.json)


def told_truly(pipeline: Pipeline, answer: dict[str, Any]) -> None:
    """What the answer called reused was not run; whatever ran was said to run or to wait."""
    steps = answer["steps"]
    assert set(pipeline.ran).isdisjoint(steps["reused"]), (pipeline.ran, steps)
    assert set(pipeline.ran) <= {*steps["running_again"], *steps["waiting"], *steps["done_again"]}


def test_restoring_a_version_whose_parts_are_gone_takes_its_film(
    client: FlaskClient,
    pipeline: Pipeline,
    storage: MemoryStorage,
    pass_time: Callable[[str], None],
    wherever: Callable[[str], None],
) -> None:
    job_id = accepted(client, scenes=SCENES, music="none")
    first = film_of(storage, pipeline.run(job_id))
    edit = {"version": 1, "scenes": [{"id": "s2", "narration": "At noon it is quiet."}]}
    changed(pipeline, lambda: client.patch(f"/mcp/storyboard/{job_id}", json=edit))
    assert film_of(storage, pipeline.run(job_id)) != first
    pass_time(job_id)
    wherever(job_id)
    answer = changed(pipeline, lambda: client.post(f"/mcp/versions/{job_id}/1/restore"))
    job = pipeline.run(job_id)
    assert job.state == "completed", job.failure
    assert film_of(storage, job) == first
    assert sorted(pipeline.ran) == ["publish", "search:s1.1", "search:s2.1", "search:s3.1"]
    assert pipeline.missed == []
    told_truly(pipeline, answer)
    assert answer["message"].endswith("steps are expected to be reused"), "a search may find something else"
    result = client.get(f"/mcp/result/{job_id}").json
    assert [scene["narration"] for scene in result["scenes"]] == [scene["narration"] for scene in SCENES]


def test_restoring_a_version_of_which_something_must_be_made_anew_makes_all_that_is_needed_for_it(
    client: FlaskClient, pipeline: Pipeline, storage: MemoryStorage, pass_time: Callable[[str], None]
) -> None:
    """What lies behind an address may have changed, so it is fetched again; then the film is no longer the same."""
    job_id = accepted(client, scenes=[*SCENES[:2], {**SCENES[2], "show": None, "media": {"url": CLIP}}], music="none")
    pipeline.run(job_id)
    edit = {"version": 1, "scenes": [{"id": "s3", "show": "gulls"}]}
    changed(pipeline, lambda: client.patch(f"/mcp/storyboard/{job_id}", json=edit))
    pipeline.run(job_id)
    pass_time(job_id)
    answer = changed(pipeline, lambda: client.post(f"/mcp/versions/{job_id}/1/restore"))
    job = pipeline.run(job_id)
    assert job.state == "completed", job.failure
    again = {f"{kind}:s{number}{shot}" for kind, shot in (("speak", ""), ("segment", ".0")) for number in (1, 2, 3)}
    assert again <= set(pipeline.ran)
    assert len(pipeline.ran) == len(set(pipeline.ran)), "nothing is made twice"
    assert pipeline.missed == []
    told_truly(pipeline, answer)


def test_an_edit_of_a_film_whose_parts_are_gone_says_at_once_what_is_made_anew(
    client: FlaskClient,
    pipeline: Pipeline,
    pass_time: Callable[[str], None],
    wherever: Callable[[str], None],
) -> None:
    job_id = accepted(client, scenes=SCENES, music="none")
    pipeline.run(job_id)
    pass_time(job_id)
    wherever(job_id)
    edit = {"version": 1, "scenes": [{"id": "s2", "narration": "At noon it is quiet."}]}
    answer = changed(pipeline, lambda: client.patch(f"/mcp/storyboard/{job_id}", json=edit))
    assert answer["steps"]["reused"] == [], "every part is needed, and none is there"
    job = pipeline.run(job_id)
    assert job.state == "completed", job.failure
    assert len(pipeline.ran) == len(set(pipeline.ran)), "nothing is made twice"
    assert pipeline.missed == []
    told_truly(pipeline, answer)


def test_an_edit_that_needs_none_of_what_is_gone_does_not_make_it_anew(
    client: FlaskClient, pipeline: Pipeline, storage: MemoryStorage
) -> None:
    job_id = accepted(client, scenes=SCENES, music="none")
    pipeline.run(job_id)
    pipeline.ran.clear()
    for kind in ("narration", "footage"):
        for stored in list(storage.list("assets", f"local/{kind}/")):
            storage.delete("assets", stored.key)
    edit = {"version": 1, "order": ["s3", "s1", "s2"]}
    answer = changed(pipeline, lambda: client.patch(f"/mcp/storyboard/{job_id}", json=edit))
    assert pipeline.run(job_id).state == "completed"
    assert {step for step in pipeline.ran if step.startswith("speak")} == {"speak:s1", "speak:s2", "speak:s3"}
    told_truly(pipeline, answer)


@pytest.mark.parametrize(("kept", "known"), [(60.0, 60), (3 * WEEK, WEEK)])
def test_results_are_known_no_longer_than_parts_are_kept(
    settings: Settings, store: JobStore, storage: MemoryStorage, kept: float, known: int
) -> None:
    settings = replace(settings, keep_parts_seconds=kept)
    client, pipeline = create_app(settings, store, storage).test_client(), Pipeline(settings, store, storage)
    job_id = accepted(client, scenes=SCENES, music="none")

    def longest() -> int:
        return max(store.scripts.client.ttl(key) for key in store.scripts.client.scan_iter("work:*"))

    pipeline.run(job_id)
    assert known - 50 < longest() <= known
    changed(pipeline, lambda: client.patch(f"/mcp/storyboard/{job_id}", json={"version": 1, "voice": "de"}))
    pipeline.run(job_id)
    for key in store.scripts.client.scan_iter("work:*"):
        store.scripts.client.delete(key)
    changed(pipeline, lambda: client.post(f"/mcp/versions/{job_id}/1/restore"))
    assert known - 50 < longest() <= known


@pytest.mark.parametrize("broken", ["segment:s4.0", "assemble"])
def test_resuming_a_film_all_of_whose_parts_are_gone_makes_them_anew_without_failing_at_each(
    client: FlaskClient, pipeline: Pipeline, storage: MemoryStorage, pass_time: Callable[[str], None], broken: str
) -> None:
    job_id = accepted(client, scenes=SIX, music="none", on_scene_failure="fail")
    pipeline.trouble[broken] = Permanent("the disk speaks in tongues")
    pipeline.held = (broken,)
    pipeline.run(job_id, lambda job: broken in job.steps and set(pipeline.ran) >= {"mix", *segments_but(broken)})
    pipeline.held = ()
    assert pipeline.run(job_id).state == "failed"
    pipeline.trouble.clear()
    lose_all_parts(storage)
    pipeline.ran.clear()
    assert client.post(f"/mcp/resume/{job_id}").status_code == 202
    job = pipeline.run(job_id)
    assert job.state == "completed", job.failure
    assert pipeline.missed == []
    assert len(pipeline.ran) == len(set(pipeline.ran)), "nothing is made twice"


def test_parts_that_vanish_in_the_middle_of_a_job_cost_one_failing_run(
    client: FlaskClient, pipeline: Pipeline, storage: MemoryStorage
) -> None:
    job_id = accepted(client, scenes=SIX, music="none")
    pipeline.held = ("assemble",)
    pipeline.run(job_id, lambda job: job.steps.get("assemble") is not None and job.steps["assemble"].state == "ready")
    lose_all_parts(storage)
    pipeline.held = ()
    pipeline.ran.clear()
    job = pipeline.run(job_id)
    assert job.state == "completed", job.failure
    assert pipeline.missed == ["assemble"]
    counts = {step: pipeline.ran.count(step) for step in pipeline.ran}
    assert {step for step, count in counts.items() if count > 1} == {"assemble"}


def segments_but(broken: str) -> set[str]:
    return {f"segment:s{number}.0" for number in range(1, 7)} - {broken}


def lose_all_parts(storage: MemoryStorage) -> None:
    for kind in PARTS:
        for stored in list(storage.list("assets", f"local/{kind}/")):
            storage.delete("assets", stored.key)
