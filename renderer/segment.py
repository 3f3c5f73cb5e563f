"""Renders one scene: every frame is decoded once, filtered once and encoded once."""

import wave
from collections.abc import Iterator
from pathlib import Path

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE
from common.contracts.steps import SegmentFacts, SegmentSpec
from common.contracts.timeline import Clip, Profile
from common.errors import BadMedia
from common.jobs.steprun import StepRun
from common.sniff import demuxer
from renderer import fonts, scenery
from renderer.ass import ass
from renderer.captions import cues
from renderer.compose import CAPTIONS_FILE, FONTS_FOLDER, SEGMENT_FILE, VOICE_FILE, Source, compose
from renderer.ffmpeg.check import check_film
from renderer.ffmpeg.limits import for_picture
from renderer.ffmpeg.probe import colours
from renderer.ffmpeg.run import Feed, run_ffmpeg

_FETCHED = 0.05


def segment(spec: SegmentSpec, run: StepRun, program: str, threads: int) -> SegmentFacts:
    """The scene as a closed-GOP MP4 with exactly the planned number of frames, and its narration as sound."""
    sources, feeds = _gather(spec, run)
    _fetch_voice(spec.voice, run)
    run.progress(_FETCHED)
    if spec.captions is not None:
        _write_captions(spec, run.workdir)
    frames, path = spec.timeline.frames, run.workdir / SEGMENT_FILE
    arguments, limits = compose(spec, sources, threads), for_picture(spec.profile, frames, len(sources))
    log = run_ffmpeg(program, arguments, run, limits, frames=frames, progress=(_FETCHED, 0.98), feeds=feeds)
    check_film(path, frames, spec.profile, log, "the scene")
    return SegmentFacts(media=run.keep("segment", path, "video/mp4"), frames=frames)


def _gather(spec: SegmentSpec, run: StepRun) -> tuple[list[Source], list[Feed]]:
    """A source per clip; the frames of painted ones come from the feeds."""
    sources: list[Source] = []
    feeds: list[Feed] = []
    files: dict[str, Source] = {}
    for clip in spec.timeline.clips:
        if clip.footage.kind == "scenery":
            sources.append(_painted_source(f"feed:{len(feeds)}", spec.profile))
            feeds.append(_painted_frames(clip, spec.profile))
            continue
        media = clip.footage.media
        if media is None:
            raise BadMedia(f"shot {clip.shot} has no media; choose other footage for it")
        if media.key not in files:
            files[media.key] = _file_source(media, f"clip{len(files)}", run, still=clip.footage.kind == "still")
        sources.append(files[media.key])
    return sources, feeds


def _file_source(media: ObjectRef, name: str, run: StepRun, *, still: bool) -> Source:
    # Whatever a file pretends to be, it is read as this or not at all: some demuxers open what a file names.
    wanted = demuxer(media.media_type)
    if wanted is None:
        raise BadMedia(f"media of the type {media.media_type} cannot be shown; use a video or a picture")
    matrix, hdr = colours(run.fetch(media, name), wanted, still=still)
    return Source(name, wanted, matrix=matrix, hdr=hdr)


def _painted_source(address: str, profile: Profile) -> Source:
    size = scenery.scenery_size(profile.width, profile.height)
    return Source(address, "rawvideo", size=size, pixel_format=scenery.PIXEL_FORMAT)


def _painted_frames(clip: Clip, profile: Profile) -> Iterator[bytes]:
    recipe = clip.footage.scenery
    if recipe is None:
        raise BadMedia(f"shot {clip.shot} has no scenery; choose other footage for it")
    return scenery.paint(recipe, profile.width, profile.height, profile.fps, clip.phase, clip.frames)


def _fetch_voice(voice: ObjectRef | None, run: StepRun) -> None:
    """The scene's sound as VOICE_FILE; where nothing is said, that is silence."""
    if voice is not None:
        run.fetch(voice, VOICE_FILE)
        return
    with wave.open(str(run.workdir / VOICE_FILE), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(bytes(2))


def _write_captions(spec: SegmentSpec, folder: Path) -> None:
    assert spec.captions is not None
    fps, timeline = spec.profile.fps, spec.timeline
    shown = cues([timeline.words], spec.captions, fps, timeline.frames)
    (folder / CAPTIONS_FILE).write_text(ass(shown, spec.captions, fonts.FAMILY, fps), encoding="utf-8")
    fonts.install(folder / FONTS_FOLDER)
