"""The `scene` step: joins the segments of a scene that has several, so that it can be watched like any other."""

from pathlib import Path

import ffmpeg

from common.contracts.grid import samples_per_frame
from common.contracts.steps import SceneFacts, SceneSpec
from common.worker.steprun import StepRun
from renderer.ffmpeg.join import fetch_segments, join
from renderer.ffmpeg.limits import for_sound
from renderer.ffmpeg.run import run_ffmpeg
from renderer.ffmpeg.verify import verify_film
from renderer.sound import voice

SCENE_FILE = "scene.mp4"
_SOUND_FILE = "sound.m4a"


def scene(spec: SceneSpec, run: StepRun, program: str) -> SceneFacts:
    """Stores the scene: the pictures of its segments as they are, and the narration, which is encoded here, once."""
    fps, frames = spec.profile.fps, sum(segment.frames for segment in spec.segments)
    pictures = fetch_segments(spec.segments, run, 0.5)
    path = run.workdir / SCENE_FILE
    join([segment.frames for segment in spec.segments], pictures, _sound(spec, frames, run, program), path, fps, run)
    verify_film(path, frames, spec.profile, "", "the scene")
    return SceneFacts(media=run.keep("scene", path, "video/mp4"), frames=frames)


def _sound(spec: SceneSpec, frames: int, run: StepRun, program: str) -> Path:
    voice.fetch_voice(spec.voice, run)
    fps = spec.profile.fps
    sound = voice.placed(spec.voice_offset, frames, fps)
    made = ffmpeg.output(sound, _SOUND_FILE, map_metadata=-1, fflags="+bitexact", **voice.ENCODING)
    run_ffmpeg(program, list(made.get_args()), run, for_sound(frames * samples_per_frame(fps)), progress=(0.5, 0.8))
    return run.workdir / _SOUND_FILE
