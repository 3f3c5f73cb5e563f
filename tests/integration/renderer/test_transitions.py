"""Transitions from scene to scene, as they go into the encoder."""

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from common.contracts.request import TransitionKind
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import Clip, Closing, PictureReport
from common.worker.steprun import StepRun
from renderer.ffmpeg.run import run_ffmpeg
from renderer.picture.quality import judge
from renderer.steps.segment import segment
from tests.support import clips
from tests.support.processes import find
from tests.support.scenes import PROGRAM, SMALL, clip, exact, footage, part, scene, scenery, words
from tests.support.steprun import step_run

KINDS: tuple[TransitionKind, ...] = ("crossfade", "dip-black", "dip-white", "wipe", "slide", "zoom")
FADE = 12
"Frames of each transition."
LEAD = 15
HEIGHT, WIDTH = SMALL.height, SMALL.width


@pytest.fixture(params=[10**9, 0], ids=["one-run", "two-runs"])
def run(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> StepRun:
    """On large canvases ffmpeg runs a second time for the transition; here canvases are small."""
    monkeypatch.setattr("renderer.steps.segment.LARGE", request.param)
    return step_run(tmp_path)


def coming(after: Clip, frames: int = FADE) -> Clip:
    return after.model_copy(update={"skip": after.skip - frames, "frames": frames})


def closed(kind: TransitionKind, *shown: Clip, frames: int = FADE) -> SegmentSpec:
    """A scene of all these clips but the last, with the transition into that."""
    *before, after = shown
    return scene(*before, closing=Closing(kind=kind, frames=frames, head=coming(after, frames)))


def luma(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, :HEIGHT]


def shots(run: StepRun) -> tuple[Clip, Clip, Clip]:
    """Three clips with a lead for a transition: a video, a still with a camera move, painted scenery."""
    video, still = footage(run, clips.clip(640, 360, fps=25), seconds=2.0), footage(run, clips.picture(400, 300))
    return (
        clip(video, 30, skip=LEAD, length=30 + LEAD, source_start=0.21),
        clip(still, 25, skip=LEAD, length=25 + LEAD, motion="zoom-in"),
        clip(scenery(), 28, skip=LEAD, length=28 + LEAD),
    )


def whole(shot: Clip) -> SegmentSpec:
    """With as much of its lead as a transition shows."""
    return scene(shot.model_copy(update={"skip": shot.skip - FADE, "frames": FADE + shot.frames}))


def chained(run: StepRun, pieces: list[np.ndarray], offsets: list[int]) -> np.ndarray:
    """What one ffmpeg makes of whole shots with crossfades between them."""
    inputs: list[str] = []
    for number, piece in enumerate(pieces):
        (run.workdir / f"{number}.yuv").write_bytes(piece.tobytes())
        form = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", "30"]
        inputs += [*form, "-i", str(run.workdir / f"{number}.yuv")]
    graph, last = "", "0:v"
    for number, offset in enumerate(offsets, 1):
        graph += f"[{last}][{number}:v]xfade=transition=fade:duration={FADE / 30}:offset={offset / 30}[x{number}];"
        last = f"x{number}"
    command = [PROGRAM, "-v", "error", "-y", *inputs, "-filter_complex", f"{graph}[{last}]format=yuv420p[film]"]
    subprocess.run([*command, "-map", "[film]", "-f", "rawvideo", str(run.workdir / "film.yuv")], check=True)
    return np.fromfile(run.workdir / "film.yuv", np.uint8).reshape(-1, HEIGHT * 3 // 2, WIDTH)


def test_scenes_that_fade_into_each_other_are_those_of_one_command(run: StepRun):
    one, two, three = shots(run)
    film = np.concatenate(
        [
            exact(closed("crossfade", one, two), run),
            exact(closed("crossfade", two, three), run),
            exact(scene(three), run),
        ]
    )
    reference = chained(run, [exact(spec, run) for spec in (scene(one), whole(two), whole(three))], [18, 43])
    assert len(film) == len(reference) == 83
    # The reference converts to 4:4:4 and back, which is seen in its colours only.
    assert np.array_equal(luma(film), luma(reference))


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_frames_of_the_transition_differ_from_a_cut(run: StepRun, kind: TransitionKind):
    before, after, _ = shots(run)
    cut, found = exact(scene(before), run), exact(closed(kind, before, after), run)
    changed = (cut != found).any(axis=(1, 2))
    assert len(found) == 30
    assert changed[1 - FADE :].all()
    assert not changed[:-FADE].any()


@pytest.mark.parametrize("kind", KINDS)
def test_it_begins_with_the_old_scene_and_comes_ever_nearer_to_the_new_one(run: StepRun, kind: TransitionKind):
    before, _, after = shots(run)
    old = luma(exact(scene(before), run)[-FADE:]).astype(int)
    new = luma(exact(scene(coming(after)), run)).astype(int)
    found = luma(exact(closed(kind, before, after), run)[-FADE:]).astype(int)
    missing = np.abs(found - new).mean(axis=(1, 2))
    assert np.abs(found[0] - old[0]).mean() < missing[0] / 3
    assert missing[-1] < missing.max() / 3
    assert (np.diff(missing[FADE // 2 :]) < 0.5).all()


@pytest.mark.parametrize(("kind", "level"), [("dip-black", 16), ("dip-white", 235)])
def test_a_dip_goes_all_the_way_and_not_beyond(run: StepRun, kind: TransitionKind, level: int):
    # Test pictures overshoot their range by one or two at sharp edges.
    before, after, _ = shots(run)
    found = exact(closed(kind, before, after), run)[-FADE:]
    middle = found[FADE // 2]
    assert (middle[:HEIGHT] == level).all()
    assert (middle[HEIGHT:] == 128).all()
    around = luma(found)[FADE // 2 - 2 : FADE // 2 + 3]
    assert around.min() >= 14
    assert around.max() <= 237


def test_a_slide_pushes_the_old_picture_out_to_the_left(run: StepRun):
    before, after, _ = shots(run)
    out, new = luma(exact(scene(before), run)), luma(exact(scene(coming(after)), run))
    found = luma(exact(closed("slide", before, after), run))
    reached = []
    for old, comes, mixed in zip(out[-FADE:], new, found[-FADE:], strict=True):
        moved = next(
            n
            for n in range(WIDTH + 1)
            if np.array_equal(mixed[:, : WIDTH - n], old[:, n:]) and np.array_equal(mixed[:, WIDTH - n :], comes[:, :n])
        )
        reached.append(moved)
    steps = np.diff([0, *reached, WIDTH])
    # Gently out of rest and back into it.
    assert steps.min() > 0
    assert max(steps[0], steps[-1]) < steps.max() / 3


def test_a_transition_may_last_longer_than_the_last_clip_and_as_long_as_its_part(run: StepRun):
    still, painted, after = shots(run)[1], shots(run)[2], shots(run)[0]
    begun, short = painted.model_copy(update={"frames": FADE - 5}), still.model_copy(update={"frames": 5})
    whole_part = exact(closed("crossfade", begun, short, after), run)
    assert len(whole_part) == FADE
    earlier = painted.model_copy(update={"skip": 3, "frames": LEAD - 3 + FADE - 5})
    longer = exact(closed("crossfade", earlier, short, after), run)
    assert np.array_equal(longer[-FADE:], whole_part)


def test_the_last_part_of_a_scene_has_its_transition(run: StepRun):
    before, after, _ = shots(run)
    spec = closed("wipe", before, after)
    parts = [exact(part(spec, 0, 15), run), exact(part(spec, 15, 15), run)]
    assert np.array_equal(np.concatenate(parts), exact(spec, run))


def test_it_is_part_of_the_look_like_all_other_frames(run: StepRun):
    """Bars lie over both scenes; they do not slide away with one of them."""
    before, after, _ = shots(run)
    spec = closed("slide", before, after).model_copy(update={"style": "cinematic"})
    found = luma(exact(spec, run))
    assert (found[:, :10] == 16).all()
    assert (found[:, -10:] == 16).all()


@pytest.mark.parametrize("frames", [2, 3, 9, 15])
@pytest.mark.parametrize("kind", KINDS)
def test_it_may_have_any_length(run: StepRun, kind: TransitionKind, frames: int):
    before, after, _ = shots(run)
    spec = closed(kind, before.model_copy(update={"frames": 18}), after, frames=frames)
    assert len(exact(spec, run)) == 18


@pytest.mark.parametrize("frames", [12, 13, 18, 31])
@pytest.mark.parametrize("captioned", [True, False])
def test_two_runs_show_what_one_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int, captioned: bool
) -> None:
    made, looked_at = [], []

    def looking(watched: bytes, spec: SegmentSpec) -> PictureReport:
        looked_at.append(watched)
        return judge(watched, spec)

    monkeypatch.setattr("renderer.steps.segment.judge", looking)
    for large in (10**9, 0):
        (tmp_path / str(large)).mkdir()
        run = step_run(tmp_path / str(large))
        monkeypatch.setattr("renderer.steps.segment.LARGE", large)
        video = footage(run, clips.clip(640, 360, fps=25), seconds=2.0)
        before = clip(video, frames, source_start=0.21)
        after = clip(footage(run, clips.picture(400, 300)), FADE, motion="zoom-in", length=40)
        closing = Closing(kind="crossfade", frames=6, head=after.model_copy(update={"frames": 6}))
        spec = scene(before, closing=closing, said=words("Over", "the", "hills", frames=5), captioned=captioned)
        made.append(exact(spec, run))
    assert len(made[0]) == frames
    assert np.array_equal(*made)
    assert len(looked_at) == 2
    assert looked_at[0] == looked_at[1]


@pytest.mark.parametrize("first", [0, 7])
@pytest.mark.parametrize("kind", ["video", "small", "still", "scenery"])
def test_two_runs_of_a_part_show_what_one_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, first: int
) -> None:
    made = []
    for large in (10**9, 0):
        monkeypatch.setattr("renderer.steps.segment.LARGE", large)
        (tmp_path / str(large)).mkdir()
        run = step_run(tmp_path / str(large))
        media = {
            "video": footage(run, clips.clip(640, 360, fps=25), seconds=2.0),
            "small": footage(run, clips.clip(160, 90, fps=25), seconds=2.0),
            "still": footage(run, clips.picture(400, 300)),
            "scenery": scenery(),
        }
        motion = "zoom-in" if kind == "still" else "none"
        before = clip(media[kind], 30, length=45, motion=motion)
        after = clip(media["video"], FADE, source_start=0.21)
        closing = Closing(kind="slide", frames=FADE, head=after)
        said = words("Over", "the", "hills", frames=9)
        whole = scene(before, closing=closing, said=said, captioned=True, style="cinematic")
        made.append(exact(part(whole, first, 30 - first) if first else whole, run))
    assert len(made[0]) == 30 - first
    assert np.array_equal(*made)


def test_frames_of_a_still_do_not_pile_up_while_none_is_left_for_the_transition(tmp_path: Path) -> None:
    """They need no input that would slow them down. All of them take 750 MB."""
    run = step_run(tmp_path)
    still = clip(footage(run, clips.picture(400, 300)), 360, motion="zoom-in")
    closing = Closing(kind="crossfade", frames=FADE, head=clip(scenery(), FADE))
    spec = scene(still, closing=closing, profile=SMALL.model_copy(update={"width": 1280, "height": 720}))
    with weighed(run) as found:
        segment(spec, run, PROGRAM, threads=1)
    assert len(found) == 2
    assert max(found.values()) < 350


@contextmanager
def weighed(run: StepRun) -> Iterator[dict[int, float]]:
    """The most memory that each ffmpeg of the run has had, in MB, by process."""
    found: dict[int, float] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            for pid in find("ffmpeg", os.getpid()):
                with suppress(OSError, IndexError):  # it may end meanwhile
                    if Path(f"/proc/{pid}/cwd").resolve() == run.workdir.resolve():
                        # The kernel keeps the most there ever was.
                        kilobytes = Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]
                        found[pid] = int(kilobytes) / 1000

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield found
    finally:
        over.set()
        looker.join()


@pytest.mark.parametrize("lead", [1, 2, 3, 20])
@pytest.mark.parametrize("preset", ["superfast", "veryfast", "medium"])
def test_two_runs_are_one_film_also_when_the_encoder_takes_frames_out_of_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str, lead: int
) -> None:
    monkeypatch.setattr("renderer.steps.segment.LARGE", 0)
    run = step_run(tmp_path)
    video = clip(footage(run, clips.clip(640, 360, fps=30), seconds=2.0), lead + 8)
    closing = Closing(kind="crossfade", frames=8, head=clip(footage(run, clips.picture(400, 300)), 8))
    segment(scene(video, closing=closing, profile=SMALL.model_copy(update={"preset": preset})), run, PROGRAM, threads=1)
    with av.open(str(run.workdir / "segment.mp4")) as made:
        packets = [packet for packet in made.demux(video=0) if packet.size]
    with av.open(str(run.workdir / "segment.mp4")) as made:
        times = [frame.pts for frame in made.decode(video=0)]
    assert times == sorted(packet.pts or 0 for packet in packets) == [512 * n for n in range(lead + 8)]
    sent = [packet.dts or 0 for packet in packets]
    assert sent == sorted(set(sent))


def test_each_frame_of_two_runs_is_encoded_once_and_their_sound_is_that_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded, sounds = [], []
    said = clips.make("said.wav", ["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=0.5"])

    def counting(program: str, arguments: Sequence[str], *more: Any, **options: Any) -> str:
        encoded.append(int(arguments[arguments.index("-frames:v") + 1]))
        return run_ffmpeg(program, arguments, *more, **options)

    monkeypatch.setattr("renderer.steps.segment.run_ffmpeg", counting)
    for large in (10**9, 0):
        monkeypatch.setattr("renderer.steps.segment.LARGE", large)
        (tmp_path / str(large)).mkdir()
        run = step_run(tmp_path / str(large))
        voice = run.keep("narration", said, "audio/wav")
        one, two, _ = shots(run)
        closing = Closing(kind="crossfade", frames=FADE, head=coming(two))
        spec = scene(one, closing=closing, voice=voice, offset=777)
        report = segment(spec, run, PROGRAM, threads=1).report
        assert report.problems == ()
        with av.open(str(run.workdir / "segment.mp4")) as made:
            sounds.append([bytes(packet) for packet in made.demux(audio=0) if packet.size])
    assert encoded == [30, 18, 12]
    assert sounds[0] == sounds[1]
    assert sounds[0]
