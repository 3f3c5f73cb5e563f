"""The `segment` step: renders a scene or a part of it, and filters and encodes every frame once only."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common.captions import Cue, cues
from common.contracts.base import ObjectRef
from common.contracts.steps import SegmentFacts, SegmentSpec
from common.contracts.timeline import Clip, TextFrame
from common.errors import BadMedia
from common.sniff import demuxer
from common.worker.steprun import StepRun
from renderer import scenery
from renderer.ffmpeg.encoder import SOFTWARE, Encoder
from renderer.ffmpeg.join import join
from renderer.ffmpeg.limits import for_picture
from renderer.ffmpeg.run import Feed, run_ffmpeg
from renderer.ffmpeg.verify import verify_film
from renderer.frame import picture_size
from renderer.picture.quality import STEP, WATCH_FILE, judge
from renderer.picture.source import Size, Source
from renderer.sound.voice import fetch_voice
from renderer.steps.compose import CAPTIONS_FILE, FONTS_FOLDER, SEGMENT_FILE, SOUND_FILE, Overlays, compose, shown
from renderer.text import fonts
from renderer.text.ass import ass_on
from renderer.text.caption_report import with_captions
from renderer.text.caption_strip import caption_strip
from renderer.text.cards import card_ass
from renderer.text.watermark import WATERMARK_FILE, position, watermark_ass

LARGE = 1280 * 720
"Pixels of a canvas whose frames take so much memory that a run more is worth its start."
_FETCHED = 0.05


def segment(spec: SegmentSpec, run: StepRun, program: str, threads: int, encoder: Encoder = SOFTWARE) -> SegmentFacts:
    """Stores an MP4 of closed GOPs with exactly the planned frames, and the scene's narration if it is to have sound.

    Raises `BadMedia` for media that cannot be shown, `BelowStandard` for pictures that must not be delivered.
    """
    if spec.sound:
        fetch_voice(spec.voice, run)
    frame = TextFrame(style=spec.style, width=spec.profile.width, height=spec.profile.height)
    captions = _cues(spec, frame)
    overlays = _overlays(spec, frame, captions, run)
    run.progress(_FETCHED)
    log, watched = _rendered(spec, overlays, run, program, threads, encoder)
    path = run.workdir / SEGMENT_FILE
    verify_film(path, spec.timeline.frames, spec.profile, log, "the scene", sound=spec.sound)
    report = judge(watched, spec)
    if not spec.timeline.first:  # captions of a scene in parts are reported once
        report = with_captions(report, captions, frame)
    return SegmentFacts(media=run.keep("segment", path, "video/mp4"), frames=spec.timeline.frames, report=report)


def _rendered(
    spec: SegmentSpec, overlays: Overlays, run: StepRun, program: str, threads: int, encoder: Encoder
) -> tuple[str, bytes]:
    """Writes `SEGMENT_FILE`. Returns the log of all runs of ffmpeg, and the watched points of their pictures."""
    frames, path = spec.timeline.frames, run.workdir / SEGMENT_FILE
    media, files, logs, watched = dict[str, Source](), list[Path](), list[str](), b""
    passes = _passes(spec)
    for first, count, left in passes:
        sources, feeds = _gather(shown(spec.timeline, left=left, first=first), spec, run, media)
        arguments = compose(spec, sources, overlays, threads, encoder, left=left, first=first)
        limits = for_picture(spec.profile, count + left, len(sources) + 1, encoder)
        span = _share(first, frames), _share(first + count, frames)
        logs.append(run_ffmpeg(program, arguments, run, limits, frames=count, progress=span, feeds=feeds))
        watched += (run.workdir / WATCH_FILE).read_bytes()
        files.append(path.rename(run.workdir / f"run{first}.mp4") if len(passes) > 1 else path)
    if len(passes) > 1:
        lengths = [each.frames for each in passes]
        join(lengths, files, run.workdir / SOUND_FILE if spec.sound else None, path, spec.profile.fps, run)
    return "\n".join(logs), watched


class _Pass(NamedTuple):
    """One run of ffmpeg."""

    first: int
    "The frame of the segment that it begins with."
    frames: int
    "The number of frames that it encodes."
    left: int
    "The number of frames after those, which it leaves for the next run."


def _passes(spec: SegmentSpec) -> list[_Pass]:
    """One run; on a large canvas, a second one for the transition.

    A transition holds a second decoder and more frames, beside all that the encoder still holds of a long stretch.
    """
    timeline, profile = spec.timeline, spec.profile
    frames, closing = timeline.frames, timeline.closing
    # The judge of the picture looks at one frame of each run at least: ffmpeg writes no file without a frame.
    left = max(closing.frames, STEP) if closing else 0
    if closing is None or left >= frames or profile.width * profile.height < LARGE:
        return [_Pass(0, frames, 0)]
    return [_Pass(0, frames - left, left), _Pass(frames - left, left, 0)]


def _share(frames: int, of: int) -> float:
    return _FETCHED + (0.98 - _FETCHED) * frames / of


def _gather(
    clips: Sequence[Clip], spec: SegmentSpec, run: StepRun, files: dict[str, Source]
) -> tuple[list[Source], list[Feed]]:
    """A source per clip, and the feeds of painted ones. `files` are the sources that have been fetched, by key."""
    sources: list[Source] = []
    feeds: list[Feed] = []
    size = picture_size(spec.style, spec.profile)
    for clip in clips:
        if clip.footage.kind == "scenery":
            sources.append(_painted_source(f"feed:{len(feeds)}", size))
            feeds.append(_painted_frames(clip, size, spec.profile.fps))
            continue
        media = clip.footage.media
        if media is None:
            raise BadMedia(f"shot {clip.shot} has no media; choose other footage for it", clip.shot)
        if media.key not in files:
            files[media.key] = _file_source(clip, media, f"clip{len(files)}", run)
        sources.append(files[media.key])
    return sources, feeds


def _file_source(clip: Clip, media: ObjectRef, name: str, run: StepRun) -> Source:
    # Whatever a file pretends to be, it is read as this or not at all: some demuxers open what a file names.
    wanted = demuxer(media.media_type)
    if wanted is None:
        raise BadMedia(f"media of the type {media.media_type} cannot be shown; use a video or a picture", clip.shot)
    run.fetch(media, name)
    footage = clip.footage
    # What is laid on a ground is RGB from there on.
    matrix = "auto" if footage.ground else footage.matrix
    return Source(name, wanted, matrix=matrix, hdr=footage.hdr, ground=footage.ground)


def _painted_source(address: str, size: Size) -> Source:
    return Source(address, "rawvideo", size=scenery.scenery_size(*size), pixel_format=scenery.PIXEL_FORMAT)


def _painted_frames(clip: Clip, size: Size, fps: int) -> Iterator[bytes]:
    recipe = clip.footage.scenery
    if recipe is None:
        raise BadMedia(f"shot {clip.shot} has no scenery; choose other footage for it", clip.shot)
    return scenery.paint(recipe, *size, fps, clip.skip, clip.frames)


def _cues(spec: SegmentSpec, frame: TextFrame) -> list[Cue]:
    """The cues of the whole scene; none if it is to have no captions."""
    if spec.captions is None:
        return []
    return cues(spec.timeline.words, frame, spec.profile.fps, spec.timeline.length)


def _overlays(spec: SegmentSpec, frame: TextFrame, captions: Sequence[Cue], run: StepRun) -> Overlays:
    """Writes the files of the overlays: of the whole scene, since a part shows those that fall into its frames."""
    # Where nothing is said there is nothing to pay for; but a watermark has the same place in all scenes of a film.
    captioned = spec.captions is not None and bool(spec.timeline.words)
    logo, words, strip = None, {}, None
    if spec.mark is not None and spec.drawn is not None:
        run.fetch(spec.drawn.media, WATERMARK_FILE)
        logo = position(spec.mark, (spec.drawn.width, spec.drawn.height), frame, spec.captions is not None)
    elif spec.mark is not None:
        words["mark.ass"] = watermark_ass(spec.mark, frame, spec.captions is not None)
    if spec.card is not None:
        words["card.ass"] = card_ass(spec.card, frame, fonts.FAMILY, spec.profile.fps, spec.timeline.length)
    for name, text in words.items():
        (run.workdir / name).write_text(text, encoding="utf-8")
    if captioned:
        strip = caption_strip(captions, frame)
        drawn = ass_on(strip, captions, frame, fonts.FAMILY, spec.profile.fps)
        (run.workdir / CAPTIONS_FILE).write_text(drawn, encoding="utf-8")
    if words or captioned:
        fonts.install(run.workdir / FONTS_FOLDER)
    return Overlays(logo, tuple(words), strip)
