"""Camera moves over stills must be smooth to a fraction of a pixel."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from common.contracts.timeline import Profile
from tests.support.scenes import clip, footage, rendered, scene
from tests.support.steprun import step_run

CANVAS = Profile(width=640, height=360, preset="ultrafast", crf=8)
FRAMES = 45
DISCS = [(0.2, 0.25), (0.8, 0.25), (0.5, 0.5), (0.2, 0.75), (0.8, 0.75)]


def discs() -> Image.Image:
    image = Image.new("RGB", (1920, 1080), (20, 20, 20))
    draw = ImageDraw.Draw(image)
    for x, y in DISCS:
        draw.ellipse([x * 1920 - 60, y * 1080 - 60, x * 1920 + 60, y * 1080 + 60], fill=(235, 235, 235))
    return image


def tracks(found: np.ndarray) -> np.ndarray:
    """Where the centre of each disc is in each frame: frames x discs x (x, y)."""
    grey = np.clip(found[..., 1].astype(float) - 40, 0, None)
    rows, columns = np.mgrid[0:360, 0:640]
    paths = []
    for x, y in DISCS:
        around = (np.abs(columns - x * 640) < 80) & (np.abs(rows - y * 360) < 60)
        weight = (grey * around).sum(axis=(1, 2))
        paths.append(np.stack([(grey * around * axis).sum(axis=(1, 2)) / weight for axis in (columns, rows)], axis=-1))
    return np.stack(paths, axis=1)


@pytest.fixture(scope="module")
def moved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    folder = tmp_path_factory.mktemp(request.param)
    discs().save(folder / "discs.png")
    run = step_run(folder)
    return tracks(
        rendered(scene(clip(footage(run, folder / "discs.png"), FRAMES, motion=request.param), profile=CANVAS), run)
    )


@pytest.mark.parametrize("moved", ["zoom-in", "zoom-out", "pan-left", "pan-right"], indirect=True)
def test_nothing_trembles(moved: np.ndarray):
    # Steps of whole pixels would make neighbouring frames differ in speed by up to one pixel per frame.
    assert np.abs(np.diff(moved, n=2, axis=0)).max() < 0.06


@pytest.mark.parametrize(("moved", "sign"), [("zoom-in", 1), ("zoom-out", -1)], indirect=["moved"])
def test_a_zoom_goes_straight_in_or_out_around_the_centre(moved: np.ndarray, sign: int):
    from_centre = np.linalg.norm(moved - np.array([319.5, 179.5]), axis=-1)
    growth = sign * np.diff(from_centre, axis=0)[:, [0, 1, 3, 4]]
    assert growth.min() > 0
    assert np.abs(moved[:, 2] - [319.5, 179.5]).max() < 0.5
    ratio = (from_centre[-1, 0] / from_centre[0, 0]) ** sign
    assert ratio == pytest.approx(1.045, abs=0.004)  # 3 % a second


@pytest.mark.parametrize(("moved", "sign"), [("pan-right", -1), ("pan-left", 1)], indirect=["moved"])
def test_a_pan_moves_everything_sideways_alike(moved: np.ndarray, sign: int):
    steps = np.diff(moved, axis=0)
    assert (sign * steps[..., 0]).min() > 0
    assert np.abs(steps[..., 1]).max() < 0.05
    assert np.ptp((moved[-1] - moved[0])[:, 0]) < 0.3


def test_a_long_move_does_not_go_too_close(tmp_path: Path):
    discs().save(tmp_path / "discs.png")
    run = step_run(tmp_path)
    spec = scene(clip(footage(run, tmp_path / "discs.png"), 300, motion="zoom-in"), profile=CANVAS)
    path = tracks(rendered(spec, run)[[0, -1]])
    from_centre = np.linalg.norm(path - np.array([319.5, 179.5]), axis=-1)[:, 0]
    assert from_centre[1] / from_centre[0] == pytest.approx(1.12, abs=0.01)
