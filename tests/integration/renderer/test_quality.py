"""What the gate lets through and what it does not, with pictures made by the real ffmpeg."""

from pathlib import Path
from typing import get_args

import pytest

from common.contracts.footage import Footage, Provenance, SceneryRecipe
from common.contracts.request import Style
from common.contracts.timeline import Card, Closing, PictureReport, Span
from common.errors import BelowStandard
from common.worker.steprun import StepRun
from renderer.steps.segment import segment
from tests.support import clips
from tests.support.scenes import PROGRAM, SMALL, clip, footage, scene, words
from tests.support.steprun import step_run

CLEAN = PictureReport()
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
DARK = "lutyuv=y=16+(val-16)*0.15:u=128+(val-128)*0.15:v=128+(val-128)*0.15"


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def made(name: str, source: str, *encoding: str) -> Path:
    return clips.make(name, ["-f", "lavfi", "-i", source, *X264, *encoding])


def black() -> Path:
    return made("black.mp4", "color=black:s=320x180:r=30:d=3")


def frozen() -> Path:
    """A picture that stands still in a file that was encoded coarsely, as one finds them."""
    return made(
        "frozen.mp4",
        "testsrc2=s=320x180:r=30:d=0.03,loop=loop=-1:size=1,setpts=N/30/TB,trim=end_frame=120",
        "-crf",
        "33",
    )


def own(of: Footage, provider: str = "upload") -> Footage:
    return of.model_copy(update={"provenance": Provenance(provider=provider)})


def judged(run: StepRun, *shown: object, **more: object) -> PictureReport:
    return segment(scene(*shown, **more), run, PROGRAM, threads=1).report  # type: ignore[arg-type]


@pytest.mark.parametrize("style", get_args(Style))
def test_found_footage_that_is_black_is_refused_in_every_look(run: StepRun, style: Style):
    source = footage(run, black(), seconds=3.0)
    with pytest.raises(BelowStandard, match=r"shot s1\.0 is black for 1\.[5-9] s"):
        judged(run, clip(source, 54), style=style)
    assert list(run.storage.list("assets", "local/segment")) == []


@pytest.mark.parametrize("style", get_args(Style))
def test_found_footage_that_stands_still_is_refused_under_any_grain(run: StepRun, style: Style):
    with pytest.raises(BelowStandard, match=r"shot s1\.0 does not move for 2\.\d s"):
        judged(run, clip(footage(run, frozen(), seconds=4.0), 84), style=style)


@pytest.mark.parametrize("crf", [18, 23, 28])
@pytest.mark.parametrize("source", ["testsrc2", "mandelbrot"])
def test_what_an_encoder_makes_of_a_frozen_picture_is_no_movement(run: StepRun, source: str, crf: int):
    """It moves for a second, and then holds its picture, which the encoder goes on to refine."""
    held = f"{source}=s=640x360:r=30,trim=end_frame=31,loop=loop=100:size=1:start=30,setpts=N/30/TB"
    path = made(f"held-{source}-{crf}.mp4", held, "-frames:v", "120", "-crf", str(crf))
    report = judged(run, clip(own(footage(run, path, seconds=4.0)), 120))
    (span,) = report.frozen
    assert 18 <= span.start <= 48
    assert span.end >= 112


def test_a_small_thing_that_moves_is_enough(run: StepRun):
    moving = "color=0x506070:s=640x360:r=30:d=3[sky];color=0x303840:s=64x40:r=30:d=3[boat];[sky][boat]overlay=x=40+n"
    path = made("boat.mp4", moving, "-crf", "23")
    assert judged(run, clip(footage(run, path, seconds=3.0), 80)) == CLEAN


def test_captions_that_change_do_not_hide_what_stands_still(run: StepRun):
    said = words(*["one", "two", "three", "four", "five", "six", "seven"], frames=10)
    with pytest.raises(BelowStandard):
        judged(run, clip(footage(run, frozen(), seconds=4.0), 84), said=said, captioned=True)


@pytest.mark.parametrize("provider", ["upload", "url"])
def test_what_the_user_gave_is_shown_and_its_faults_are_told(run: StepRun, provider: str):
    dark, still = (own(footage(run, path, seconds=4.0), provider) for path in (black(), frozen()))
    report = judged(run, clip(dark, 48), clip(still, 84, shot="s1.1"))
    assert report.black == (Span(start=0, end=43),)
    assert report.frozen == (Span(start=48, end=127),)
    assert report.problems == ("shot s1.0 is black for 1.4 s", "shot s1.1 does not move for 2.6 s")


def test_the_clip_that_is_to_blame_is_named(run: StepRun):
    moving = footage(run, clips.clip(seconds=3.0), seconds=3.0)
    with pytest.raises(BelowStandard, match=r"shot s1\.1 "):
        judged(run, clip(moving, 40), clip(footage(run, black(), seconds=3.0), 50, shot="s1.1"))


def test_short_rests_and_fades_pass(run: StepRun):
    # Down to black and up again: some 20 frames are black.
    fades = "fade=out:40:8:enable='lt(n,57)',fade=in:66:8:enable='gte(n,57)'"
    found = made("rests.mp4", f"testsrc2=s=320x180:r=30:d=4,{fades},format=yuv420p")
    assert judged(run, clip(footage(run, found, seconds=4.0), 100)) == CLEAN
    assert judged(run, clip(footage(run, frozen(), seconds=4.0), 50)) == CLEAN


def test_dark_footage_that_moves_passes(run: StepRun):
    path = made("dark.mp4", f"testsrc2=s=320x180:r=30:d=3,{DARK}")
    assert judged(run, clip(footage(run, path, seconds=3.0), 80)) == CLEAN


@pytest.mark.parametrize("theme", ["night", "space", "underwater", "city", "desert"])
def test_the_darkest_and_the_calmest_scenery_pass(run: StepRun, theme: str):
    recipe = SceneryRecipe.model_validate({"theme": theme, "light": "night", "seed": 2})
    painted = Footage(kind="scenery", scenery=recipe, provenance=Provenance(provider="scenery"))
    assert judged(run, clip(painted, 80)) == CLEAN


def test_under_an_end_card_the_picture_may_rest_and_under_a_title_it_may_not(run: StepRun):
    spec = scene(clip(footage(run, frozen(), seconds=4.0), 100))
    ended, titled = (
        spec.model_copy(update={"card": card})
        for card in (Card(kind="end", text="End"), Card(kind="title", text="Sea"))
    )
    assert segment(ended, run, PROGRAM, threads=1).report == CLEAN
    with pytest.raises(BelowStandard, match="does not move"):
        segment(titled, run, PROGRAM, threads=1)


@pytest.mark.parametrize("motion", ["none", "zoom-in", "pan-left"])
def test_a_still_may_stand_still_and_its_camera_is_seen_to_move(run: StepRun, motion: str):
    assert judged(run, clip(footage(run, clips.picture()), 100, motion=motion)) == CLEAN


def test_footage_that_is_known_to_be_too_short_is_shown_and_told(run: StepRun):
    """It would be no longer if the scene were rendered again."""
    report = judged(run, clip(footage(run, clips.clip(seconds=1.0), seconds=1.0), 120))
    assert len(report.frozen) == 1
    assert report.problems == ("shot s1.0 is at its end and holds its last picture for 2.8 s",)


def test_a_dip_to_black_is_no_fault(run: StepRun):
    moving = footage(run, clips.clip(seconds=3.0), seconds=3.0)
    closing = Closing(kind="dip-black", frames=15, head=clip(moving, 15, skip=40, length=55))
    assert judged(run, clip(moving, 60, length=75), closing=closing) == CLEAN


def test_words_on_black_are_a_title(run: StepRun):
    spec = scene(clip(footage(run, black(), seconds=3.0), 48))
    titled = spec.model_copy(update={"card": Card(kind="title", text="The harbour")})
    assert segment(titled, run, PROGRAM, threads=1).report.black == ()


def test_captions_too_wide_for_their_place_are_told(run: StepRun):
    """Capitals are wider than the letters that lines were broken by: one of these becomes two."""
    moving = footage(run, clips.clip(seconds=3.0), seconds=3.0)
    said = words("\u00df" * 19, frames=40)
    upright = SMALL.model_copy(update={"width": 180, "height": 320})
    report = judged(run, clip(moving, 60), said=said, captioned=True, style="vivid", profile=upright)
    assert report.overflowing == 1
    assert report.problems == ("1 caption is wider than its place",)
