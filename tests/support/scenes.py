"""Scenes to render in tests: small canvases, clips of known colours, and a look at what came out."""

from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from common.contracts.base import ObjectRef
from common.contracts.footage import Footage, Provenance, SceneryRecipe
from common.contracts.narration import Word
from common.contracts.request import Style
from common.contracts.steps import SegmentSpec
from common.contracts.timeline import Clip, Closing, Profile, SceneTimeline, TextFrame
from common.worker.steprun import StepRun
from renderer.ffmpeg.encoder import Encoder
from renderer.ffmpeg.run import ffmpeg_program
from renderer.steps.segment import segment
from retriever.inspection.colours import colours

PROGRAM = ffmpeg_program()
LOSSLESS = Encoder("libx264", lambda profile: {"preset": "ultrafast", "qp": 0})
"Decoded, its pictures are those that went in."
FROM = Provenance(provider="folder")
SMALL = Profile(width=320, height=180, preset="ultrafast", crf=12)
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


def footage(run: StepRun, path: Path, *, seconds: float = 0.0) -> Footage:
    """Stores the file as an acquired asset; without `seconds` it is a still."""
    media = run.keep("footage", path, MEDIA_TYPES[path.suffix])
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert isinstance(frame, av.VideoFrame)
    matrix, hdr = colours(frame, still=not seconds)
    kind: Literal["video", "still"] = "video" if seconds else "still"
    width, height = (frame.height, frame.width) if abs(frame.rotation) == 90 else (frame.width, frame.height)
    return Footage(
        kind=kind,
        media=media,
        width=width,
        height=height,
        seconds=seconds,
        matrix=matrix,
        hdr=hdr,
        provenance=FROM,
    )


def scenery() -> Footage:
    return Footage(kind="scenery", scenery=SceneryRecipe(theme="ocean", light="day", seed=3), provenance=FROM)


def clip(of: Footage, frames: int = 12, **more: object) -> Clip:
    return Clip.model_validate({"shot": "s1.0", "footage": of, "frames": frames, "length": frames} | more)


def words(*texts: str, frames: int = 6, fps: int = 30) -> tuple[Word, ...]:
    """Words that follow each other, each for so many frames."""
    step = 48_000 // fps * frames
    return tuple(Word(text=text, start=n * step, end=(n + 1) * step) for n, text in enumerate(texts))


def scene(
    *clips: Clip,
    profile: Profile = SMALL,
    style: Style = "documentary",
    said: tuple[Word, ...] = (),
    captioned: bool = False,
    voice: ObjectRef | None = None,
    offset: int = 0,
    closing: Closing | None = None,
) -> SegmentSpec:
    """`offset` is that of the voice, in samples."""
    frames = sum(clip.frames for clip in clips)
    timeline = SceneTimeline(
        scene="s1", frames=frames, length=frames, closing=closing, clips=clips, words=said, voice_offset=offset
    )
    look = TextFrame(style=style, width=profile.width, height=profile.height) if captioned else None
    return SegmentSpec(timeline=timeline, profile=profile, style=style, captions=look, voice=voice)


def exact(spec: SegmentSpec, run: StepRun) -> np.ndarray:
    """The pictures of the scene as they go into the encoder: frames x rows x columns, luma above chroma."""
    segment(spec, run, PROGRAM, threads=1, encoder=LOSSLESS)
    with av.open(str(run.workdir / "segment.mp4")) as container:
        return np.stack([frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)])


def part(spec: SegmentSpec, first: int, frames: int) -> SegmentSpec:
    """So many frames of a scene, from that one on, as a segment of their own."""
    whole, clips, begin = spec.timeline, [], 0
    for one in whole.clips:
        low, high = max(first, begin), min(first + frames, begin + one.frames)
        if low < high:
            clips.append(one.model_copy(update={"skip": one.skip + low - begin, "frames": high - low}))
        begin += one.frames
    shown = {"first": whole.first + first, "frames": frames, "clips": tuple(clips)}
    if first + frames != whole.frames:
        shown["closing"] = None
    return spec.model_copy(update={"timeline": whole.model_copy(update=shown), "sound": False})


def rendered(spec: SegmentSpec, run: StepRun) -> np.ndarray:
    """The decoded pictures of the scene: frames x height x width x RGB."""
    segment(spec, run, PROGRAM, threads=1)
    return pictures(run.workdir / "segment.mp4")


def pictures(path: Path) -> np.ndarray:
    """Every frame of a BT.709 film as RGB."""
    with av.open(str(path)) as container:
        frames = [
            frame.reformat(
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
            ).to_ndarray()
            for frame in container.decode(video=0)
        ]
    return np.stack(frames)
