"""The ffmpeg arguments and the caption file of typical scenes, as text."""

import re
from typing import Any

import pytest

from common.captions import Cue, Spoken, cues
from common.contracts.footage import Footage, Provenance, SceneryRecipe
from common.contracts.narration import Word
from common.contracts.request import Style
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import Card, Clip, Closing, Profile, SceneTimeline, TextFrame
from renderer.picture.source import Source
from renderer.steps.compose import Overlays, compose
from renderer.text.ass import ass, ass_on
from renderer.text.caption_strip import caption_strip
from renderer.text.watermark import Position
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


def clip(shot: str, footage: Footage, frames: int, **more: Any) -> Clip:
    return Clip(shot=shot, footage=footage, frames=frames, length=frames + 15, **more)


def spec(
    *clips: Clip,
    profile: Profile = WIDE,
    style: Style = "documentary",
    captions: bool = False,
    closing: Closing | None = None,
) -> SegmentSpec:
    look, frames = TextFrame(style=style, width=profile.width, height=profile.height), sum(c.frames for c in clips)
    timeline = SceneTimeline(scene="s1", frames=frames, length=frames, closing=closing, clips=clips)
    return SegmentSpec(timeline=timeline, profile=profile, style=style, captions=look if captions else None, voice=None)


def readable(arguments: list[str]) -> str:
    """One option or filter per line."""
    lines = re.sub(r"\n(?!-[a-z])", " ", "\n".join(arguments))
    return lines.replace(";[", ";\n  [") + "\n"


def part(whole: SegmentSpec, first: int) -> SegmentSpec:
    timeline = whole.timeline.model_copy(update={"first": first, "length": first + whole.timeline.frames})
    return whole.model_copy(update={"timeline": timeline, "sound": False})


SAID = ((Spoken("Rivers", 3), Spoken("carry", 20)), (Spoken("it", 110),))
SCENES = {
    "video-cover": (spec(clip("s1.0", VIDEO, 90, source_start=1.5)), [MP4]),
    "video-enlarged": (spec(clip("s1.0", VIDEO, 90), style="vivid"), [MP4]),
    "video-contain": (spec(clip("s1.0", VIDEO, 90, fit="contain-blur"), profile=TALL), [MP4]),
    "video-hdr": (spec(clip("s1.0", VIDEO, 90)), [MP4._replace(hdr=True)]),
    "still-resting": (spec(clip("s1.0", STILL, 60)), [JPEG]),
    "still-zoom-in": (spec(clip("s1.0", STILL, 60, motion="zoom-in")), [JPEG]),
    "still-pan-left": (spec(clip("s1.0", STILL, 300, motion="pan-left")), [JPEG]),
    "scenery": (spec(clip("s1.0", SCENERY, 60)), [PAINTED]),
    "three-clips-captioned": (
        spec(
            clip("s1.0", VIDEO, 50),
            clip("s1.1", STILL, 60, motion="zoom-out"),
            clip("s1.2", SCENERY, 70),
            profile=TALL,
            style="vintage",
            captions=True,
        ),
        [MP4, JPEG, PAINTED],
    ),
    "closed-by-a-crossfade": (
        spec(
            clip("s1.0", VIDEO, 60),
            closing=Closing(kind="crossfade", frames=12, head=clip("s2.0", STILL, 12, skip=3, motion="pan-right")),
        ),
        [MP4, JPEG],
    ),
    "second-part": (part(spec(clip("s1.0", VIDEO, 60, skip=90), captions=True), first=90), [MP4]),
    "title-and-logo": (
        spec(clip("s1.0", VIDEO, 60), style="cinematic").model_copy(update={"card": Card(kind="title", text="Sea")}),
        [MP4],
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_gives_these_arguments(name: str):
    scene, sources = SCENES[name]
    overlays = Overlays(Position(1700, 40), ("card.ass",)) if scene.card else Overlays()
    if scene.captions is not None:
        look = scene.captions
        overlays = Overlays(captions=caption_strip([Cue(3, 40, SAID), Cue(100, 160, SAID)], look))
    check_golden(f"compose-{name}.txt", readable(compose(scene, sources, overlays, threads=1)))


@pytest.mark.parametrize(("name", "left", "first"), [("before", 12, 0), ("of", 0, 48)])
def test_the_two_runs_of_a_scene_with_a_transition_have_these_arguments(name: str, left: int, first: int):
    """The clips of the scene are read by the first only, what comes after the scene by the second only."""
    still = clip("s2.0", STILL, 12, skip=3, motion="pan-right")
    scene = spec(
        clip("s1.0", VIDEO, 60), captions=True, closing=Closing(kind="crossfade", frames=12, head=still)
    ).model_copy(update={"sound": True})
    assert scene.captions is not None
    captions = caption_strip([Cue(3, 40, SAID), Cue(45, 60, SAID)], scene.captions)
    source = JPEG if first else MP4
    arguments = compose(scene, [source], Overlays(captions=captions), threads=1, left=left, first=first)
    check_golden(f"compose-run-{name}-a-transition.txt", readable(arguments))


def test_captions_on_their_strip_give_this_file():
    look = TextFrame(style="vintage", width=1080, height=1920)
    shown = [Cue(3, 40, SAID)]
    check_golden("captions-on-strip.ass", ass_on(caption_strip(shown, look), shown, look, "Source Sans Pro", 30))


@pytest.mark.parametrize(("name", "profile"), [("wide", WIDE), ("tall", TALL)])
def test_captions_give_this_file(name: str, profile: Profile):
    said = 'Rivers carry it back, says {\\b1}, and "nothing" is lost.'
    words = [Word(text=text, start=12_000 * n, end=12_000 * n + 9_600) for n, text in enumerate(said.split())]
    look = TextFrame(style="cinematic", width=profile.width, height=profile.height)
    check_golden(f"captions-{name}.ass", ass(cues(words, look, 30, 120), look, "Source Sans Pro", 30))
