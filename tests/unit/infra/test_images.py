"""The parts of the trial of the images that need no engine: a docker command of our own takes its place."""

from pathlib import Path

import pytest

from infra.images import bases, imports
from infra.images.engine import CannotRun, Docker, engine

ROOT = Path(__file__).resolve().parents[3]
LOG = """\
import time: self [us] | cumulative | imported package
import time:       120 |        120 |   flask
import time:        88 |        300 | redis.asyncio
2026-01-01 12:00:00 the service is up
import time:        12 |         12 |     PIL.Image
"""
OWNERS = {"flask": ["Flask"], "redis": ["redis"], "PIL": ["pillow"], "opentimelineio": ["OpenTimelineIO"]}


def test_a_package_is_seen_by_any_of_its_modules() -> None:
    assert imports.seen(LOG, OWNERS) == {"flask", "redis", "pillow"}


def test_the_list_of_an_image_holds_those_it_names(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("redis\nFont_Source\n")
    (tmp_path / "more.txt").write_text("-r base.txt\n# a reason\npillow\nletters  # files only, as it happens\n")
    assert imports.listed(tmp_path, "more") == {"redis", "font-source", "pillow"}


def test_every_service_is_watched() -> None:
    assert set(imports.watched(["api", "renderer"])["services"]) == {"api", "renderer"}


def test_the_base_images_are_those_of_our_files() -> None:
    wanted = bases.wanted(ROOT, "3.11")
    assert wanted["redis"] in (ROOT / "docker-compose.yml").read_text()
    assert wanted["s3"] in (ROOT / "docker-compose.yml").read_text()
    assert wanted["python"].removeprefix("docker.io/library/python:") in (ROOT / "infra/docker/Dockerfile").read_text()


def fake_docker(folder: Path, script: str) -> Docker:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Docker({"PATH": "/usr/bin:/bin"}, str(program))


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    docker = fake_docker(tmp_path, "echo no such thing >&2; exit 3")
    with pytest.raises(CannotRun, match="docker image rm x failed: no such thing"):
        docker.run("image", "rm", "x")
    assert docker.run("image", "rm", "x", check=False) == ""


def test_real_images_are_no_stand_ins(tmp_path: Path) -> None:
    has_all = 'case "$1 $2" in "image inspect") echo sha256:1;; inspect*) echo;; *) exit 1;; esac'
    assert bases.provide(fake_docker(tmp_path, has_all), ROOT, tmp_path, "3.11", say=print) == []


def test_stand_ins_are_named(tmp_path: Path) -> None:
    has_all = 'case "$1 $2" in "image inspect") echo sha256:1;; inspect*) echo yes;; *) exit 1;; esac'
    stand_ins = bases.provide(fake_docker(tmp_path, has_all), ROOT, tmp_path, "3.11", say=print)
    assert stand_ins == list(bases.wanted(ROOT, "3.11").values())
    assert list(bases.describe(stand_ins)) == [f"stand-in: {image}" for image in stand_ins]


def test_without_docker_the_reason_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match="there is no docker command; install Docker"), engine(tmp_path):
        pass
