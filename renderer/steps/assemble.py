"""The `assemble` step: joins segments and mix into the film, without encoding anything again."""

from concurrent.futures import ThreadPoolExecutor

from common.captions import Cue, cues, srt, vtt
from common.contracts.steps import AssembleFacts, AssembleSpec
from common.contracts.timeline import CutList, FilmTimeline
from common.documents import JSON, document_json
from common.worker.steprun import StepRun
from renderer.ffmpeg.join import fetch_segments, join
from renderer.ffmpeg.verify import verify_film
from renderer.picture.thumbnail import thumbnail

FILM_FILE = "film.mp4"
_MIX_FILE = "mix.m4a"


def assemble(spec: AssembleSpec, run: StepRun) -> AssembleFacts:
    """Stores the film, its thumbnail, its timeline and, if wanted, its caption files."""
    profile, frames = spec.profile, sum(segment.frames for segment in spec.segments)
    film = run.workdir / FILM_FILE
    pictures = fetch_segments(spec.segments, run, 0.3)
    join(
        [segment.frames for segment in spec.segments], pictures, run.fetch(spec.mix, _MIX_FILE), film, profile.fps, run
    )
    verify_film(film, frames, profile, "", "the film")
    run.progress(0.6)
    shown = _cues(spec)
    # Nobody else has anything to do for this film now, so what can be done at once is.
    with ThreadPoolExecutor(1) as aside:
        picture = aside.submit(thumbnail, film, profile.fps, [(cue.start, cue.end) for cue in shown])
        media = run.keep("film", film, "video/mp4")
    return AssembleFacts(
        media=media,
        thumbnail=run.keep_bytes("thumbnail", picture.result(), "image/jpeg"),
        srt=run.keep_bytes("captions", srt(shown, profile.fps).encode(), "application/x-subrip") if shown else None,
        vtt=run.keep_bytes("captions", vtt(shown, profile.fps).encode(), "text/vtt") if shown else None,
        timeline=run.keep_bytes("timeline", document_json(_timeline(spec)).encode(), JSON),
        frames=frames,
        width=profile.width,
        height=profile.height,
    )


def _timeline(spec: AssembleSpec) -> FilmTimeline:
    """The film as an editor lays it out."""
    cuts, profile = CutList.model_validate_json(spec.cut_list), spec.profile
    return FilmTimeline(
        title=spec.title,
        width=profile.width,
        height=profile.height,
        fps=profile.fps,
        cuts=cuts.cuts,
        segments=spec.segments,
        narrations=cuts.narrations,
        mix=spec.mix,
        music=cuts.music,
        mark=cuts.mark,
    )


def _cues(spec: AssembleSpec) -> list[Cue]:
    """The cues of the film: the same that are burned into segments."""
    if spec.captions is None:
        return []
    return [
        cue.later(scene.start)
        for scene in spec.speech
        for cue in cues(scene.words, spec.captions, spec.profile.fps, scene.frames)
    ]
