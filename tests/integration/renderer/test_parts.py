"""A scene rendered in parts is the scene rendered whole, bit for bit as it goes into the encoder."""

from pathlib import Path

import numpy as np
import pytest

from common.contracts.steps import SegmentSpec
from common.worker.steprun import StepRun
from tests.support import clips
from tests.support.scenes import clip, exact, footage, part, scene, scenery, words
from tests.support.steprun import step_run

X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-pix_fmt", "yuv420p"]
OPEN_GOP = ["-c:v", "libx264", "-x264-params", "open-gop=1:bframes=3:keyint=20:scenecut=0", "-pix_fmt", "yuv420p"]
IRREGULAR = "select='not(between(mod(n,23),5,17))'"
"Half a second without a new picture, again and again, as when a screen is recorded."


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def moving(name: str, rate: str, *encoding: str, seconds: float = 4, chain: str = "") -> Path:
    picture = f"testsrc2=s=320x180:r={rate}:d={seconds}" + (f",{chain}" if chain else "")
    return clips.make(name, ["-f", "lavfi", "-i", picture, *(encoding or (*X264, "-g", "30"))])


def in_parts(spec: SegmentSpec, run: StepRun, *cuts: int) -> np.ndarray:
    places = [*zip((0, *cuts), (*cuts, spec.timeline.frames), strict=True)]
    return np.concatenate([exact(part(spec, first, end - first), run) for first, end in places])


def differing(spec: SegmentSpec, run: StepRun, *cuts: int) -> list[int]:
    """The frames that are not the same."""
    whole, parts = exact(spec, run), in_parts(spec, run, *cuts)
    assert whole.shape == parts.shape
    return np.flatnonzero((whole != parts).any(axis=(1, 2))).tolist()


SOURCES = {
    "60": lambda: moving("parts-60.mp4", "60"),
    "25": lambda: moving("parts-25.mp4", "25"),
    "film": lambda: moving("parts-23.mp4", "24000/1001"),
    "open-gop": lambda: moving("parts-open.mp4", "50", *OPEN_GOP),
    "irregular": lambda: moving("parts-irregular.mp4", "30", *X264, "-g", "30", "-fps_mode", "vfr", chain=IRREGULAR),
    "webm": lambda: moving("parts.webm", "60", "-c:v", "libvpx", "-deadline", "realtime", "-g", "30"),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("start", "speed"), [(0.0, 1.0), (0.7183, 1.0), (0.5, 0.83), (0.25, 1.25)])
def test_all_parts_of_a_stretch_choose_the_same_pictures(run: StepRun, source: str, speed: float, start: float):
    of = footage(run, SOURCES[source](), seconds=4.0)
    spec = scene(clip(of, 75, source_start=start, speed=speed))
    assert differing(spec, run, 17, 50) == []


def test_a_known_rate_changes_nothing_about_that(run: StepRun):
    of = footage(run, SOURCES["webm"](), seconds=4.0).model_copy(update={"fps": 60.0})
    assert differing(scene(clip(of, 75, source_start=0.7183)), run, 17, 50) == []


def test_parts_behind_the_end_of_the_footage_hold_its_last_picture_too(run: StepRun):
    of = footage(run, moving("parts-short.mp4", "30", seconds=1), seconds=1.0)
    assert differing(scene(clip(of, 60, source_start=0.2)), run, 20, 40) == []


@pytest.mark.parametrize("motion", ["none", "zoom-in", "pan-left"])
def test_a_camera_move_goes_on_over_the_cut(run: StepRun, motion: str):
    of = footage(run, clips.picture(640, 480))
    assert differing(scene(clip(of, 40, length=52, motion=motion)), run, 13, 21) == []


def test_painted_scenery_goes_on_over_the_cut(run: StepRun):
    assert differing(scene(clip(scenery(), 24, skip=7, length=31)), run, 10) == []


def test_captions_and_several_clips_lie_alike(run: StepRun):
    video, still = footage(run, clips.clip(), seconds=2.0), footage(run, clips.picture(640, 480))
    spec = scene(
        clip(video, 20, fit="smart"),
        clip(still, 15, motion="zoom-out"),
        clip(video, 1, source_start=1.0),
        clip(scenery(), 14, fit="contain-blur"),
        said=words("over", "the", "quiet", "hills", "again", "and", "again.", frames=7),
        captioned=True,
        style="cinematic",
    )
    assert differing(spec, run, 9, 28, 36) == []
