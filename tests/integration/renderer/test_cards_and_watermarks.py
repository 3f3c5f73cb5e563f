"""Cards and marks as they go into the encoder, compared with the same scene without them."""

import os
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from common.contracts.request import Corner
from common.contracts.steps import MarkSpec, SegmentSpec
from common.contracts.timeline import Card, CardKind, Clip, Closing, PlacedWatermark, Profile, TextFrame
from common.errors import BadMedia, Stopped
from common.worker.steprun import StepRun
from renderer.steps.mark import mark as draw
from renderer.text.watermark import WATERMARK_FILE
from tests.support import clips
from tests.support.scenes import clip, exact, footage, part, scene, scenery, words
from tests.support.steprun import step_run

CORNERS: tuple[Corner, ...] = get_args(Corner)
MEDIUM = Profile(width=640, height=360, preset="ultrafast", crf=12)
TALL = Profile(width=360, height=640, preset="ultrafast", crf=12)
FRAME = TextFrame(style="minimal", width=640, height=360)
FADE = 12
TITLE = Card(kind="title", text="The sea at dusk", subtitle="A short film about water")


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def grey(run: StepRun, level: int = 120) -> Clip:
    path = run.workdir / f"grey-{level}.png"
    Image.new("RGB", (640, 640), (level, level, level)).save(path)
    return clip(footage(run, path), 45)


def luma(spec: SegmentSpec, run: StepRun) -> np.ndarray:
    return exact(spec, run)[:, : spec.profile.height].astype(int)


def carded(spec: SegmentSpec, card: Card | None) -> SegmentSpec:
    return spec.model_copy(update={"card": card})


def marked(spec: SegmentSpec, mark: PlacedWatermark, run: StepRun) -> SegmentSpec:
    drawn = None
    if mark.media is not None:
        frame = TextFrame(style=spec.style, width=spec.profile.width, height=spec.profile.height)
        drawn = draw(MarkSpec(media=mark.media, opacity=mark.opacity, size=mark.size, frame=frame), run)
    return spec.model_copy(update={"mark": mark.model_copy(update={"media": None}), "drawn": drawn})


def wordless(kind: CardKind) -> Card:
    """Nothing but the ground of such a card."""
    return Card(kind=kind)


# cards


@pytest.mark.parametrize("profile", [MEDIUM, TALL])
@pytest.mark.parametrize(
    "card", [TITLE, Card(kind="end", text="Thank you", lines=("Waves by Ana Lima (Pexels)",) * 8)], ids=["title", "end"]
)
def test_the_words_come_up_in_the_safe_area_and_go_with_the_card(run: StepRun, profile: Profile, card: Card):
    spec = scene(grey(run), profile=profile, style="vivid")
    written = np.abs(luma(carded(spec, card), run) - luma(carded(spec, wordless(card.kind)), run)) > 6
    seen = written.any(axis=(1, 2))
    amount = written.sum(axis=(1, 2))
    assert not seen[0]
    assert seen[10:40].all()
    assert amount[22] > 0.01 * written[0].size
    assert amount[-1] < 0.8 * amount[22]
    rows, columns = np.flatnonzero(written.any(axis=(0, 2))), np.flatnonzero(written.any(axis=(0, 1)))
    assert columns.min() > 0.07 * profile.width
    assert columns.max() < 0.93 * profile.width
    assert rows.min() > 0.03 * profile.height
    assert rows.max() < 0.91 * profile.height


@pytest.mark.parametrize("kind", get_args(CardKind))
def test_their_ground_is_darker_than_the_picture(run: StepRun, kind: CardKind):
    spec = scene(grey(run, 200))
    assert luma(carded(spec, wordless(kind)), run).max() < 0.75 * luma(spec, run).min()


def test_white_words_can_be_read_on_the_whitest_picture(run: StepRun):
    found = luma(carded(scene(grey(run, 255), profile=MEDIUM), TITLE), run)[22]
    assert found.max() > 225
    assert np.median(found) < 160


def test_markup_is_shown_and_not_obeyed(run: StepRun):
    """A tag that was obeyed would move the words to a corner and make them red; here they are one line of letters."""
    spec = scene(grey(run), profile=MEDIUM, style="minimal")  # which has no line of colour below the title
    card = Card(kind="title", text="{\\an7\\pos(9,9)\\c&H0000FF&}Sea\\Nair")
    written = np.abs(exact(carded(spec, card), run).astype(int) - exact(carded(spec, wordless("title")), run)) > 6
    rows = np.flatnonzero(written[22, :360].any(axis=1))
    assert np.ptp(rows) < 0.16 * 360
    assert rows.min() > 0.3 * 360
    assert not written[22, 360:].any()


@pytest.mark.parametrize("kind", get_args(CardKind))
def test_the_ground_of_a_card_comes_up_darkened_in_the_transition_before_it(run: StepRun, kind: CardKind):
    moving = clip(footage(run, clips.clip(640, 360), seconds=2.0), 20, skip=FADE, length=20 + FADE)
    head = moving.model_copy(update={"skip": 0, "frames": FADE})
    before = clip(scenery(), 20)
    grounds = [
        scene(before, closing=Closing(kind="crossfade", frames=FADE, head=head, ground=ground))
        for ground in (kind, None)
    ]
    dark, light = (luma(spec, run).astype(int) for spec in grounds)
    comes = luma(carded(scene(head), wordless(kind)), run).astype(int)
    assert np.abs(dark[-1] - comes[-1]).mean() < np.abs(light[-1] - comes[-1]).mean() / 2
    # What goes is not darkened.
    assert np.array_equal(dark[: 1 - FADE], light[: 1 - FADE])


# marks


def square(run: StepRun, size: float = 0.2, opacity: float = 1.0, corner: Corner = "top-right") -> PlacedWatermark:
    """A white square whose lower half is transparent."""
    logo = Image.new("RGBA", (200, 200), (255, 255, 255, 0))
    logo.paste((255, 255, 255, 255), (0, 0, 200, 100))
    logo.save(run.workdir / "logo.png")
    media = run.keep("asset", run.workdir / "logo.png", "image/png")
    return PlacedWatermark(media=media, position=corner, opacity=opacity, size=size)


def quarter(corner: Corner, written: np.ndarray) -> np.ndarray:
    """Where the corner is, of pictures of differences."""
    height, width = written.shape[-2:]
    rows = slice(0, height // 2) if corner.startswith("top") else slice(height // 2, height)
    columns = slice(0, width // 2) if corner.endswith("left") else slice(width // 2, width)
    inside = np.zeros_like(written)
    inside[..., rows, columns] = True
    return inside


@pytest.mark.parametrize("opacity", [0.25, 0.6, 1.0])
def test_a_mark_covers_as_much_of_the_picture_as_its_opacity_says(run: StepRun, opacity: float):
    spec = scene(grey(run), profile=MEDIUM)
    without, found = luma(spec, run)[5], luma(marked(spec, square(run, opacity=opacity), run), run)[5]
    changed = found != without
    assert found[changed].max() == pytest.approx(without[0, 0] + opacity * (235 - without[0, 0]), abs=2)
    # A fifth as wide, half as high as wide: the rest of it is transparent.
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert np.ptp(columns) + 1 == pytest.approx(128, abs=2)
    assert np.ptp(rows) + 1 == pytest.approx(64, abs=2)


@pytest.mark.parametrize("profile", [MEDIUM, TALL])
@pytest.mark.parametrize("corner", CORNERS)
def test_both_kinds_of_marks_are_seen_in_their_corner_and_nowhere_else(run: StepRun, profile: Profile, corner: Corner):
    spec = scene(grey(run), profile=profile, style="cinematic")
    without = luma(spec, run)[::20]
    for mark in (
        square(run, 0.15, corner=corner),
        PlacedWatermark(text="© Sea", position=corner, opacity=0.7, size=0.2),
    ):
        written = np.abs(luma(marked(spec, mark, run), run)[::20] - without) > 6
        assert written.any(axis=(1, 2)).all()
        assert not (written & ~quarter(corner, written)).any()


def test_a_mark_stands_still_over_cuts_transitions_and_parts(run: StepRun):
    moving = clip(footage(run, clips.clip(640, 360), seconds=2.0), 20, length=20 + FADE)
    head = moving.model_copy(update={"skip": 20, "frames": FADE})
    plain = scene(clip(scenery(), 20), moving, closing=Closing(kind="slide", frames=FADE, head=head), profile=MEDIUM)
    spec = marked(plain, square(run), run)
    found, without = luma(spec, run), luma(plain, run)
    place = (found != without).any(axis=0)
    solid = (found == 235).all(axis=0)
    assert place.sum() == pytest.approx(128 * 64, rel=0.05)
    # White in every frame, but for the row or two at its edges.
    assert solid.sum() > 0.9 * place.sum()
    parts = np.concatenate([luma(part(spec, 0, 25), run), luma(part(spec, 25, 15), run)])
    assert np.array_equal(parts, found)


def test_words_of_cards_and_marks_go_on_over_the_seam_of_parts(run: StepRun):
    spec = scene(clip(scenery(), 40), profile=MEDIUM, said=words("over", "the", "hills"), captioned=True)
    spec = marked(
        carded(spec, TITLE), PlacedWatermark(text="© Sea", position="bottom-left", opacity=0.7, size=0.2), run
    )
    parts = np.concatenate([luma(part(spec, 0, 7), run), luma(part(spec, 7, 33), run)])
    assert np.array_equal(parts, luma(spec, run))


def test_a_mark_does_not_cover_the_captions(run: StepRun):
    """A line from edge to edge and a mark of half the width, which cannot stand beside it."""
    said = words(*["over", "the", "hills", "and", "far", "away", "the", "light", "comes", "up"], frames=4)
    for profile in (MEDIUM, TALL):
        quiet, spoken = (
            scene(grey(run), profile=profile, said=said, captioned=captioned) for captioned in (False, True)
        )
        captions = (luma(quiet, run) != luma(spoken, run)).any(axis=0)
        with_mark = marked(spoken, square(run, size=0.5, corner="bottom-left"), run)
        covered = (luma(with_mark, run) != luma(spoken, run)).any(axis=0)
        assert captions.any()
        assert covered.any()
        assert not (captions & covered).any()


def test_a_mark_stands_where_it_does_in_the_other_scenes_also_while_nothing_is_said(run: StepRun):
    said = words("over", "the", "hills", frames=8)
    places = []
    for heard in (said, ()):
        plain = scene(grey(run), profile=TALL, said=heard, captioned=True)
        with_mark = marked(plain, square(run, size=0.5, corner="bottom-left"), run)
        places.append((luma(with_mark, run) != luma(plain, run)).any(axis=0))
    assert places[0].any()
    assert np.array_equal(*places)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"not a picture",
            "the watermark cannot be used: it cannot be read as a picture; use a PNG, JPEG, WebP or GIF",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "the watermark cannot be used: it cannot be read as a picture"),
    ],
)
def test_what_is_no_picture_fails_with_its_sentence(run: StepRun, data: bytes, said: str):
    media = run.keep_bytes("asset", data, "image/png")
    with pytest.raises(BadMedia, match=said):
        draw(MarkSpec(media=media, opacity=1, size=0.1, frame=FRAME), run)


def test_the_largest_picture_is_drawn_with_the_memory_it_may_take(run: StepRun):
    """Its file is small and its pixels are a quarter of a gigabyte."""
    Image.new("RGB", (8000, 8000), (200, 30, 30)).save(run.workdir / "large.png")
    media = run.keep("asset", run.workdir / "large.png", "image/png")
    facts = draw(MarkSpec(media=media, opacity=1, size=0.1, frame=FRAME), run)
    assert (facts.width, facts.height) == (64, 64)
    assert facts.media.size < 10_000
    assert WATERMARK_FILE not in os.listdir(run.workdir)


def test_a_picture_that_wants_more_is_refused(run: StepRun, monkeypatch: pytest.MonkeyPatch):
    Image.new("RGB", (8000, 8000), (200, 30, 30)).save(run.workdir / "large.png")
    media = run.keep("asset", run.workdir / "large.png", "image/png")
    monkeypatch.setattr("renderer.steps.mark.MAX_MEMORY", 300 * 1024**2)
    with pytest.raises(BadMedia, match="the watermark cannot be used: it has too many pixels"):
        draw(MarkSpec(media=media, opacity=1, size=0.1, frame=FRAME), run)


def test_a_step_that_is_called_off_draws_nothing(run: StepRun):
    media = run.keep_bytes("asset", b"x", "image/png")
    run.call_off()
    with pytest.raises(Stopped):
        draw(MarkSpec(media=media, opacity=1, size=0.1, frame=FRAME), run)
