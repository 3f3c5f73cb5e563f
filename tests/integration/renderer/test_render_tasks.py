from pathlib import Path

import pytest

from common.contracts.kinds import STEP_KINDS
from common.errors import NotConfigured
from common.settings import Settings
from renderer.ffmpeg.run import ffmpeg_build
from renderer.tasks import engines, handlers
from tests.support.scenes import PROGRAM, clip, scene, scenery
from tests.support.steprun import step_run


def test_the_worker_registers_its_build_of_ffmpeg():
    assert engines(Settings()) == {"ffmpeg": ffmpeg_build(PROGRAM)}


def test_there_is_a_handler_for_each_step_of_the_queue():
    assert set(handlers(Settings())) == {kind for kind, step in STEP_KINDS.items() if step.queue == "render"}


def test_a_segment_step_renders(tmp_path: Path):
    facts = handlers(Settings())["segment"](scene(clip(scenery(), 5)), step_run(tmp_path))
    assert facts.model_dump()["frames"] == 5


def test_an_ffmpeg_that_cannot_be_run_is_named_before_any_step():
    with pytest.raises(NotConfigured, match="FFMPEG: /no/such/program cannot be run; name another"):
        engines(Settings(ffmpeg="/no/such/program"))


@pytest.mark.parametrize(
    ("libraries", "version", "complaint"),
    [
        ("--enable-libx264 --enable-libass --enable-libzimg", "libavformat    61.  1.100", "older than version 9"),
        ("--enable-libx264 --enable-libass", "libavformat    63.  1.100", "lacks libzimg"),
    ],
)
def test_an_ffmpeg_that_cannot_do_our_work_is_named_before_any_step(
    tmp_path: Path, libraries: str, version: str, complaint: str
):
    poor = tmp_path / "ffmpeg"
    poor.write_text(f"#!/bin/sh\necho 'ffmpeg version 1'\necho 'configuration: {libraries}'\necho '{version}'\n")
    poor.chmod(0o755)
    with pytest.raises(NotConfigured, match=complaint):
        engines(Settings(ffmpeg=str(poor)))
