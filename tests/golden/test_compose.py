"""The ffmpeg arguments and the caption file of typical scenes, as text."""

import re

import pytest

from common.contracts.footage import Footage, Provenance, SceneryRecipe
from common.contracts.narration import Word
from common.contracts.request import Style
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import CaptionLook, Clip, Profile, SceneTimeline
from renderer.ass import ass
from renderer.captions import cues
from renderer.compose import Source, compose
from tests.support.golden import check_golden

WIDE = Profile(width=1920, height=1080)
TALL = Profile(width=1080, height=1920)
FROM = Provenance(provider="folder")
VIDEO = Footage(kind="video", width=1280, height=720, seconds=8.0, fps=25.0, provenance=FROM)
STILL = Footage(kind="still", width=3000, height=2000, provenance=FROM)
SCENERY = Footage(kind="scenery", scenery=SceneryRecipe(theme="ocean", light="sunset", seed=1), provenance=FROM)
MP4 = Source("clip0", "mov")
JPEG = Source("clip1", "jpeg_pipe", matrix="bt601")
PAINTED = Source("feed:0", "rawvideo", size=(960, 540), pixel_format="rgb24")


def spec(*clips: Clip, profile: Profile = WIDE, style: Style = "documentary", captions: bool = False) -> SegmentSpec:
    look = CaptionLook(style=style, width=profile.width, height=profile.height)
    timeline = SceneTimeline(scene="s1", frames=sum(clip.frames for clip in clips), clips=clips)
    return SegmentSpec(timeline=timeline, profile=profile, style=style, captions=look if captions else None, voice=None)


def readable(arguments: list[str]) -> str:
    """One option or filter per line."""
    lines = re.sub(r"\n(?!-[a-z])", " ", "\n".join(arguments))
    return lines.replace(";[", ";\n  [") + "\n"


SCENES = {
    "video-cover": (spec(Clip(shot="s1.0", footage=VIDEO, frames=90, source_start=1.5)), [MP4]),
    "video-contain": (spec(Clip(shot="s1.0", footage=VIDEO, frames=90, fit="contain-blur"), profile=TALL), [MP4]),
    "video-hdr": (spec(Clip(shot="s1.0", footage=VIDEO, frames=90)), [MP4._replace(hdr=True)]),
    "still-resting": (spec(Clip(shot="s1.0", footage=STILL, frames=60)), [JPEG]),
    "still-zoom-in": (spec(Clip(shot="s1.0", footage=STILL, frames=60, motion="zoom-in")), [JPEG]),
    "still-pan-left": (spec(Clip(shot="s1.0", footage=STILL, frames=300, motion="pan-left")), [JPEG]),
    "scenery": (spec(Clip(shot="s1.0", footage=SCENERY, frames=60)), [PAINTED]),
    "three-clips-captioned": (
        spec(
            Clip(shot="s1.0", footage=VIDEO, frames=50),
            Clip(shot="s1.1", footage=STILL, frames=60, motion="zoom-out"),
            Clip(shot="s1.2", footage=SCENERY, frames=70),
            profile=TALL,
            style="vintage",
            captions=True,
        ),
        [MP4, JPEG, PAINTED],
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_gives_these_arguments(name: str):
    scene, sources = SCENES[name]
    check_golden(f"compose-{name}.txt", readable(compose(scene, sources, threads=1)))


@pytest.mark.parametrize(("name", "profile"), [("wide", WIDE), ("tall", TALL)])
def test_captions_give_this_file(name: str, profile: Profile):
    said = 'Rivers carry it back, says {\\b1}, and "nothing" is lost.'
    words = [Word(text=text, start=12_000 * n, end=12_000 * n + 9_600) for n, text in enumerate(said.split())]
    look = CaptionLook(style="cinematic", width=profile.width, height=profile.height)
    check_golden(f"captions-{name}.ass", ass(cues([words], look, 30, 120), look, "Source Sans Pro", 30))
