"""The thumbnail of a film: the richest of some of its pictures."""

import io
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from renderer.ffmpeg.verify import NOTHING_DECODED

CANDIDATES = 8
"The number of key frames without, and again with captions that are looked at, over the whole film."
PREFERENCE = 3.0
"The factor by which a picture with a caption must be richer than one without: half a sentence is no title."
_QUALITY = 88


def thumbnail(film: Path, fps: int, captioned: Sequence[tuple[int, int]]) -> bytes:
    """The richest of some key frames, as a JPEG of the film's size.

    `captioned` has the spans of frames (first, one past last) that show text.
    """
    with av.open(str(film), stream_options=NOTHING_DECODED) as container:
        keys = _key_frames(container, fps)
        plain = [frame for frame in keys if not any(first <= frame < last for first, last in captioned)]
        best, most = None, -1.0
        for frame in sorted({*_spread(plain), *_spread(keys)}):
            picture = _decoded(container, frame, fps)
            worth = richness(_luma(picture)) * (PREFERENCE if frame in plain else 1.0)
            if worth > most:
                best, most = picture, worth
    assert best is not None  # a film has a first frame, and that is a key frame
    return _jpeg(best)


def richness(luma: np.ndarray) -> float:
    """A measure of what there is to see in a grey picture (8 bits): contrast and detail, and nothing in the dark."""
    grey = luma.astype(np.float32)
    detail = float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())
    exposure = min(1.0, max(0.0, float(grey.mean()) - 20) / 50)
    return float(grey.std()) * (1 + detail) * exposure


def _key_frames(container: InputContainer, fps: int) -> list[int]:
    packets = container.demux(video=0)
    return sorted(
        round(packet.pts * packet.time_base * fps)
        for packet in packets
        if packet.is_keyframe and packet.pts is not None
    )


def _spread(frames: Sequence[int]) -> list[int]:
    """At most `CANDIDATES` of them, from all over the film, the first among them."""
    count = min(CANDIDATES, len(frames))
    return [frames[index * len(frames) // count] for index in range(count)]


def _decoded(container: InputContainer, frame: int, fps: int) -> VideoFrame:
    """A key picture by itself, without those after it that a decoder would wait for."""
    stream = container.streams.video[0]
    assert stream.time_base is not None
    container.seek(round(frame / fps / stream.time_base), stream=stream)
    decoder = stream.codec_context
    frames = [*decoder.decode(next(container.demux(stream))), *decoder.decode(None)]
    decoder.flush_buffers()
    return frames[0]


def _luma(picture: VideoFrame) -> np.ndarray:
    """A small grey copy: grain and the encoder's noise must not count as detail."""
    width = min(160, picture.width)
    return picture.reformat(width, max(2, width * picture.height // picture.width), "gray").to_ndarray()


def _jpeg(picture: VideoFrame) -> bytes:
    pixels = picture.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    data = io.BytesIO()
    Image.fromarray(pixels.to_ndarray()).save(data, "JPEG", quality=_QUALITY, optimize=True)
    return data.getvalue()
