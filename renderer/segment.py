"""Renders one scene or a part of it: every frame is decoded once, filtered once and encoded once."""

from collections.abc import Iterator

from common.contracts.base import ObjectRef
from common.contracts.footage import Footage
from common.contracts.steps import SegmentFacts, SegmentSpec
from common.contracts.timeline import CaptionLook, Clip
from common.errors import BadMedia
from common.jobs.steprun import StepRun
from common.sniff import demuxer
from renderer import fonts, looks, mark, scenery
from renderer.ass import ass_on
from renderer.captions import cues
from renderer.cards import card_ass
from renderer.compose import CAPTIONS_FILE, FONTS_FOLDER, SEGMENT_FILE, Overlays, Size, Source, compose, shown
from renderer.ffmpeg.check import check_film
from renderer.ffmpeg.encoder import SOFTWARE, Encoder
from renderer.ffmpeg.limits import for_picture
from renderer.ffmpeg.run import Feed, run_ffmpeg
from renderer.quality import WATCH_FILE, judge
from renderer.strip import Strip, strip_of
from renderer.voice import fetch_voice

_FETCHED = 0.05


def segment(spec: SegmentSpec, run: StepRun, program: str, threads: int, encoder: Encoder = SOFTWARE) -> SegmentFacts:
    """A closed-GOP MP4 with exactly the planned number of frames; with the scene's narration if it is to have sound."""
    sources, feeds = _gather(spec, run)
    if spec.sound:
        fetch_voice(spec.voice, run)
    run.progress(_FETCHED)
    frames, path = spec.timeline.frames, run.workdir / SEGMENT_FILE
    arguments = compose(spec, sources, _overlays(spec, run), threads, encoder)
    limits = for_picture(spec.profile, frames, len(sources) + 1, encoder)
    log = run_ffmpeg(program, arguments, run, limits, frames=frames, progress=(_FETCHED, 0.98), feeds=feeds)
    check_film(path, frames, spec.profile, log, "the scene", sound=spec.sound)
    report = judge((run.workdir / WATCH_FILE).read_bytes(), spec)
    return SegmentFacts(media=run.keep("segment", path, "video/mp4"), frames=frames, report=report)


def _gather(spec: SegmentSpec, run: StepRun) -> tuple[list[Source], list[Feed]]:
    """A source per clip; the frames of painted ones come from the feeds."""
    sources: list[Source] = []
    feeds: list[Feed] = []
    files: dict[str, Source] = {}
    size = looks.picture_size(spec.style, spec.profile)
    for clip in shown(spec.timeline):
        if clip.footage.kind == "scenery":
            sources.append(_painted_source(f"feed:{len(feeds)}", size))
            feeds.append(_painted_frames(clip, size, spec.profile.fps))
            continue
        media = clip.footage.media
        if media is None:
            raise BadMedia(f"shot {clip.shot} has no media; choose other footage for it")
        if media.key not in files:
            files[media.key] = _file_source(clip.footage, media, f"clip{len(files)}", run)
        sources.append(files[media.key])
    return sources, feeds


def _file_source(footage: Footage, media: ObjectRef, name: str, run: StepRun) -> Source:
    # Whatever a file pretends to be, it is read as this or not at all: some demuxers open what a file names.
    wanted = demuxer(media.media_type)
    if wanted is None:
        raise BadMedia(f"media of the type {media.media_type} cannot be shown; use a video or a picture")
    run.fetch(media, name)
    # What is laid on a ground is RGB from there on.
    matrix = "auto" if footage.ground else footage.matrix
    return Source(name, wanted, matrix=matrix, hdr=footage.hdr, ground=footage.ground)


def _painted_source(address: str, size: Size) -> Source:
    return Source(address, "rawvideo", size=scenery.scenery_size(*size), pixel_format=scenery.PIXEL_FORMAT)


def _painted_frames(clip: Clip, size: Size, fps: int) -> Iterator[bytes]:
    recipe = clip.footage.scenery
    if recipe is None:
        raise BadMedia(f"shot {clip.shot} has no scenery; choose other footage for it")
    return scenery.paint(recipe, *size, fps, clip.phase + clip.skip, clip.frames)


def _overlays(spec: SegmentSpec, run: StepRun) -> Overlays:
    """Writes down what lies over the picture: of the whole scene, for a part shows what falls into its frames."""
    look = CaptionLook(style=spec.style, width=spec.profile.width, height=spec.profile.height)
    # Where nothing is said there is nothing to pay for; but a mark has the same place in all scenes of a film.
    captioned = spec.captions is not None and bool(spec.timeline.words)
    logo, words, strip = None, {}, None
    if spec.mark is not None and spec.mark.media is not None:
        logo = mark.picture(spec.mark, spec.mark.media, look, spec.captions is not None, run)
    elif spec.mark is not None:
        words["mark.ass"] = mark.words(spec.mark, look, spec.captions is not None)
    if spec.card is not None:
        words["card.ass"] = card_ass(spec.card, look, fonts.FAMILY, spec.profile.fps, spec.timeline.length)
    for name, text in words.items():
        (run.workdir / name).write_text(text, encoding="utf-8")
    if captioned:
        strip = _captions(spec, look, run)
    if words or captioned:
        fonts.install(run.workdir / FONTS_FOLDER)
    return Overlays(logo, tuple(words), strip)


def _captions(spec: SegmentSpec, look: CaptionLook, run: StepRun) -> Strip:
    fps = spec.profile.fps
    shown = cues([spec.timeline.words], look, fps, spec.timeline.length)
    strip = strip_of(shown, look)
    (run.workdir / CAPTIONS_FILE).write_text(ass_on(strip, shown, look, fonts.FAMILY, fps), encoding="utf-8")
    return strip
