"""From a scene's timeline to the ffmpeg arguments that draw it. Pure: same spec, same text.

Each clip becomes a branch of exactly its number of frames in one common format (canvas size, square
pixels, 8-bit 4:2:0, BT.709, limited range); the branches are joined, graded and captioned. The scene's
narration goes along as a sound track of exactly the same length.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import ffmpeg

from common.contracts.grid import samples_per_frame
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import Clip, Profile
from renderer.looks import look

CAPTIONS_FILE = "captions.ass"
FONTS_FOLDER = "fonts"
VOICE_FILE = "voice.wav"
SEGMENT_FILE = "segment.mp4"

GUARD = {"protocol_whitelist": "file,pipe"}
MAX_PIXELS = 64_000_000
"Pictures larger than this are refused before they are decoded; some more than acquisition lets in."

BT709 = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
ZOOM_PER_SECOND = 0.03
MAX_ZOOM = 0.12
# A still is held a little larger than the canvas while the camera moves over it: sampled at exactly its
# own size, linear interpolation would be sharp on whole pixels and soft between them, and so pulse.
STILL_MARGIN = 1.16
# What a source needs beside what was planned: its frames need not lie on our grid.
SLACK = 0.25


class Source(NamedTuple):
    """Where the pixels of a clip come from, and what the file says about their colours."""

    address: str
    "A file in the scratch folder, or `feed:N`."
    demuxer: str
    "The one demuxer that may read it."
    size: tuple[int, int] = (0, 0)
    "Of raw frames."
    pixel_format: str = ""
    "Of raw frames."
    matrix: str = "auto"
    "How to read YCbCr: a name that ffmpeg's scale filter knows, `auto` if the file says it."
    hdr: bool = False


def compose(spec: SegmentSpec, sources: Sequence[Source], threads: int) -> list[str]:
    """The arguments that make `SEGMENT_FILE` out of one source per clip.

    `VOICE_FILE` must lie beside it and, with captions, `CAPTIONS_FILE` and `FONTS_FOLDER`.
    """
    profile = spec.profile
    branches = [
        _branch(clip, source, profile, threads) for clip, source in zip(spec.timeline.clips, sources, strict=True)
    ]
    picture = branches[0] if len(branches) == 1 else ffmpeg.concat(*branches, v=1, a=0)
    for name, options in look(spec.style):
        picture = picture.filter(name, **options)
    if spec.captions is not None:
        picture = picture.filter("ass", filename=CAPTIONS_FILE, fontsdir=FONTS_FOLDER)
    return list(ffmpeg.output(picture, _voice(spec), SEGMENT_FILE, **_encoding(spec, threads)).get_args())


def _encoding(spec: SegmentSpec, threads: int) -> dict[str, Any]:
    """The same for every segment of a film, but for the number of frames: else they could not be joined."""
    profile = spec.profile
    return {
        "filter_complex_threads": threads,
        "frames:v": spec.timeline.frames,
        "c:v": "libx264",
        "preset": profile.preset,
        "crf": profile.crf,
        "profile:v": "high",
        "g": 2 * profile.fps,
        "flags:v": "+cgop+bitexact",
        "c:a": "aac",
        # A third of the cost of the usual search, and nothing that a voice would lose.
        "aac_coder": "fast",
        # A voice is one channel: half of what the film's two get.
        "b:a": profile.audio_bitrate // 2,
        "ac": 1,
        "flags:a": "+bitexact",
        "threads": threads,
        "pix_fmt": "yuv420p",
        **BT709,
        "color_range": "tv",
        "r": profile.fps,
        "video_track_timescale": profile.fps * 512,
        "map_metadata": -1,
        "fflags": "+bitexact",
        "movflags": "+faststart",
    }


def _voice(spec: SegmentSpec) -> Any:
    """The narration in its place among silence, at its own level: only the mix knows how loud the film will be."""
    timeline = spec.timeline
    total = timeline.frames * samples_per_frame(spec.profile.fps)
    sound = ffmpeg.input(VOICE_FILE, f="wav", **GUARD).audio
    placed = sound.filter("adelay", f"{timeline.voice_offset}S", all=1)
    return placed.filter("apad", whole_len=total).filter("atrim", end_sample=total)


def _branch(clip: Clip, source: Source, profile: Profile, threads: int) -> Any:
    """The clip's own frames, on the grid and in the common format."""
    kinds = {"video": _video, "still": _still, "scenery": _scenery}
    picture = kinds[clip.footage.kind](clip, source, profile, threads)
    return picture.filter("setsar", 1).filter("format", "yuv420p").filter("setparams", range="tv", **BT709)


def _video(clip: Clip, source: Source, profile: Profile, threads: int) -> Any:
    begin = min(clip.source_start, max(0.0, clip.footage.seconds - 0.5))
    wanted = {"ss": f"{begin:.6f}", "t": f"{clip.frames / profile.fps + SLACK:.6f}"}
    # Nothing is a frame short: footage that ends too early holds its last picture.
    picture = (
        _file(source, threads=threads, **wanted)
        .filter("fps", fps=profile.fps, start_time=0)
        .filter("tpad", stop=-1, stop_mode="clone")
    )
    return _fitted(_exactly(picture, clip.frames), clip, source, (profile.width, profile.height))


def _still(clip: Clip, source: Source, profile: Profile, threads: int) -> Any:
    """The picture is fitted once and then repeated; only the camera moves per frame."""
    moving = clip.motion != "none"
    share = STILL_MARGIN if moving else 1.0
    size = _even(profile.width * share), _even(profile.height * share)
    picture = _fitted(_file(source, threads=threads), clip, source, size)
    picture = picture.filter("format", "yuv420p")
    if moving:
        # Makes up for the softness of linear interpolation.
        picture = picture.filter("unsharp", 3, 3, 0.6, 3, 3, 0)
    picture = picture.filter("loop", loop=-1, size=1, start=0).filter("settb", f"1/{profile.fps}").filter("setpts", "N")
    picture = _exactly(picture.filter("fps", profile.fps), clip.frames)
    if not moving:
        return picture
    camera = picture.filter("perspective", eval="frame", interpolation="linear", **_camera(clip, profile, size))
    return camera.filter("crop", profile.width, profile.height, 0, 0)


def _scenery(clip: Clip, source: Source, profile: Profile, threads: int) -> Any:
    frames = ffmpeg.input(
        source.address,
        f=source.demuxer,
        pixel_format=source.pixel_format,
        video_size=source.size,
        framerate=profile.fps,
        **GUARD,
    )
    return _scaled(_exactly(frames["V"], clip.frames), profile.width, profile.height, source)


def _file(source: Source, **options: Any) -> Any:
    opened = ffmpeg.input(source.address, f=source.demuxer, max_pixels=MAX_PIXELS, **GUARD, **options)
    # A capital V: a cover picture in a video file is not its video.
    return opened["V"]


def _exactly(picture: Any, frames: int) -> Any:
    return picture.filter("trim", end_frame=frames).filter("setpts", "PTS-STARTPTS")


def _fitted(picture: Any, clip: Clip, source: Source, size: tuple[int, int]) -> Any:
    width, height = size
    if source.hdr:
        picture = _tone_mapped(picture, width, height)
        source = source._replace(matrix="bt709")
    return (_contained if clip.fit == "contain-blur" else _covering)(picture, source, width, height)


def _covering(picture: Any, source: Source, width: int, height: int) -> Any:
    """Cut to the canvas' shape, then scaled: scaling what is cut away would be wasted."""
    ratio = f"{width}/{height}"
    cut_width = f"2*trunc(min(iw,ih*{ratio}/sar)/2)"
    cut_height = f"2*trunc(min(ih,iw*sar/({ratio}))/2)"
    return _scaled(picture.filter("crop", cut_width, cut_height), width, height, source)


def _contained(picture: Any, source: Source, width: int, height: int) -> Any:
    """The whole picture over a blurred, darkened, enlarged copy of itself."""
    both = picture.filter_multi_output("split", 2)
    # The copy is blurred at an eighth of its size, where it costs next to nothing.
    small = _even(width / 8), _even(height / 8)
    back = (
        _covering(both[0].filter("crop", "iw/1.15", "ih/1.15"), source, *small)
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


def _camera(clip: Clip, profile: Profile, size: tuple[int, int]) -> dict[str, str]:
    """The corners that `perspective` maps to the corners of the frame, as expressions of the frame number.

    `perspective` places pixels by fractions (zoompan rounds to whole ones, which trembles). Its frame is
    as large as the still, and only the canvas at its top left is kept, so the corners lie further out
    than the part that is seen.
    """
    reach = min(MAX_ZOOM, ZOOM_PER_SECOND * clip.frames / profile.fps)
    done = f"on/{max(1, clip.frames - 1)}"
    zoom, left = _move(clip.motion, 1 + reach, done)
    width, height = size
    x0, y0 = f"W*(1-1/({zoom}))*({left})", f"H*(1-1/({zoom}))/2"
    x1 = f"{x0}+W/({zoom})*{width}/{profile.width}"
    y1 = f"{y0}+H/({zoom})*{height}/{profile.height}"
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
