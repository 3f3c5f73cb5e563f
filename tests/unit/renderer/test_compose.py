"""What holds for every composition; the exact texts are golden files."""

import pytest

from common.contracts.footage import Footage, Provenance
from common.contracts.narration import Word
from common.contracts.request import Style
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import Clip, Profile, SceneTimeline
from renderer.ffmpeg.formats import MAX_PIXELS
from renderer.picture.looks import grade
from renderer.picture.source import Source
from renderer.steps.compose import Overlays, compose

VIDEO = Footage(kind="video", width=640, height=360, seconds=4.0, provenance=Provenance(provider="folder"))
WORDS = (Word(text="'];[x]drawtext=textfile=/etc/passwd", start=0, end=9_600),)
STYLES: tuple[Style, ...] = ("cinematic", "documentary", "vivid", "mono", "vintage", "minimal")


def arguments(*clips: Clip, style: Style = "minimal", threads: int = 1) -> list[str]:
    spec = SegmentSpec(
        timeline=timeline(*clips), profile=Profile(width=640, height=360), style=style, captions=None, voice=None
    )
    sources = [Source(f"clip{n}", "mov") for n in range(len(clips))]
    return compose(spec, sources, Overlays(words=("card.ass",)), threads)


def timeline(*clips: Clip) -> SceneTimeline:
    frames = sum(clip.frames for clip in clips)
    return SceneTimeline(scene="s1", frames=frames, length=frames, clips=clips, words=WORDS)


def value(found: list[str], option: str) -> str:
    return found[found.index(option) + 1]


def clip(**changes: object) -> Clip:
    return Clip.model_validate({"shot": "s1.0", "footage": VIDEO, "frames": 30, "length": 45} | changes)


def test_no_word_of_the_user_stands_in_an_argument():
    assert not [argument for argument in arguments(clip()) if "drawtext" in argument or "passwd" in argument]


def test_every_input_is_guarded():
    found = arguments(clip(), clip())
    assert found.count("-i") == found.count("file,pipe") == 3
    assert found.count(str(MAX_PIXELS)) == 2
    assert found.count("mov") == 2
    assert found.count("wav") == 1


@pytest.mark.parametrize("draft", [False, True])
def test_only_a_draft_is_decoded_less_carefully(draft: bool):
    profile = Profile(width=640, height=360, draft=draft)
    spec = SegmentSpec(timeline=timeline(clip()), profile=profile, style="minimal", captions=None, voice=None)
    assert ("-skip_loop_filter" in compose(spec, [Source("clip0", "mov")], Overlays(), 1)) == draft


def test_the_same_scene_gives_the_same_text():
    assert arguments(clip(), clip(frames=40)) == arguments(clip(), clip(frames=40))


def test_a_clip_that_would_begin_behind_its_footage_begins_before_its_end():
    assert float(value(arguments(clip(source_start=99.0)), "-ss")) == pytest.approx(3.5)


def test_a_source_per_clip_is_asked_for():
    spec = SegmentSpec(
        timeline=timeline(clip()),
        profile=Profile(width=640, height=360),
        style="minimal",
        captions=None,
        voice=None,
    )
    with pytest.raises(ValueError):
        compose(spec, [], Overlays(), 1)


@pytest.mark.parametrize("style", STYLES)
def test_each_clip_is_graded_before_they_are_joined_and_words_come_last(style: Style):
    graph = value(arguments(clip(), clip(), style=style), "-filter_complex")
    joined, words = graph.index("concat="), graph.index("]ass=")
    for name, _ in grade(style, None):
        assert graph.count(f"]{name}=", 0, joined) == 2
        assert f"]{name}=" not in graph[words:]
    assert joined < words
