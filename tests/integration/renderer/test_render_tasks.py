from pathlib import Path

import pytest

from common.errors import NotConfigured, Retryable
from common.settings import Settings
from renderer.tasks import engines, handlers
from tests.support.scenes import BUILD, clip, scene, scenery
from tests.support.steprun import step_run


def test_the_worker_registers_its_build_of_ffmpeg():
    assert engines(Settings()) == {"ffmpeg": BUILD}


def test_there_is_a_handler_for_each_step_of_the_queue():
    assert set(handlers(Settings())) == {"segment", "mix", "assemble"}


def test_a_segment_step_renders(tmp_path: Path):
    facts = handlers(Settings())["segment"](scene(clip(scenery(), 5)), step_run(tmp_path))
    assert facts.model_dump()["frames"] == 5


def test_a_film_of_another_build_is_handed_back(tmp_path: Path):
    spec = scene(clip(scenery(), 5)).model_copy(update={"build": "n1.0"})
    with pytest.raises(Retryable, match="another build of ffmpeg"):
        handlers(Settings())["segment"](spec, step_run(tmp_path))


def test_an_ffmpeg_that_cannot_be_run_is_named_before_any_step():
    with pytest.raises(NotConfigured, match="FFMPEG"):
        engines(Settings(ffmpeg="/no/such/program"))
