"""Footage that breaks off costs a job nothing but another look: the next candidate is shown, and it says why.

Search and acquisition are real, against a server that speaks as Pexels does; speech and rendering only pretend.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from common.contracts.job import Job
from common.contracts.kinds import parse_facts
from common.contracts.names import StepName
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.runner import StepRunner
from tests.support import clips
from tests.support.pexels_server import pexels_server
from tests.support.ready import TOOLCHAINS, load
from tests.support.stock_server import KEY
from tests.support.tiny_films import ONE_SCENE, Studio, handlers
from tests.support.waiting import eventually


def test_the_next_candidate_is_shown_in_place_of_one_that_is_cut_off(
    quick: Settings, store: JobStore, tmp_path: Path
) -> None:
    whole = clips.make("front.mp4", ["-i", str(clips.clip(seconds=4.0)), "-c", "copy", "-movflags", "+faststart"])
    part = clips.cut(whole, 0.03, tmp_path).read_bytes()
    storage = MemoryStorage()
    with pexels_server() as server:
        server.spoil = lambda asked, data: part if asked == server.fetched[0] else data
        settings = replace(
            quick,
            pexels_base_url=server.url,
            pexels_api_key=KEY,
            fetch_allow_networks="127.0.0.0/8",
            lease_seconds=15.0,
        )
        runner = StepRunner(settings, store, storage, handlers(settings), TOOLCHAINS)
        studio = Studio(settings, store, storage, runner.run)
        studio.make("job_1", {**ONE_SCENE, "footage": "pexels"})

        def ended() -> Job | None:
            if not studio.work():
                studio.wait()
            job = load(store, "job_1")
            return job if job.terminal else None

        job = eventually(ended)
        assert job.state == "completed", job.failure
        assert len(server.fetched) == 2
    [(shot, [rejected])] = facts_of(job, "cast").rejected.items()
    assert shot == "s1.1"
    assert "the video is cut off" in rejected.why
    shown = facts_of(job, "acquire")
    assert (shown.kind, shown.provenance.provider) == ("video", "pexels")
    assert shown.provenance.source_id not in rejected.candidate
    assert shown.seconds == 4.0


def facts_of(job: Job, kind: str) -> Any:
    (step,) = (step for name, step in job.steps.items() if StepName(name).kind == kind)
    return parse_facts(kind, step.facts)
