"""Promise 6: a step commits at most once, also when its holder was frozen and others took over meanwhile."""

import os
import signal

from common.contracts.steps import SegmentFacts
from common.storage.s3 import S3Storage
from tests.support.waiting import alive, eventually
from tests.support.workers import Farm


def test_a_holder_that_wakes_after_its_lease_commits_nothing_and_takes_its_objects_away(
    farm: Farm, storage: S3Storage
) -> None:
    for _ in range(2):
        farm.start()
    job = farm.film("job_1")
    farm.order(job, "segment", "freeze once")  # everything is stored, and then the process is stopped
    film = farm.watch(lambda: farm.ended(job))
    assert film is not None
    assert film.state == "completed"
    (segment,) = (step for step in film.steps.values() if step.name.startswith("segment"))
    first, second = (run.pid for run in farm.runs(job) if run.step == segment.name)
    assert segment.losses == 1
    assert len(_segments(farm, storage)) == 2
    events = farm.store.events(job, limit=1000)

    os.kill(first, signal.SIGCONT)
    eventually(lambda: f"{segment.name} of {job}: called_off" in farm.said())
    assert farm.store.load(job) == film
    assert farm.store.events(job, limit=1000) == events
    assert farm.results(job).count(segment.name) == 1
    assert _segments(farm, storage) == [SegmentFacts.model_validate_json(segment.facts).media.key]
    assert all(alive(pid) for pid in (first, second))
    eventually(lambda: not farm.started_by_steps())  # what the frozen one had started


def _segments(farm: Farm, storage: S3Storage) -> list[str]:
    return [one.key for one in storage.list("assets", "owner-job-1/segment/")]
