"""Composes a segment: from its timeline to the ffmpeg arguments that draw it. Pure: same spec, same text.

Each clip becomes a stream of exactly its number of frames, all in one format (`clip_stream`). The streams are joined, a
transition takes the last frames, and the finish of the look, captions and card lie over all of it.

A scene that is rendered in parts gives the same pictures as one rendered whole: whatever depends on time counts from
the start of the stretch or of the scene, never from the start of the part. Only grain, which is noise anyway, begins
anew with each part.
"""

from collections.abc import Sequence
from typing import NamedTuple

import ffmpeg

from common.contracts.steps import SegmentSpec
from common.contracts.timeline import CardKind, Clip, Closing, SceneTimeline
from renderer.ffmpeg.encoder import SOFTWARE, Encoder
from renderer.ffmpeg.formats import BT709, GUARD, Options, Stream
from renderer.frame import picture_size
from renderer.picture import looks, quality
from renderer.picture.clip import ClipFormat, aside, clip_stream, cut
from renderer.picture.fit import Grade
from renderer.picture.source import Source
from renderer.picture.transitions import transition
from renderer.sound import voice
from renderer.text.caption_strip import CaptionStrip, overlay_captions
from renderer.text.watermark import WATERMARK_FILE, Position

FONTS_FOLDER = "fonts"
CAPTIONS_FILE = "captions.ass"
SEGMENT_FILE = "segment.mp4"
SOUND_FILE = "sound.m4a"
LEFT_FILE = "left.y4m"
_LEFT: Options = {
    "f": "yuv4mpegpipe",
    # The frames themselves. The encoder for raw video would copy each once more, and hold 20 MB of copies.
    "c:v": "wrapped_avframe",
    "pix_fmt": "yuv420p",
    "fps_mode": "passthrough",
    # A slow disk does not make them pile up in memory.
    "thread_queue_size": 1,
}


class Overlays(NamedTuple):
    """Everything that is laid over the picture, from below."""

    logo: Position | None = None
    "The place of `WATERMARK_FILE`."
    words: tuple[str, ...] = ()
    "Files that libass reads, with times of the whole scene."
    captions: CaptionStrip | None = None
    "The strip that `CAPTIONS_FILE` is drawn on."


def shown(timeline: SceneTimeline, *, left: int = 0, first: int = 0) -> tuple[Clip, ...]:
    """The clips that a run needs sources for: the scene's own, and after them the one that the next scene begins with.

    Of two runs (see `compose`), one has the scene's own, the other that of the next scene.
    """
    if timeline.closing is None or left:
        return timeline.clips
    return (timeline.closing.head,) if first else (*timeline.clips, timeline.closing.head)


def compose(
    spec: SegmentSpec,
    sources: Sequence[Source],
    overlays: Overlays,
    threads: int,
    encoder: Encoder = SOFTWARE,
    *,
    left: int = 0,
    first: int = 0,
) -> list[str]:
    """The arguments that make `SEGMENT_FILE`, and `WATCH_FILE` for its judge, out of one source per clip of `shown`.

    A scene that ends with a transition may take two runs. The first has sources for the scene's own clips. It leaves
    the last `left` frames as they are in `LEFT_FILE`, and the sound of the scene in `SOUND_FILE`. The second begins
    with frame `first` of the segment: it reads those frames, and has a source for what the next scene begins with.

    The scratch folder must have `VOICE_FILE` if there is to be sound, the files of `overlays`, and `FONTS_FOLDER`.
    """
    assert not (left and first), "a run leaves frames or takes them"
    timeline, fps = spec.timeline, spec.profile.fps
    frames = timeline.frames - first - left
    # Decoding takes a fifth of the time that filters and encoder take, and each of its threads holds frames.
    target = ClipFormat(picture_size(spec.style, spec.profile), fps, max(1, threads // 2), spec.profile.draft)
    read = list(zip(shown(timeline, left=left, first=first), sources, strict=True))
    picture = _left_over(target) if first else _shots(spec, read, target)
    more = []
    if left:
        picture, rest = _parted(picture, frames)
        more.append(ffmpeg.output(rest, LEFT_FILE, **_LEFT))
    elif timeline.closing is not None:
        picture = _closed(picture, _head(spec, timeline.closing, sources[-1], target), timeline.closing, frames, fps)
    picture, watched = quality.watch(picture, first)
    picture = encoder.upload(_overlaid(picture, spec, overlays, first, frames))
    sound = [voice.placed(timeline.voice_offset, timeline.length, fps)] if spec.sound and not first else []
    more.append(ffmpeg.output(watched, quality.WATCH_FILE, **quality.WATCHED))
    if left and sound:
        # In one file it would end with the pictures.
        more.append(ffmpeg.output(sound.pop(), SOUND_FILE, map_metadata=-1, fflags="+bitexact", **voice.ENCODING))
    film = ffmpeg.output(picture, *sound, SEGMENT_FILE, **_encoding(spec, frames, threads, encoder, bool(sound)))
    return list(ffmpeg.merge_outputs(film, *more).get_args())


def _shots(spec: SegmentSpec, read: Sequence[tuple[Clip, Source]], target: ClipFormat) -> Stream:
    """The clips of the scene itself, joined."""
    own = read[: len(spec.timeline.clips)]
    streams = [clip_stream(clip, source, target, _grade(spec, clip)) for clip, source in own]
    return _grounded(_joined(streams, target.fps), spec.card.kind if spec.card else None, target)


def _head(spec: SegmentSpec, closing: Closing, source: Source, target: ClipFormat) -> Stream:
    """The clip that the next scene begins with."""
    head = clip_stream(closing.head, source, target, _grade(spec, closing.head))
    return _grounded(head, closing.ground, target)


def _grade(spec: SegmentSpec, clip: Clip) -> Grade:
    return looks.grade(spec.style, clip.footage.tone)


def _left_over(target: ClipFormat) -> Stream:
    """The frames in `LEFT_FILE` as they were: the file gives a wrong position of chroma.

    Its first frame is not one of them, see `aside`.
    """
    picture = ffmpeg.input(LEFT_FILE, f="yuv4mpegpipe", **GUARD).video.filter("settb", f"1/{target.fps}")
    picture = picture.filter("trim", start_frame=1).filter("setpts", "N")
    return picture.filter("setsar", 1).filter("setparams", range="tv", chroma_location="left", **BT709)


def _encoding(spec: SegmentSpec, frames: int, threads: int, encoder: Encoder, sound: bool) -> Options:
    """The same for every segment of a film, but for the number of frames: else they could not be joined."""
    fps = spec.profile.fps
    return {
        # Times are those of the files, so that all parts of a stretch choose the same of their frames.
        "copyts": None,
        "start_at_zero": None,
        "filter_complex_threads": threads,
        **encoder.device,
        "frames:v": frames,
        **encoder.options(spec.profile),
        "threads": threads,
        **BT709,
        "color_range": "tv",
        "r": fps,
        **(voice.ENCODING if sound else {}),
        "video_track_timescale": fps * 512,
        "map_metadata": -1,
        "fflags": "+bitexact",
        "movflags": "+faststart",
    }


def _joined(pictures: Sequence[Stream], fps: int) -> Stream:
    """One after the other. Times are counted anew: concat takes a single frame to last no time at all."""
    if len(pictures) == 1:
        return pictures[0]
    return ffmpeg.concat(*pictures, v=1, a=0).filter("settb", f"1/{fps}").filter("setpts", "N")


def _closed(picture: Stream, head: Stream, closing: Closing, frames: int, fps: int) -> Stream:
    """The last of `frames` frames as a transition; the others are not touched and do not pay for it."""
    if frames == closing.frames:
        return transition(closing.kind, picture, head, frames, fps)
    rest = frames - closing.frames
    # The branch that lets go of its frames at once comes first: they could not be drawn on while it held them.
    both = picture.filter_multi_output("split", 2)
    last = cut(both[0], rest, closing.frames)
    return _joined([cut(both[1], 0, rest), transition(closing.kind, last, head, closing.frames, fps)], fps)


def _grounded(picture: Stream, kind: CardKind | None, target: ClipFormat) -> Stream:
    """The picture as the ground of a card's words, if it is to be one."""
    if kind is None:
        return picture
    for name, options in looks.backdrop(kind, *target.size):
        picture = picture.filter(name, **options)
    return picture


def _parted(picture: Stream, frames: int) -> tuple[Stream, Stream]:
    """The first `frames` frames, and those after them for `LEFT_FILE`."""
    both = picture.filter_multi_output("split", 2)
    return cut(both[1], 0, frames), aside(both[0].filter("select", f"eq(n,0)+gte(n,{frames})"))


def _overlaid(picture: Stream, spec: SegmentSpec, overlays: Overlays, first: int, frames: int) -> Stream:
    """The picture, which begins with frame `first` of the segment, below the finish of its style and all overlays."""
    picture = looks.finish(spec.style, spec.profile, spec.profile.fps).over(picture)
    if overlays.logo is not None:
        picture = _watermarked(picture, overlays.logo)
    return _written(picture, overlays, spec.timeline.first + first, frames, spec.profile.fps)


def _watermarked(picture: Stream, logo: Position) -> Stream:
    """The watermark's one picture over all frames."""
    drawn = ffmpeg.input(WATERMARK_FILE, f="png_pipe", **GUARD).video
    drawn = drawn.filter("scale", out_color_matrix="bt709", out_range="tv").filter("format", "yuva420p")
    return ffmpeg.overlay(picture, drawn, x=logo.left, y=logo.top, format="yuv420")


def _written(picture: Stream, overlays: Overlays, first: int, frames: int, fps: int) -> Stream:
    """Words over `frames` frames of the scene from frame `first` on, at the times of the whole scene."""
    # What was laid over it may have other steps of time.
    picture = picture.filter("settb", f"1/{fps}").filter("setpts", f"N+{first}" if first else "N")
    for name in overlays.words:
        picture = picture.filter("ass", filename=name, fontsdir=FONTS_FOLDER)
    if overlays.captions is not None:
        picture = overlay_captions(picture, overlays.captions, CAPTIONS_FILE, FONTS_FOLDER, first, frames, fps)
    return picture.filter("setpts", "N") if first else picture
