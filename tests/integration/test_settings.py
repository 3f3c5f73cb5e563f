"""Settings where they count: services that end with a clear line, buckets that are made, work that is not shared."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from common.jobs.store import JobStore
from common.settings import Settings
from common.settings.declared import SERVICES
from common.storage.memory import MemoryStorage
from common.storage.s3 import S3Storage
from tests.integration.test_http import accepted
from tests.support.api_server import ROOT, as_environment
from tests.support.pipeline import Pipeline
from tests.support.redis_server import free_port
from tests.support.s3_server import s3_server

WRONG = {
    "LOG_LEVEL": "foo",
    "STEP_TIMEOUT": "nan",
    "SPEECH_SLOTS": "-1",
    "RENDER_SLOTS": "-1",
    "PEXELS_PER_HOUR": "none",
    "COLLECT_SECONDS": "-1",
    "API_PORT": "99999",
    "API_WORKERS": "0",
    "LINK_SECONDS": "9999999",
    "S3_ENDPOINT": "http://127.0.0.1:9000/path",
    "BROKER_URL": "foo",
    "STATE_URL": "http://x",
    "DRAIN_SECONDS": "-1",
}
EVERYBODYS = {"LOG_LEVEL", "S3_ENDPOINT", "STATE_URL"}
WORKERS = EVERYBODYS | {"BROKER_URL", "STEP_TIMEOUT", "DRAIN_SECONDS"}
NAMED = {
    "api": EVERYBODYS | {"API_PORT", "API_WORKERS", "LINK_SECONDS"},
    "orchestrator": WORKERS | {"COLLECT_SECONDS"},
    "retriever": WORKERS | {"PEXELS_PER_HOUR"},
    "whisper_worker": WORKERS | {"SPEECH_SLOTS"},
    "renderer": WORKERS | {"RENDER_SLOTS"},
}


def run(module: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_ends_with_a_line_for_each_of_its_faults(service: str) -> None:
    ended = run(f"{service}.main", **WRONG)
    assert ended.returncode == 2, ended.stderr
    lines = [line.split(maxsplit=2) for line in ended.stderr.splitlines()]
    assert {line[0] for line in lines} == {f"{service}:"}
    assert sorted(line[1] for line in lines) == sorted(NAMED[service])
    assert all(line[2].startswith("must be ") for line in lines)


@pytest.mark.parametrize("service", ["api", "renderer"])
def test_a_folder_for_temporary_files_that_takes_none_ends_a_service(service: str) -> None:
    ended = run(f"{service}.main", WORK_DIR="/proc", API_PORT="tcp://10.96.0.72:80")
    assert ended.returncode == 2, ended.stderr
    assert f"{service}: WORK_DIR must be" in ended.stderr.splitlines()[-1]
    assert ("API_PORT is ignored" in ended.stderr) == (service == "api")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with s3_server(tmp_path_factory.mktemp("objects")) as settings:
        yield settings


def test_the_buckets_are_made_once(s3: Settings) -> None:
    fresh = replace(s3, assets_bucket="fresh-assets", videos_bucket="fresh-videos")
    env = as_environment(fresh) | {"API_PORT": "tcp://10.96.0.72:80", "STATE_URL": "of no matter here"}
    first, second = run("infra.buckets", **env), run("infra.buckets", **env)
    assert (first.returncode, first.stdout) == (0, "fresh-assets: made\nfresh-videos: made\n"), first.stderr
    assert (second.returncode, second.stdout) == (0, "fresh-assets: is there\nfresh-videos: is there\n")
    S3Storage(fresh).check()


def test_a_store_that_does_not_answer_makes_no_buckets() -> None:
    env = {"S3_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    ended = run("infra.buckets", "--wait", "0", **env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "buckets: the object store does not answer" in ended.stderr
    assert run("infra.buckets", S3_ENDPOINT="s3").returncode == 2


def test_buckets_wait_for_their_store(tmp_path: Path) -> None:
    settings = replace(Settings(), s3_endpoint=f"http://127.0.0.1:{free_port()}", s3_timeout=5.0)
    command = [sys.executable, "-P", "-m", "infra.buckets", "--wait", "100"]
    env = {**os.environ, **as_environment(settings), "PYTHONPATH": str(ROOT), "LOG_LEVEL": "INFO"}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "waiting for the object store" in process.stderr.readline()
            with s3_server(tmp_path, settings):
                assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("shared", [True, False])
def test_work_of_other_jobs_is_reused_unless_the_cache_of_assets_is_off(
    shared: bool, client: FlaskClient, quick: Settings, store: JobStore, storage: MemoryStorage
) -> None:
    film = {"scenes": [{"narration": "Gulls over the harbour."}], "transition": "cut"}
    before = Pipeline(quick, store, storage)
    before.run(accepted(client, **film))
    pipeline = Pipeline(replace(quick, asset_cache_enabled=shared), store, storage)
    again = pipeline.run(accepted(client, **film))
    assert again.state == "completed"
    made = {"speak:s1", "segment:s1.0", "mix"}
    assert made <= set(before.ran)
    assert made & set(pipeline.ran) == (set() if shared else made)
    assert {name for name in made if again.steps[name].reused} == (made if shared else set())


def test_what_is_made_without_the_cache_of_assets_is_not_known_to_others(
    client: FlaskClient, quick: Settings, store: JobStore, storage: MemoryStorage
) -> None:
    pipeline = Pipeline(replace(quick, asset_cache_enabled=False), store, storage)
    job = pipeline.run(accepted(client, scenes=[{"narration": "Gulls over the harbour."}]))
    works = [step.fingerprint for step in job.steps.values() if step.fingerprint]
    assert works
    assert set(store.known_work(job.owner, works).values()) == {None}
