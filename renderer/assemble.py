"""Joins the segments and the mix into the film without encoding anything again."""

from fractions import Fraction
from pathlib import Path

from common.contracts.steps import AssembleFacts, AssembleSpec
from common.contracts.timeline import SegmentRef
from common.errors import RenderFailed
from common.jobs.steprun import StepRun
from renderer.captions import Cue, cues, srt, vtt
from renderer.ffmpeg.probe import streams
from renderer.ffmpeg.run import INPUT_GUARD, run_ffmpeg
from renderer.thumbnail import thumbnail

FILM_FILE = "film.mp4"
_LIST_FILE = "segments.ffconcat"
_MIX_FILE = "mix.m4a"


def assemble(spec: AssembleSpec, run: StepRun, program: str) -> AssembleFacts:
    """The film, its thumbnail and, if wanted, its caption files."""
    profile, frames = spec.profile, sum(segment.frames for segment in spec.segments)
    _fetch_segments(spec.segments, profile.fps, run)
    run.fetch(spec.mix, _MIX_FILE)
    run.progress(0.3)
    log = run_ffmpeg(program, _join(profile.fps), run)
    film = run.workdir / FILM_FILE
    _check(film, frames, spec, log)
    run.progress(0.6)
    shown = _cues(spec, frames)
    picture = thumbnail(film, profile.fps, [(cue.start, cue.end) for cue in shown])
    return AssembleFacts(
        media=run.keep("film", film, "video/mp4"),
        thumbnail=run.keep_bytes("thumbnail", picture, "image/jpeg"),
        srt=run.keep_bytes("captions", srt(shown, profile.fps).encode(), "application/x-subrip") if shown else None,
        vtt=run.keep_bytes("captions", vtt(shown, profile.fps).encode(), "text/vtt") if shown else None,
        frames=frames,
        width=profile.width,
        height=profile.height,
    )


def _fetch_segments(segments: tuple[SegmentRef, ...], fps: int, run: StepRun) -> None:
    lines = ["ffconcat version 1.0"]
    for index, segment in enumerate(segments):
        name = f"segment{index}.mp4"
        run.fetch(segment.media, name)
        run.progress(0.3 * (index + 1) / len(segments))
        # The length is told, not measured: what a container says is rounded, and the error would add up.
        lines += [f"file {name}", f"duration {segment.frames / fps:.9f}"]
    (run.workdir / _LIST_FILE).write_text("\n".join([*lines, ""]), encoding="ascii")


def _join(fps: int) -> list[str]:
    return [
        *INPUT_GUARD, "-f", "concat", "-i", _LIST_FILE,
        *INPUT_GUARD, "-f", "mov", "-i", _MIX_FILE,
        "-map", "0:v:0", "-map", "1:a:0", "-c", "copy",
        "-video_track_timescale", str(fps * 512), "-map_metadata", "-1", "-fflags", "+bitexact",
        "-movflags", "+faststart", FILM_FILE,
    ]  # fmt: skip


def _check(film: Path, frames: int, spec: AssembleSpec, log: str) -> None:
    """Raises `RenderFailed` unless picture and sound are as long as planned, to the frame."""
    made, fps = streams(film), spec.profile.fps
    planned, frame = Fraction(frames, fps), Fraction(1, fps)
    if made.frames != frames:
        raise RenderFailed(f"the film came out with {made.frames} frames instead of {frames}", log)
    if (made.width, made.height) != (spec.profile.width, spec.profile.height):
        raise RenderFailed("the film did not come out in the size that was asked for", log)
    if made.audio_seconds is None:
        raise RenderFailed("the film came out without sound", log)
    for name, seconds in (("picture", made.video_seconds), ("sound", made.audio_seconds)):
        if abs(seconds - planned) > frame:
            raise RenderFailed(f"the {name} lasts {float(seconds):.3f} s instead of {float(planned):.3f} s", log)


def _cues(spec: AssembleSpec, frames: int) -> list[Cue]:
    return cues(spec.speech, spec.captions, spec.profile.fps, frames) if spec.captions is not None else []
