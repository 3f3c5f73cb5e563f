"""A film that is damaged in the store before it gets its public name is made again, not handed out."""

import hashlib
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from common.contracts.job import COMPLETED, DONE
from common.contracts.kinds import parse_facts
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from tests.integration.test_http import accepted
from tests.support.pipeline import Pipeline

Damage = Callable[[bytes], bytes]


@pytest.mark.parametrize("damage", [lambda film: film[:-1], lambda film: bytes([film[0] ^ 1]) + film[1:]])
def test_a_damaged_film_is_assembled_again(
    client: FlaskClient, quick: Settings, store: JobStore, storage: MemoryStorage, damage: Damage
) -> None:
    pipeline = Pipeline(quick, store, storage)
    pipeline.held = ("publish",)
    job_id = accepted(client, scenes=[{"show": "waves"}])
    job = pipeline.run(job_id, lambda job: "assemble" in job.steps and job.steps["assemble"].state == DONE)
    film = parse_facts("assemble", job.steps["assemble"].facts).media
    storage.put_bytes("assets", film.key, damage(storage.get_bytes("assets", film.key)), "video/mp4")
    pipeline.held = ()
    job = pipeline.run(job_id)
    assert job.state == COMPLETED
    assert pipeline.ran.count("assemble") == 2
    published = storage.get_bytes("videos", f"{job_id}/output.mp4")
    assert hashlib.sha256(published).hexdigest() == parse_facts("assemble", job.steps["assemble"].facts).media.sha256
