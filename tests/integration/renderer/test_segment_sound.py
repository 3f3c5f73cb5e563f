"""What is heard when a segment is watched by itself."""

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from common.contracts.base import ObjectRef
from common.contracts.narration import Narration, Word
from common.contracts.steps import SegmentSpec, SpeakSpec
from common.contracts.timeline import Profile
from common.worker.steprun import StepRun
from renderer.steps.segment import segment
from tests.support import clips
from tests.support.measure import heard, highlights, loudness, onset
from tests.support.scenes import PROGRAM, clip, footage, pictures, scene, scenery
from tests.support.speech import narrated
from tests.support.steprun import step_run

FRAME = 1600
"Samples, at 30 frames per second."


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def say(run: StepRun, text: str) -> Narration:
    narration = narrated(SpeakSpec(text=text, language="en", voice=None, pace=1.0), run)
    assert isinstance(narration, Narration)
    return narration


def rendered(spec: SegmentSpec, run: StepRun) -> Path:
    segment(spec, run, PROGRAM, threads=1)
    return run.workdir / "segment.mp4"


def spoken(run: StepRun, audio: ObjectRef) -> np.ndarray:
    with wave.open(io.BytesIO(run.read(audio))) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


@pytest.mark.parametrize("offset", [0, 24_001])
def test_the_narration_lies_at_its_sample(run: StepRun, offset: int):
    narration = say(run, "Stop. Go on.")
    sound = heard(rendered(scene(clip(scenery(), 60), voice=narration.audio, offset=offset), run))
    original = spoken(run, narration.audio)
    assert len(sound) == 60 * FRAME
    window = original[:24_000]
    near = np.pad(sound, 50)[offset : offset + len(window) + 100]
    assert abs(int(np.correlate(near, window, "valid").argmax()) - 50) <= 1
    # As stored: the level of the film is a matter of the mix.
    shared = sound[offset:][: len(original)]
    assert np.std(shared) == pytest.approx(np.std(original[: len(shared)]), rel=0.03)


def test_it_is_as_loud_as_the_narration(run: StepRun):
    narration = say(run, "Every morning, the first light finds the same small harbour.")
    frames = narration.samples // FRAME + 1
    path = rendered(scene(clip(scenery(), frames), voice=narration.audio), run)
    assert loudness(path)[0] == pytest.approx(narration.loudness, abs=0.5)


def test_it_is_one_channel_of_aac(run: StepRun):
    with av.open(str(rendered(scene(clip(scenery(), 3)), run))) as container:
        context = container.streams.audio[0].codec_context
        assert (context.name, context.sample_rate, context.channels) == ("aac", 48_000, 1)


@pytest.mark.parametrize("frames", [1, 5, 47])
def test_a_scene_in_which_nothing_is_said_has_a_silent_track(run: StepRun, frames: int):
    sound = heard(rendered(scene(clip(scenery(), frames)), run))
    assert len(sound) == frames * FRAME
    assert not sound.any()


@pytest.mark.parametrize("offset", [20 * FRAME, 40 * FRAME])
def test_a_narration_that_is_longer_than_the_scene_ends_with_it(run: StepRun, offset: int):
    narration = say(run, "This goes on for quite a while.")
    sound = heard(rendered(scene(clip(scenery(), 30), voice=narration.audio, offset=offset), run))
    assert len(sound) == 30 * FRAME
    assert sound.any() == (offset < 30 * FRAME)


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_it_lasts_as_long_as_the_picture_at_every_frame_rate(run: StepRun, fps: int):
    profile = Profile(width=320, height=180, fps=fps, preset="ultrafast")
    narration = say(run, "Yes.")
    path = rendered(scene(clip(scenery(), 31), profile=profile, voice=narration.audio), run)
    assert len(heard(path)) == 31 * 48_000 // fps
    with av.open(str(path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.start_time == sound.start_time == 0
        assert picture.duration * picture.time_base == sound.duration * sound.time_base


def test_the_picture_does_not_depend_on_what_is_said(run: StepRun):
    moving = footage(run, clips.clip(), seconds=2.0)

    def packets(voice: ObjectRef | None) -> list[tuple[int | None, int | None, bytes]]:
        with av.open(str(rendered(scene(clip(moving, 40), voice=voice), run))) as container:
            return [(packet.pts, packet.dts, bytes(packet)) for packet in container.demux(video=0) if packet.size]

    silent = packets(None)
    assert len(silent) == 40
    assert packets(say(run, "Something is said.").audio) == silent


def test_a_segment_can_be_watched_while_it_arrives(run: StepRun):
    data = rendered(scene(clip(scenery(), 10)), run).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_word_is_heard_when_its_caption_lights_up(run: StepRun):
    narration, offset = say(run, "Stop! Wait. Go!"), 7 * FRAME + 300
    said = tuple(Word(text=word.text, start=word.start + offset, end=word.end + offset) for word in narration.words)
    grey = clips.make("grey.png", ["-f", "lavfi", "-i", "color=c=0x505050:s=640x640", "-frames:v", "1"])
    frames = (offset + narration.samples) // FRAME + 1
    spec = scene(
        clip(footage(run, grey), frames),
        profile=Profile(width=640, height=360, preset="ultrafast", crf=8),
        style="cinematic",
        said=said,
        captioned=True,
        voice=narration.audio,
        offset=offset,
    )
    path = rendered(spec, run)
    sound = heard(path)
    # Each word is followed by a pause.
    voiced = [onset(sound, end) for end in (0, *(word.end for word in said[:-1]))]
    shown = highlights(pictures(path))
    assert len(shown) == len(said) == 3
    assert all(abs(frame * FRAME - sample) <= FRAME for frame, sample in zip(shown, voiced, strict=True))
