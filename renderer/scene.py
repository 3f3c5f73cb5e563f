"""Joins the segments of a scene that has several, so that it can be watched by itself like any other."""

from common.contracts.steps import SceneFacts, SceneSpec
from common.jobs.steprun import StepRun
from renderer import voice
from renderer.ffmpeg.check import check_film
from renderer.ffmpeg.limits import for_copy
from renderer.ffmpeg.run import run_ffmpeg
from renderer.join import fetch_segments, joined

SCENE_FILE = "scene.mp4"


def scene(spec: SceneSpec, run: StepRun, program: str) -> SceneFacts:
    """The pictures of the segments as they are, and the narration, which is encoded here, once."""
    fps, frames = spec.profile.fps, sum(segment.frames for segment in spec.segments)
    fetch_segments(spec.segments, fps, run, 0.5)
    voice.fetch_voice(spec.voice, run)
    size = sum(segment.media.size for segment in spec.segments) + (spec.voice.size if spec.voice else 0)
    arguments = joined(voice.placed(spec.voice_offset, frames, fps), SCENE_FILE, fps, **voice.ENCODING)
    log = run_ffmpeg(program, arguments, run, for_copy(size), frames=frames, progress=(0.5, 0.9))
    path = run.workdir / SCENE_FILE
    check_film(path, frames, spec.profile, log, "the scene")
    return SceneFacts(media=run.keep("scene", path, "video/mp4"), frames=frames)
