"""Inspects a media file: what it really is, whether it can be decoded, and whether it is sane.

Run as a program (`python -m retriever.inspection.program FILE MEDIA_TYPE`) it prints JSON. Files of
strangers are inspected so, with little memory and time, see `retriever.inspection.sandbox`.
"""

import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from common.errors import BadMedia
from common.sniff import HEAD_BYTES, demuxer, sniff
from retriever.inspection.chunks import check_chunks
from retriever.inspection.colours import colours
from retriever.inspection.completeness import Read, check_end

if TYPE_CHECKING:  # a file is looked at without the contracts, which take longer to load than to look
    from common.contracts.footage import Ground, Matrix

MIN_SIDE = 16
MAX_SIDE = 8192
MAX_PIXELS = 50_000_000
LARGEST = f"{MAX_SIDE} pixels a side and {MAX_PIXELS // 10**6} megapixels"
MAX_SECONDS = 4 * 3600.0
MAX_FPS = 240.0
MAX_STREAMS = 100
MAX_STRETCH = 8.0
"The most that a pixel may be wider than high, or higher than wide, as a ratio."
PACKETS_TO_FIRST_FRAME = 300
FIRST_PACKETS = 2
"So many are decoded in any case: two frames show what moves."
WEBP_MOVES = 0x02
"A flag in the extended header of WebP."
STILLS = frozenset({"image/jpeg", "image/png", "image/webp"})


class Picture(NamedTuple):
    """The picture of a file. A still has no seconds and no fps."""

    kind: Literal["video", "still"]
    width: int
    height: int
    "As shown: after rotation, in square pixels."
    seconds: float
    fps: float
    tone: dict[str, float] | None = None
    "The fields of `Tone`; None for what was not looked at closely, or could not be measured."
    focus: tuple[float, float] = (0.5, 0.5)
    matrix: "Matrix" = "auto"
    hdr: bool = False
    ground: "Ground" = ""
    "The background for a picture that is transparent in places; unknown unless it was looked at closely."


Begin = Sequence[VideoFrame]
"The first frame, and one a little later where there is one."


def footage_type(path: Path) -> str:
    """The media type by content; raises `BadMedia` for what is neither a video nor a picture we take."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    media_type = sniff(head)
    if media_type is None:
        raise BadMedia("the file is not a video or picture; use MP4, MOV, WebM, MKV, AVI, JPEG, PNG, WebP or GIF")
    if demuxer(media_type) is None:
        raise BadMedia(f"{media_type} cannot be shown; use MP4, MOV, WebM, MKV, AVI, JPEG, PNG, WebP or GIF")
    if media_type == "image/webp" and head[12:16] == b"VP8X" and len(head) > 20 and head[20] & WEBP_MOVES:
        raise BadMedia("a moving WebP picture cannot be shown; use MP4, WebM or GIF")
    return media_type


def inspect(path: Path, media_type: str, *, closely: bool = False) -> Picture:
    """Opens the file as exactly that type. Raises `BadMedia` with the reason in one sentence.

    To look `closely` is to measure tone and focus too, on some more frames.
    """
    if media_type == "image/png":
        check_chunks(path)
    # The format is forced and only plain files may be read, so nothing a file names is ever opened.
    options = {"protocol_whitelist": "file"}
    # Opening decodes a picture to learn its size: a small file must not make that cost gigabytes.
    frugal = {"max_pixels": str(MAX_PIXELS)}
    # The size of a video is in its headers, and its first frame is decoded later anyway.
    opening: Any = [frugal if media_type in STILLS else frugal | {"skip_frame": "all"}] * MAX_STREAMS
    try:
        with av.open(
            str(path), format=demuxer(media_type), options=options, stream_options=opening, metadata_errors="replace"
        ) as container:
            stream = _picture_stream(container)
            _check_size(stream.codec_context.width, stream.codec_context.height)
            # The edges of blocks, which the filter smooths, do not show in frames as small as those that are measured.
            stream.codec_context.options = frugal | {"skip_loop_filter": "all"}
            picture, begin = _measure(path, container, stream, media_type)
            if closely:
                picture = _closer(picture, container, stream, begin)
    except (av.FFmpegError, ValueError, MemoryError):
        raise BadMedia("the file is damaged or not what it says it is") from None
    if picture.kind == "still":
        _check_whole(path)
    return picture


def _closer(picture: Picture, container: InputContainer, stream: VideoStream, begin: Begin) -> Picture:
    from retriever.inspection.measure import measured  # numpy, which only the program of its own needs
    from retriever.inspection.transparency import ground

    picture = picture._replace(ground=ground(begin[0]))
    try:
        tone, focus = measured(container, stream, begin[0], picture.seconds, *begin[1:])
    except BadMedia:
        raise
    except Exception:  # to be shown, it need not be measured
        return picture
    # Colours that nobody sees, under what is transparent, would be measured as well.
    return picture._replace(tone=None if picture.ground else tone, focus=focus)


def _check_whole(path: Path) -> None:
    """Raises `BadMedia` for a picture that breaks off: ffmpeg would show what is missing in plain green."""
    from PIL import Image  # which videos do not need

    Image.MAX_IMAGE_PIXELS = None  # its size has been checked
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, MemoryError):
        raise BadMedia("the picture is damaged: a part of it is missing") from None


def _picture_stream(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise BadMedia("the file has no picture in it, apart from a cover that it may have")


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadMedia(f"the picture is too large: at most {LARGEST}")
    if width == 0 or height == 0:  # the decoder gave up before it knew
        raise BadMedia(f"the picture is damaged or too large: at most {LARGEST}")
    if min(width, height) < MIN_SIDE:
        raise BadMedia(f"the picture is too small: at least {MIN_SIDE} pixels a side")


def _measure(path: Path, container: InputContainer, stream: VideoStream, media_type: str) -> tuple[Picture, Begin]:
    """Reads every packet, because headers may be missing or wrong, and decodes the beginning: that too."""
    frames: list[VideoFrame] = []
    packets, read = 0, Read()
    try:
        for packet in container.demux(*(part for part in container.streams if part.type in ("video", "audio"))):
            if packet.size == 0 or packet.is_corrupt:
                continue
            pictured = packet.stream_index == stream.index
            read.note(packet, pictured)
            if not pictured:
                continue
            # What an edit list cuts away is not shown, but the first frame that is may build on it.
            packets += not packet.is_discard
            if packets <= (FIRST_PACKETS if frames else PACKETS_TO_FIRST_FRAME):
                frames += _decode(packet)
    except av.FFmpegError:
        pass  # cut off: what came before counts, if enough did
    check_end(path, media_type, container, stream, read)
    frames += _held(stream)
    if not frames:
        raise BadMedia("the picture cannot be decoded")
    begin = frames[:1] + frames[1:][-1:]  # the others would take a lot of memory
    width, height = _shown(frames[0], stream)
    _check_size(width, height)
    if media_type in STILLS or (media_type == "image/gif" and packets == 1):
        picture = Picture("still", width, height, 0.0, 0.0)
    else:
        picture = _video(width, height, read.seconds, packets, stream)
    matrix, hdr = colours(frames[0], still=picture.kind == "still")
    return picture._replace(matrix=matrix, hdr=hdr), begin


def _decode(packet: "av.Packet[Any]") -> list[VideoFrame]:
    if packet.has_sidedata("encryption_info"):
        raise BadMedia("the video is encrypted; use a copy that is not protected")
    try:
        return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
    except av.FFmpegError:
        return []  # a stream may begin before its first key frame


def _held(stream: VideoStream) -> list[VideoFrame]:
    """The frames that a decoder still holds, because others might have had to be shown before them."""
    try:
        return stream.codec_context.decode(None)
    except av.FFmpegError:
        return []


def _shown(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    stretch = float(stream.sample_aspect_ratio or 1)
    if not 1 / MAX_STRETCH <= stretch <= MAX_STRETCH:
        raise BadMedia(f"the picture is stretched too far: its pixels must be at most {MAX_STRETCH:g} to 1")
    width, height = round(frame.width * stretch), frame.height
    return (height, width) if abs(frame.rotation) % 180 == 90 else (width, height)


def _video(width: int, height: int, seconds: float, packets: int, stream: VideoStream) -> Picture:
    if seconds > MAX_SECONDS:
        raise BadMedia(f"the video is longer than {MAX_SECONDS / 3600:g} hours")
    claimed = float(stream.average_rate or 0)
    fps = claimed if 0 < claimed <= MAX_FPS else packets / seconds if seconds > 0 else 0.0
    if not 0 < fps <= MAX_FPS:
        raise BadMedia(f"the video has no usable frame rate; at most {MAX_FPS:g} frames per second")
    # Rounded down: nobody may count on a frame that is not there.
    whole_ms = math.floor(max(seconds, 1 / fps) * 1000 + 1e-6)
    return Picture("video", width, height, whole_ms / 1000, round(fps, 3))


def main(arguments: list[str]) -> None:
    av.logging.set_level(av.logging.PANIC)
    path, media_type = arguments
    try:
        print(json.dumps(inspect(Path(path), media_type, closely=True)._asdict()))
    except BadMedia as problem:
        print(json.dumps({"problem": str(problem)}))


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # to take apart what was loaded takes time, and is of no use
