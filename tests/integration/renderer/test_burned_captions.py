"""Captions as they end up in the picture."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.captions import cues
from common.contracts.narration import Word
from common.contracts.request import Style
from common.contracts.timeline import Profile
from common.worker.steprun import StepRun
from renderer.ffmpeg.run import run_ffmpeg
from renderer.text import fonts
from renderer.text.ass import ass
from tests.support import clips
from tests.support.scenes import PROGRAM, clip, exact, footage, part, rendered, scene, words
from tests.support.steprun import step_run

WIDE = Profile(width=640, height=360, preset="ultrafast", crf=8)
TALL = Profile(width=360, height=640, preset="ultrafast", crf=8)


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def on_grey(
    run: StepRun, said: tuple[Word, ...], frames: int, profile: Profile = WIDE, style: Style = "cinematic"
) -> np.ndarray:
    grey = clips.make("grey.png", ["-f", "lavfi", "-i", "color=c=0x505050:s=640x640", "-frames:v", "1"])
    spec = scene(clip(footage(run, grey), frames), profile=profile, style=style, said=said, captioned=True)
    return rendered(spec, run).astype(int)


def white(found: np.ndarray) -> np.ndarray:
    return found.min(axis=-1) > 200


def accent(found: np.ndarray) -> np.ndarray:
    return (found[..., 0] > 180) & (found[..., 0] - found[..., 2] > 90)


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_the_highlight_moves_on_exactly_the_frame_a_word_begins(run: StepRun, fps: int):
    profile = WIDE.model_copy(update={"fps": fps})
    found = on_grey(run, words("iiiiiiii", "mmmmmmmm", "iiiiiiii", frames=7, fps=fps), 21, profile)
    centres = [np.flatnonzero(accent(frame).any(axis=0)).mean() for frame in found]
    changes = [frame for frame in range(1, 21) if abs(centres[frame] - centres[frame - 1]) > 5]
    assert changes == [7, 14]


def test_a_cue_is_shown_without_a_gap_between_its_words(run: StepRun):
    said = [
        Word(text=text, start=n * 16_000, end=n * 16_000 + 4_000) for n, text in enumerate(("over", "the", "hills"))
    ]
    found = on_grey(run, tuple(said), 40)
    shown = white(found).sum(axis=(1, 2)) + accent(found).sum(axis=(1, 2))
    assert shown[:34].min() > 0.8 * shown[:34].max()


def test_nothing_is_drawn_before_the_first_word_and_after_the_last(run: StepRun):
    found = on_grey(run, (Word(text="Hello.", start=16_000, end=24_000),), 60)
    shown = white(found).any(axis=(1, 2)) | accent(found).any(axis=(1, 2))
    assert np.flatnonzero(shown).tolist() == list(range(10, 15 + 12))


@pytest.mark.parametrize(
    ("profile", "style", "lowest", "highest"),
    [
        (WIDE, "documentary", 0.84, 0.95),
        # Inside the picture, which ends at 0.878, and not upon its edge.
        (WIDE, "cinematic", 0.80, 0.86),
        (TALL, "cinematic", 0.66, 0.74),
        (Profile(width=360, height=360), "cinematic", 0.84, 0.94),
    ],
)
def test_the_last_line_stands_where_the_shape_of_the_film_wants_it(
    run: StepRun, profile: Profile, style: Style, lowest: float, highest: float
):
    said = words("Over", "the", "quiet", "hills", "the", "morning", "light", "is", "coming", "back", "to", "us")
    drawn = white(on_grey(run, said, 30, profile, style)[2])
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert lowest < rows.max() / profile.height < highest
    # Safe margins, and in the middle.
    assert columns.min() > 0.05 * profile.width
    assert columns.max() < 0.95 * profile.width
    assert (columns.min() + columns.max()) / 2 == pytest.approx(profile.width / 2, abs=0.06 * profile.width)


def test_the_widest_letters_stay_inside_the_picture(run: StepRun):
    drawn = white(on_grey(run, words("OVER", "WWWWWWWWWWWWWWWWWWWWWWWW"), 12, TALL)[8])
    columns = np.flatnonzero(drawn.any(axis=0))
    assert columns.min() > 0.03 * 360
    assert columns.max() < 0.97 * 360


def test_white_letters_can_be_read_on_white(run: StepRun):
    snow = clips.make("snow.png", ["-f", "lavfi", "-i", "color=c=0xF8F8F8:s=640x360", "-frames:v", "1"])
    spec = scene(clip(footage(run, snow), 6), profile=WIDE, said=words("snow"), captioned=True)
    grey = rendered(spec, run)[2].mean(axis=-1)
    assert grey.min() < 70


def test_letters_are_drawn_without_any_font_of_the_system(run: StepRun, monkeypatch: pytest.MonkeyPatch):
    said = words("Hamburgefonts", "and", "more")
    usual = on_grey(run, said, 12)
    # The runner gives ffmpeg an environment of its own; this program stands between them and takes the fonts away.
    # By the variable it may start the real one, which lies elsewhere.
    monkeypatch.setenv("LD_LIBRARY_PATH", str(Path(PROGRAM).parent))
    bare = run.workdir / "bare-ffmpeg"
    bare.write_text(f'#!/bin/sh\nFONTCONFIG_FILE=/dev/null HOME=/nonexistent exec "{PROGRAM}" "$@"\n')
    os.chmod(bare, 0o755)
    monkeypatch.setattr("tests.support.scenes.PROGRAM", str(bare))
    without = on_grey(run, said, 12)
    assert white(usual)[3].sum() > 200
    assert np.abs(usual - without).max() <= 2


def test_only_the_weights_that_words_are_set_in_are_installed(tmp_path: Path):
    fonts.install(tmp_path / "fonts")
    installed = {path.name for path in (tmp_path / "fonts").iterdir()}
    assert installed == {"SourceSansPro-Bold.ttf", "SourceSansPro-Regular.ttf"}


@pytest.mark.parametrize("profile", [WIDE, TALL])
@pytest.mark.parametrize("first", [0, 13])
def test_captions_look_as_if_drawn_on_every_frame(
    run: StepRun, monkeypatch: pytest.MonkeyPatch, profile: Profile, first: int
):
    busy = footage(run, clips.make("busy.mp4", ["-f", "lavfi", "-i", "testsrc2=s=640x640:r=30:d=2"]), seconds=2.0)
    said = words("Over", "the", "QUIET", "hiŁlṩ", "ßÄj", "Ёжик", "Ωμέγα", "W.", frames=5)
    whole = scene(clip(busy, 40), profile=profile, said=said, captioned=True)
    spec = part(whole, first, 40 - first)
    once = exact(spec, run)
    assert whole.captions is not None
    shown = cues(said, whole.captions, 30, 40)
    (run.workdir / "every.ass").write_text(ass(shown, whole.captions, fonts.FAMILY, 30), encoding="utf-8")
    monkeypatch.setattr(
        "renderer.steps.compose.overlay_captions",
        lambda picture, *_: picture.filter("ass", filename="every.ass", fontsdir="fonts"),
    )
    every = exact(spec, run)
    assert once.shape == every.shape == (40 - first, profile.height * 3 // 2, profile.width)
    apart = np.abs(once.astype(int) - every.astype(int))
    luma, colour = apart[:, : profile.height], apart[:, profile.height :]
    # What is laid over another one is rounded once more, and colours are seen at half the size.
    assert luma.max() <= 3
    assert colour.max() <= 16
    assert apart.mean() < 0.03
    plain = exact(part(whole.model_copy(update={"captions": None}), first, 40 - first), run)
    assert np.abs(plain.astype(int) - every.astype(int)).mean() > 1.0, "there is something to be compared"


def test_captions_are_drawn_only_when_they_change(run: StepRun, monkeypatch: pytest.MonkeyPatch):
    counted: list[str] = []

    def counting(program: str, arguments: Sequence[str], *more: Any, **options: Any) -> str:
        graph = arguments[arguments.index("-filter_complex") + 1]
        marked = re.sub(r"(\[s\d+\])ass=", r"\1showinfo=checksum=0,ass=", graph)
        log = run_ffmpeg(program, [marked if one == graph else one for one in arguments], *more, **options)
        counted.extend(re.findall(r"showinfo.* n: *\d+ .*pts_time:([0-9.]+)", log))
        return log

    monkeypatch.setattr("renderer.steps.segment.run_ffmpeg", counting)
    on_grey(run, words("Over", "the", "hills", frames=10), 60)
    # At the start of each word, at the end of the cue, and once behind the end of the scene.
    assert [round(float(time) * 30) for time in counted] == [0, 10, 20, 42, 60]


NASTY = [
    "{\\b1}bold{\\b0}",
    "\\N\\n\\h",
    "100%",
    "a,b,c,,,",
    "'];[v]",
    "Dialogue:",
    "[Events]",
    "🎬👩‍👩‍👧",
    "עברית",
    "日本語",
    "‮abc",
    "﷽" * 5,
    "z̸̢͖͝a̵l̷g̶o̴",
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=12)), min_size=1, max_size=8))
def test_no_text_breaks_the_render(run: StepRun, texts: list[str]):
    found = on_grey(run, words(*texts, frames=1), 10)
    assert len(found) == 10


def test_braces_and_backslashes_are_drawn_as_they_are(run: StepRun):
    plain = white(on_grey(run, words("-", "{\\b1}", "\\N", "{x}"), 24)[2])
    # One line, as wide as its letters: nothing was taken for a tag or a line break.
    rows, columns = np.flatnonzero(plain.any(axis=1)), np.flatnonzero(plain.any(axis=0))
    assert np.ptp(rows) < 0.09 * 360
    assert np.ptp(columns) > 0.08 * 640
