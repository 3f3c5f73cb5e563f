"""Joins the pictures of the segments and the mix into the film without encoding anything again."""

from itertools import accumulate

from common.contracts.steps import AssembleFacts, AssembleSpec
from common.contracts.timeline import SegmentRef
from common.jobs.steprun import StepRun
from renderer.captions import Cue, cues, srt, vtt
from renderer.ffmpeg.check import check_film
from renderer.ffmpeg.limits import for_copy
from renderer.ffmpeg.run import INPUT_GUARD, run_ffmpeg
from renderer.thumbnail import thumbnail

FILM_FILE = "film.mp4"
_LIST_FILE = "segments.ffconcat"
_MIX_FILE = "mix.m4a"
_MICROSECONDS = 1_000_000


def assemble(spec: AssembleSpec, run: StepRun, program: str) -> AssembleFacts:
    """The film, its thumbnail and, if wanted, its caption files."""
    profile, frames = spec.profile, sum(segment.frames for segment in spec.segments)
    _fetch_segments(spec.segments, profile.fps, run)
    run.fetch(spec.mix, _MIX_FILE)
    run.progress(0.3)
    size = spec.mix.size + sum(segment.media.size for segment in spec.segments)
    log = run_ffmpeg(program, _join(profile.fps), run, for_copy(size))
    film = run.workdir / FILM_FILE
    check_film(film, frames, profile, log, "the film")
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
    # Lengths are told, not measured, for what a container says is rounded. The list counts in microseconds; they are
    # those between seams, each nearest to its frame: lengths rounded one by one would add up to a wrong timestamp.
    frames = accumulate((segment.frames for segment in segments), initial=0)
    seams = [round(_MICROSECONDS * frame / fps) for frame in frames]
    lines = ["ffconcat version 1.0"]
    for index, segment in enumerate(segments):
        name = f"segment{index}.mp4"
        run.fetch(segment.media, name)
        run.progress(0.3 * (index + 1) / len(segments))
        lines += [f"file {name}", f"duration {seams[index + 1] - seams[index]}us"]
    (run.workdir / _LIST_FILE).write_text("\n".join([*lines, ""]), encoding="ascii")


def _join(fps: int) -> list[str]:
    return [
        # Timestamps as they are: the sound of a segment begins a little before zero, and all would be moved by that.
        "-copyts",
        *INPUT_GUARD, "-f", "concat", "-i", _LIST_FILE,
        *INPUT_GUARD, "-f", "mov", "-i", _MIX_FILE,
        "-map", "0:v:0", "-map", "1:a:0", "-c", "copy",
        "-video_track_timescale", str(fps * 512), "-map_metadata", "-1", "-fflags", "+bitexact",
        "-movflags", "+faststart", FILM_FILE,
    ]  # fmt: skip


def _cues(spec: AssembleSpec, frames: int) -> list[Cue]:
    return cues(spec.speech, spec.captions, spec.profile.fps, frames) if spec.captions is not None else []
