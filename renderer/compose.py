"""From a scene's timeline to the ffmpeg arguments that draw it. Pure: same spec, same text.

Each clip becomes a branch of exactly its number of frames in one common format (size of the picture, square pixels,
8-bit 4:2:0, BT.709, limited range, a time base of one frame), graded by itself where it has the fewest pixels. The
branches are joined, a transition takes the last frames, and the look's finish, captions and card lie over all of it.

A scene that is rendered in parts gives the same pictures as one rendered whole: what depends on time counts from the
start of the stretch or of the scene, never from the start of the part.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import ffmpeg

from common.contracts.footage import Footage, Ground
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import CardKind, Clip, Closing, SceneTimeline
from renderer import cards, looks, mark, quality, voice
from renderer.ffmpeg.encoder import SOFTWARE, Encoder
from renderer.ffmpeg.formats import BT709, GUARD, MAX_PIXELS
from renderer.strip import Strip, laid
from renderer.transitions import transition

FONTS_FOLDER = "fonts"
CAPTIONS_FILE = "captions.ass"
SEGMENT_FILE = "segment.mp4"
SOUND_FILE = "sound.m4a"
LEFT_FILE = "left.y4m"
_LEFT: dict[str, Any] = {"f": "yuv4mpegpipe", "c:v": "wrapped_avframe", "pix_fmt": "yuv420p", "fps_mode": "passthrough"}
"The frames themselves; the encoder for raw video would copy each of them once more, and hold 20 MB of copies."

ZOOM_PER_SECOND = 0.03
MAX_ZOOM = 0.12
# A still is held a little larger than the canvas while the camera moves over it: sampled at exactly its
# own size, linear interpolation would be sharp on whole pixels and soft between them, and so pulse.
STILL_MARGIN = 1.16
LAST_SECONDS = 0.5
"What would begin behind its footage begins so much before the end of it."
SIMPLE = 24
"Frame rates that are to ours as numbers up to this one are kept from falling between two frames."
CENTRE = (0.5, 0.5)

Size = tuple[int, int]
Grade = Sequence[looks.Filter]


class Source(NamedTuple):
    """Where the pixels of a clip come from, and what the file says about their colours."""

    address: str
    "A file in the scratch folder, or `feed:N`."
    demuxer: str
    "The one demuxer that may read it."
    size: Size = (0, 0)
    "Of raw frames."
    pixel_format: str = ""
    "Of raw frames."
    matrix: str = "auto"
    "How to read YCbCr: a name that ffmpeg's scale filter knows, `auto` if the file says it."
    hdr: bool = False
    ground: Ground = ""
    "What is seen where it is transparent."


class Overlays(NamedTuple):
    """What is laid over the picture, from below."""

    logo: mark.Place | None = None
    "Where `mark.PICTURE_FILE` goes."
    words: tuple[str, ...] = ()
    "Files that libass reads, with times of the whole scene."
    captions: Strip | None = None
    "What `CAPTIONS_FILE` is drawn on."


class _Frame(NamedTuple):
    """What all branches have in common."""

    size: Size
    fps: int
    decoding: int
    "Threads of each decoder."
    draft: bool = False


def shown(timeline: SceneTimeline) -> tuple[Clip, ...]:
    """All clips that a segment needs sources for: its own, and behind them what the next scene comes up with."""
    return (*timeline.clips, timeline.closing.head) if timeline.closing else timeline.clips


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

    A scene that ends with a transition may take two runs. One with `left` leaves so many of the scene's last frames as
    they are in `LEFT_FILE`, out of sources for the scene's own clips, and the sound of the scene in `SOUND_FILE`. The
    other begins with frame `first` of the segment: with those, and a source for what the next scene comes up with.

    Beside it must lie `VOICE_FILE` if there is to be sound, and what `overlays` name, with `FONTS_FOLDER`.
    """
    timeline, fps = spec.timeline, spec.profile.fps
    frames = timeline.frames - first - left
    # Decoding takes a fifth of the time that filters and encoder take, and each of its threads holds frames.
    frame = _Frame(looks.picture_size(spec.style, spec.profile), fps, max(1, threads // 2), spec.profile.draft)
    picture = _left_over(frame) if first else _shots(spec, sources, frame)
    more = []
    if left:
        both = picture.filter_multi_output("split", 2)
        more.append(ffmpeg.output(_cut(both[0], frames, left), LEFT_FILE, **_LEFT))
        picture = _cut(both[1], 0, frames)
    elif timeline.closing is not None:
        head = _branch(timeline.closing.head, sources[-1], frame, _grade(spec, timeline.closing.head))
        picture = _closed(picture, _grounded(head, timeline.closing.ground, frame), timeline.closing, frames, fps)
    picture, watched = quality.watch(picture, first)
    picture = looks.finish(spec.style, spec.profile, fps).over(picture)
    if overlays.logo is not None:
        picture = _marked(picture, overlays.logo)
    picture = _written(picture, overlays, timeline.first + first, frames, fps)
    streams = [encoder.upload(picture)]
    sound = [voice.placed(timeline.voice_offset, timeline.length, fps)] if spec.sound and not first else []
    more.append(ffmpeg.output(watched, quality.WATCH_FILE, **quality.WATCHED))
    if left and sound:
        # In one file it would end with the pictures.
        more.append(ffmpeg.output(sound.pop(), SOUND_FILE, map_metadata=-1, fflags="+bitexact", **voice.ENCODING))
    film = ffmpeg.output(*streams, *sound, SEGMENT_FILE, **_encoding(spec, frames, threads, encoder, bool(sound)))
    return list(ffmpeg.merge_outputs(film, *more).get_args())


def _shots(spec: SegmentSpec, sources: Sequence[Source], frame: _Frame) -> Any:
    """All that the scene shows of its own."""
    clips = spec.timeline.clips
    branches = [_branch(clip, source, frame, _grade(spec, clip)) for clip, source in zip(clips, sources, strict=False)]
    return _grounded(_joined(branches, frame.fps), spec.card.kind if spec.card else None, frame)


def _grade(spec: SegmentSpec, clip: Clip) -> Grade:
    return looks.grade(spec.style, clip.footage.tone)


def _left_over(frame: _Frame) -> Any:
    """What the run before has left in `LEFT_FILE`, as it was: where chroma lies in it, the file says wrongly."""
    picture = ffmpeg.input(LEFT_FILE, f="yuv4mpegpipe", **GUARD).video.filter("settb", f"1/{frame.fps}")
    return picture.filter("setsar", 1).filter("setparams", range="tv", chroma_location="left", **BT709)


def _encoding(spec: SegmentSpec, frames: int, threads: int, encoder: Encoder, sound: bool) -> dict[str, Any]:
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


def _branch(clip: Clip, source: Source, frame: _Frame, grade: Grade) -> Any:
    """The clip's own frames, on the grid, in the common format and graded.

    The format is said once more at the end, since filters behind the grade might choose another.
    """
    kinds: dict[str, Callable[[Clip, Source, _Frame, Grade], Any]] = {
        "video": _video,
        "still": _still,
        "scenery": _scenery,
    }
    return kinds[clip.footage.kind](clip, source, frame, grade).filter("setsar", 1).filter("format", "yuv420p")


def _video(clip: Clip, source: Source, frame: _Frame, grade: Grade) -> Any:
    start, last = begin_of(clip, frame.fps), max(0.0, clip.footage.seconds - LAST_SECONDS)
    seek = min(start + clip.skip * clip.speed / frame.fps, last)
    # All frames from the key frame before are decoded anyway. With none of them thrown away behind the decoder, `fps`
    # sees the one that covers the cut, however long it lasts.
    wanted = {"noaccurate_seek": None, "ss": f"{seek:.6f}"} if seek > 0 else {}
    if frame.draft:
        # The edges of blocks hardly show in a picture so much smaller, and smoothing them is a seventh of decoding.
        wanted["skip_loop_filter"] = "all"
    picture = _file(source, threads=frame.decoding, **wanted)
    if clip.speed != 1:
        picture = picture.filter("settb", "AVTB").filter("setpts", f"PTS/{clip.speed}")
    # The grid begins with the stretch, whichever part of it is wanted, so that all parts round alike.
    picture = picture.filter("fps", fps=frame.fps, start_time=f"{start / clip.speed:.6f}")
    # Nothing is a frame short: footage that ends too early holds its last picture.
    picture = picture.filter("tpad", stop=-1, stop_mode="clone")
    return _fitted(_cut(picture, clip.skip, clip.frames), clip, source, frame.size, grade)


def begin_of(clip: Clip, fps: int) -> float:
    """The second of the footage at which the stretch begins.

    That is on one of its frames if its rate is known, or a little before: where frames would fall just between two of
    ours (60 on 30), rounding would take now the one and now the other, and the picture would judder.
    """
    begin = min(clip.source_start, max(0.0, clip.footage.seconds - LAST_SECONDS))
    rate = clip.footage.fps
    if rate <= 0:
        return begin
    places = Fraction(fps / (rate * clip.speed)).limit_denominator(SIMPLE).denominator
    before = 0.0 if places % 2 else 0.5 / places
    return int(begin * rate + 0.5) / rate - before * clip.speed / fps


def _still(clip: Clip, source: Source, frame: _Frame, grade: Grade) -> Any:
    """The picture is fitted and graded once and then repeated; only the camera moves per frame."""
    width, height = frame.size
    moving = clip.motion != "none"
    share = STILL_MARGIN if moving else 1.0
    size = _even(width * share), _even(height * share)
    picture = _fitted(_file(source, threads=frame.decoding), clip, source, size, grade)
    if moving:
        # Makes up for the softness of linear interpolation.
        picture = picture.filter("unsharp", 3, 3, 0.6, 3, 3, 0)
    picture = picture.filter("loop", loop=-1, size=1, start=0).filter("settb", f"1/{frame.fps}").filter("setpts", "N")
    picture = _cut(picture.filter("fps", frame.fps), 0, clip.frames)
    if not moving:
        return picture
    camera = picture.filter("perspective", eval="frame", interpolation="linear", **_camera(clip, frame, size))
    return camera.filter("crop", width, height, 0, 0)


def _scenery(clip: Clip, source: Source, frame: _Frame, grade: Grade) -> Any:
    painted = ffmpeg.input(
        source.address,
        f=source.demuxer,
        pixel_format=source.pixel_format,
        video_size=source.size,
        framerate=frame.fps,
        **GUARD,
    )
    picture = painted["V"].filter("settb", f"1/{frame.fps}")
    return _graded(_scaled(_cut(picture, 0, clip.frames), *frame.size, source), grade)


def _file(source: Source, **options: Any) -> Any:
    opened = ffmpeg.input(source.address, f=source.demuxer, max_pixels=MAX_PIXELS, **GUARD, **options)
    # A capital V: a cover picture in a video file is not its video.
    return _opaque(opened["V"], source.ground)


def _opaque(picture: Any, ground: Ground) -> Any:
    """What is transparent shows the ground, which is black to `premultiply`; to its negative, white is."""
    if not ground:
        return picture
    turn = ("negate", {"components": "r+g+b"}) if ground == "white" else ("null", {})
    picture = picture.filter("format", "gbrap").filter(turn[0], **turn[1]).filter("premultiply", inplace=1)
    return picture.filter(turn[0], **turn[1]).filter("format", "gbrp")


def _cut(picture: Any, skip: int, frames: int) -> Any:
    return picture.filter("trim", start_frame=skip, end_frame=skip + frames).filter("setpts", "PTS-STARTPTS")


def _joined(pictures: Sequence[Any], fps: int) -> Any:
    """One after the other. Times are counted anew: concat takes a single frame to last no time at all."""
    if len(pictures) == 1:
        return pictures[0]
    return ffmpeg.concat(*pictures, v=1, a=0).filter("settb", f"1/{fps}").filter("setpts", "N")


def _closed(picture: Any, head: Any, closing: Closing, frames: int, fps: int) -> Any:
    """The last of so many frames become a transition; the others are not touched and do not pay for it."""
    if frames == closing.frames:
        return transition(closing.kind, picture, head, frames, fps)
    rest = frames - closing.frames
    # The branch that lets go of its frames at once comes first: they could not be drawn on while it held them.
    both = picture.filter_multi_output("split", 2)
    last = _cut(both[0], rest, closing.frames)
    return _joined([_cut(both[1], 0, rest), transition(closing.kind, last, head, closing.frames, fps)], fps)


def _grounded(picture: Any, kind: CardKind | None, frame: _Frame) -> Any:
    """Fit to be the ground of a card's words."""
    if kind is None:
        return picture
    for name, options in cards.backdrop(kind, *frame.size):
        picture = picture.filter(name, **options)
    return picture


def _marked(picture: Any, logo: mark.Place) -> Any:
    """The one picture of the mark lies over all frames."""
    drawn = ffmpeg.input(mark.PICTURE_FILE, f="png_pipe", **GUARD).video
    drawn = drawn.filter("scale", out_color_matrix="bt709", out_range="tv").filter("format", "yuva420p")
    return ffmpeg.overlay(picture, drawn, x=logo.left, y=logo.top, format="yuv420")


def _written(picture: Any, overlays: Overlays, first: int, frames: int, fps: int) -> Any:
    """Words over so many frames of the scene from frame `first` on, at the times of the whole scene."""
    # What was laid over it may have other steps of time.
    picture = picture.filter("settb", f"1/{fps}").filter("setpts", f"N+{first}" if first else "N")
    for name in overlays.words:
        picture = picture.filter("ass", filename=name, fontsdir=FONTS_FOLDER)
    if overlays.captions is not None:
        picture = laid(picture, overlays.captions, CAPTIONS_FILE, FONTS_FOLDER, first, frames, fps)
    return picture.filter("setpts", "N") if first else picture


def _fitted(picture: Any, clip: Clip, source: Source, size: Size, grade: Grade) -> Any:
    """In the canvas' shape and size, in our colours and graded."""
    if source.hdr:
        picture = _tone_mapped(picture, *size)
        source = source._replace(matrix="bt709")
    if clip.fit == "contain-blur":
        return _graded(_contained(picture, source, *size), grade)
    picture = _cropped(picture, *size, focus=clip.footage.focus if clip.fit == "smart" else CENTRE)
    if not grade or clip.footage.kind == "still" or not _is_enlarged(clip.footage, size):
        return _graded(_scaled(picture, *size, source), grade)
    # A grade takes its time per pixel, so it comes before there are more of them (a still has only one frame to grade).
    # Where the colours are ours already, the first of the two scalings hands frames on as they are.
    picture = _graded(_scaled(picture, "iw", "ih", source), grade)
    return picture.filter("scale", *size, flags="bicubic")


def _is_enlarged(footage: Footage, size: Size) -> bool:
    """Whether what a canvas of this size shows of it has fewer pixels than the canvas."""
    return min(footage.width / size[0], footage.height / size[1]) < 1


def _graded(picture: Any, grade: Grade) -> Any:
    """Limited BT.709 in 8 bits, 4:2:0, as it comes from `_scaled`, is said to be that, and is graded."""
    picture = picture.filter("format", "yuv420p").filter("setparams", range="tv", **BT709)
    for name, options in grade:
        picture = picture.filter(name, **options)
    return picture


def _cropped(picture: Any, width: int, height: int, focus: tuple[float, float] = CENTRE) -> Any:
    """Cut to the canvas' shape around the focus, before it is scaled: to scale what is cut away would be wasted."""
    ratio = f"{width}/{height}"
    cut_width = f"2*trunc(min(iw,ih*{ratio}/sar)/2)"
    cut_height = f"2*trunc(min(ih,iw*sar/({ratio}))/2)"
    left, top = f"clip(iw*{focus[0]:.4g}-ow/2,0,iw-ow)", f"clip(ih*{focus[1]:.4g}-oh/2,0,ih-oh)"
    return picture.filter("crop", cut_width, cut_height, left, top)


def _contained(picture: Any, source: Source, width: int, height: int) -> Any:
    """The whole picture over a blurred, darkened, enlarged copy of itself."""
    both = picture.filter_multi_output("split", 2)
    # The copy is blurred at an eighth of its size, where it costs next to nothing.
    small = _even(width / 8), _even(height / 8)
    back = (
        _scaled(_cropped(both[0].filter("crop", "iw/1.15", "ih/1.15"), *small), *small, source)
        .filter("format", "yuv420p")
        .filter("gblur", sigma=max(small) / 40, steps=2)
        .filter("lutyuv", y="16+(val-16)*0.55", u="128+(val-128)*0.8", v="128+(val-128)*0.8")
        .filter("scale", width, height, flags="bicubic")
        .filter("setsar", 1)
    )
    inside = f"2*trunc(min({width},{height}*dar)/2)", f"2*trunc(min({height},{width}/dar)/2)"
    front = _scaled(both[1], *inside, source).filter("setsar", 1).filter("format", "yuv420p")
    return ffmpeg.overlay(back, front, x="2*trunc((W-w)/4)", y="2*trunc((H-h)/4)", format="yuv420")


def _scaled(picture: Any, width: int | str, height: int | str, source: Source) -> Any:
    return picture.filter(
        "scale",
        width,
        height,
        flags="bicubic",
        in_color_matrix=source.matrix,
        out_color_matrix="bt709",
        out_range="tv",
    )


def _tone_mapped(picture: Any, width: int, height: int) -> Any:
    """High dynamic range brought into BT.709; the reference white of HLG and PQ is at 203 cd/m2."""
    # Floating point is slow: no more pixels than the canvas will show.
    share = f"min(1,max({width}/iw,{height}/ih))"
    return (
        picture.filter("scale", f"2*ceil(iw*{share}/2)", f"2*ceil(ih*{share}/2)", flags="bicubic")
        .filter("zscale", primariesin="bt2020", matrixin="bt2020nc", transfer="linear", npl=203)
        .filter("format", "gbrpf32le")
        .filter("zscale", primaries="bt709")
        .filter("tonemap", "mobius", desat=0)
        .filter("zscale", transfer="bt709", matrix="bt709", range="tv")
        .filter("format", "yuv420p")
    )


def _camera(clip: Clip, frame: _Frame, still: Size) -> dict[str, str]:
    """The corners that `perspective` maps to the corners of the frame, as expressions of the frame number.

    `perspective` places pixels by fractions (zoompan rounds to whole ones, which trembles). Its frame is
    as large as the still, and only the canvas at its top left is kept, so the corners lie further out
    than the part that is seen.
    """
    reach = min(MAX_ZOOM, ZOOM_PER_SECOND * clip.length / frame.fps)
    # `on` counts from 1.
    done = f"(on-1+{clip.skip})/{max(1, clip.length - 1)}"
    zoom, left = _move(clip.motion, 1 + reach, done)
    (width, height), (full_width, full_height) = frame.size, still
    x0, y0 = f"W*(1-1/({zoom}))*({left})", f"H*(1-1/({zoom}))/2"
    x1 = f"{x0}+W/({zoom})*{full_width}/{width}"
    y1 = f"{y0}+H/({zoom})*{full_height}/{height}"
    return {"x0": x0, "y0": y0, "x1": x1, "y1": y0, "x2": x0, "y2": y1, "x3": x1, "y3": y1}


def _move(motion: str, zoom: float, done: str) -> tuple[str, str]:
    """How close the camera is, and which share of the hidden width lies left of it."""
    moves = {
        # A constant factor per frame looks like a constant speed.
        "zoom-in": (f"pow({zoom:.6f},{done})", "0.5"),
        "zoom-out": (f"pow({zoom:.6f},1-{done})", "0.5"),
        "pan-left": (f"{zoom:.6f}", f"1-{done}"),
        "pan-right": (f"{zoom:.6f}", done),
    }
    return moves[motion]


def _even(pixels: float) -> int:
    return max(2, int(pixels) // 2 * 2)
