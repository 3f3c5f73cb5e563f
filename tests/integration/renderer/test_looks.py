"""Looks as they go into the encoder: one real frame says what a table of numbers cannot."""

from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from common.contracts.footage import Footage, Tone
from common.contracts.request import Style
from common.worker.steprun import StepRun
from renderer.frame import picture_area
from renderer.picture.looks import BLACK, LOOKS, NEUTRAL, WHITE, grade
from tests.support import clips
from tests.support.curves import curve
from tests.support.scenes import SMALL, clip, exact, footage, scene
from tests.support.steprun import step_run

STYLES: tuple[Style, ...] = get_args(Style)
WIDTH, HEIGHT = SMALL.width, SMALL.height


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def still(run: StepRun, levels: np.ndarray) -> Footage:
    """A picture of these levels, 0 to 255: grey, or red, green and blue."""
    path = run.workdir / "still.png"
    Image.fromarray(levels.astype(np.uint8)).save(path)
    return footage(run, path)


def shown(run: StepRun, of: Footage, style: Style, **more: object) -> np.ndarray:
    """The pictures of a short scene: luma above chroma."""
    return exact(scene(clip(of, 6), style=style, **more), run).astype(int)  # type: ignore[arg-type]


def luma(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, :HEIGHT]


def chroma(pictures: np.ndarray) -> np.ndarray:
    """Pictures x (blue, red) x rows x columns, of half the size."""
    return pictures[:, HEIGHT:].reshape(-1, 2, HEIGHT // 2, WIDTH // 2)


def flat(level: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), level)


def ramp() -> np.ndarray:
    return np.tile(np.linspace(0, 255, WIDTH), (HEIGHT, 1)).round()


def test_the_pictures_of_the_styles_differ(run: StepRun):
    moving = footage(run, clips.clip(), seconds=2.0)
    found = {style: shown(run, moving, style) for style in STYLES}
    for one, other in combinations(STYLES, 2):
        assert np.abs(found[one] - found[other]).mean() > 2


def test_mono_has_no_colour_at_all(run: StepRun):
    found = shown(run, footage(run, clips.clip(), seconds=2.0), "mono")
    assert (chroma(found) == NEUTRAL).all()
    assert np.ptp(luma(found)) > 150


@pytest.mark.parametrize("style", STYLES)
def test_grey_is_graded_as_its_curve_says(run: StepRun, style: Style):
    """In the middle, where nothing is lost to the vignette, as far as the grain lets one see."""
    source = shown(run, still(run, ramp()), "documentary")
    found = shown(run, still(run, ramp()), style)
    middle = slice(WIDTH // 2 - 40, WIDTH // 2 + 40)
    wanted = [curve(grade(style, None), value) for value in source[0, HEIGHT // 2, middle]]
    seen = found[:, HEIGHT // 2 - 8 : HEIGHT // 2 + 8, middle].mean(axis=(0, 1))
    assert np.abs(seen - wanted).max() <= 2
    # Codes are cut off, not rounded, once or twice; nothing else may make all of it darker.
    assert -1.3 < (seen - wanted).mean() < 0.3


@pytest.mark.parametrize("style", STYLES)
def test_colours_are_as_strong_as_the_look_wants_them(run: StepRun, style: Style):
    colours = np.zeros((HEIGHT, WIDTH, 3))
    colours[:, : WIDTH // 2], colours[:, WIDTH // 2 :] = (180, 90, 90), (90, 90, 180)
    plain, found = (chroma(shown(run, still(run, colours), of))[:, :, 20:70] for of in ("documentary", style))
    # Tints move all colours alike; how far these two are from each other is a matter of saturation.
    left, right = slice(0, 60), slice(100, 160)
    before, after = (np.abs((one[..., left] - one[..., right]).mean(axis=(0, 2, 3))).sum() for one in (plain, found))
    assert after / before == pytest.approx(LOOKS[style].saturation, abs=0.05)


@pytest.mark.parametrize("style", STYLES)
def test_only_the_corners_lose_light_and_only_where_the_look_wants_it(run: StepRun, style: Style):
    found = luma(shown(run, still(run, flat(150)), style)).mean(axis=0)
    area = picture_area(style, SMALL)
    inside = found[area.top : area.top + area.height]
    middle, corner = inside[area.height // 2 - 10 : area.height // 2 + 10, 150:170].mean(), inside[:6, :6].mean()
    lost = 1 - corner / middle
    assert lost == pytest.approx(LOOKS[style].vignette, abs=0.05)


@pytest.mark.parametrize("style", STYLES)
def test_grain_moves_over_what_stands_still_and_has_no_colour(run: StepRun, style: Style):
    found = shown(run, still(run, flat(120)), style)
    moved = np.abs(np.diff(luma(found), axis=0))
    assert moved.any() == bool(LOOKS[style].grain)
    assert luma(found)[:, 80:100, 120:200].std() <= LOOKS[style].grain + 0.5
    assert not np.diff(chroma(found), axis=0).any()


def test_bars_are_black_and_what_is_between_them_is_whole(run: StepRun):
    area = picture_area("cinematic", SMALL)
    found = luma(shown(run, still(run, flat(200)), "cinematic"))
    assert area.top > 0
    assert (found[:, : area.top] == BLACK).all()
    assert (found[:, area.top + area.height :] == BLACK).all()
    assert found[:, area.top : area.top + area.height].min() > 100


def filmed(run: StepRun, light: float, cast: int = 0) -> Footage:
    """The same picture, taken with so much of the light and with a cast to blue; measured."""
    picture = "testsrc2=s=320x180:r=30:d=1,format=yuv420p,boxblur=8"
    camera = f"lutyuv=y='16+(val-16)*0.8*{light}':u='128+(val-128)*0.2+{cast}':v='128+(val-128)*0.2-{cast}'"
    path = clips.make(f"camera-{light}-{cast}.mp4", ["-f", "lavfi", "-i", f"{picture},{camera}", "-qp", "4"])
    taken = footage(run, path, seconds=1.0)
    seen = shown(run, taken, "documentary")
    black, mid, white = np.percentile(luma(seen), (2, 50, 98))
    u, v = chroma(seen).mean(axis=(0, 2, 3))
    return taken.model_copy(update={"tone": Tone(black=black, mid=mid, white=white, u=u, v=v)})


@pytest.mark.parametrize("style", STYLES)
def test_two_cameras_come_nearer_to_each_other_in_every_style(run: StepRun, style: Style):
    one, other = filmed(run, 1.0), filmed(run, 0.7, cast=7)
    asis = [shown(run, of.model_copy(update={"tone": None}), style) for of in (one, other)]
    film = [shown(run, of, style) for of in (one, other)]
    assert np.abs(luma(film[0]) - luma(film[1])).mean() < 0.95 * np.abs(luma(asis[0]) - luma(asis[1])).mean()
    if LOOKS[style].saturation:
        assert np.abs(chroma(film[0]) - chroma(film[1])).mean() < np.abs(chroma(asis[0]) - chroma(asis[1])).mean()
    assert all(luma(picture).min() >= BLACK - 2 and luma(picture).max() <= WHITE + 2 for picture in film)
