"""Segments one after the other under one sound: packets go into a new file as they are, and nothing is encoded.

That is done in this process: as a program ffmpeg would decode the first pictures of each segment, only to copy it.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import accumulate, chain
from math import lcm
from pathlib import Path
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import SegmentRef
from common.errors import RenderFailed, Retryable
from common.jobs.steprun import StepRun
from renderer.ffmpeg.check import NOTHING_DECODED

TICKS = 512
"Of the clock of the picture, for each frame."
_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


def fetch_segments(segments: Sequence[SegmentRef], run: StepRun, progress: float) -> list[Path]:
    """Brings the segments; `progress` is what that is of the step."""
    paths = []
    for index, segment in enumerate(segments):
        paths.append(run.fetch(segment.media, f"segment{index}.mp4"))
        run.progress(progress * (index + 1) / len(segments))
    return paths


def join(
    segments: Sequence[SegmentRef], paths: Sequence[Path], sound: Path, film: Path, fps: int, run: StepRun
) -> None:
    """Writes `film`: the pictures of the segments, which lie at `paths`, and the sound.

    Raises `RenderFailed` if the segments do not belong together, `Retryable` if one cannot be read, `OSError` if the
    disk is full, `Stopped` if the step is called off meanwhile.
    """
    # How long a segment is was told with it, for what a container says is rounded.
    starts = accumulate((segment.frames * TICKS for segment in segments), initial=0)
    clock = Fraction(1, fps * TICKS)
    try:
        with ExitStack() as stack:
            # The first says what all are like; only decoding tells some of it, such as the shape of a pixel.
            pictures = [stack.enter_context(_opened(path, decode=path == paths[0])) for path in paths]
            heard = stack.enter_context(_opened(sound))
            # In thousandths of a second, as is usual, the tracks would seem to end before their last sample.
            scales = {
                "video_track_timescale": clock.denominator,
                "movie_timescale": lcm(clock.denominator, SAMPLE_RATE),
            }
            options = _OPTIONS | {name: str(scale) for name, scale in scales.items()}
            made = stack.enter_context(av.open(str(film), "w", format="mp4", options=options))
            picture_track = made.add_stream_from_template(_alike(pictures))
            picture_track.time_base = clock
            sound_track = made.add_stream_from_template(heard.streams.audio[0])
            shown = chain.from_iterable(_placed(one, start, run) for one, start in zip(pictures, starts, strict=False))
            both = _for(picture_track, shown), _for(sound_track, _packets(heard, "audio"))
            for packet in heapq.merge(*both, key=_time):
                made.mux(packet)
    except (av.error.InvalidDataError, av.error.EOFError):
        raise Retryable("a segment cannot be read back") from None


def _opened(path: Path, *, decode: bool = False) -> InputContainer:
    return av.open(str(path), format="mov", stream_options=None if decode else NOTHING_DECODED)


def _alike(pictures: Sequence[InputContainer]) -> VideoStream:
    """The picture of the first, which stands for all."""
    first, *others = (one.streams.video[0] for one in pictures)
    # A film has one description of how its pictures are to be decoded.
    if any(other.codec_context.extradata != first.codec_context.extradata for other in others):
        raise RenderFailed("the segments were encoded in different ways and cannot be joined")
    return first


def _placed(segment: InputContainer, start: int, run: StepRun) -> Iterator[Packet]:
    """Its pictures, moved to where they belong in the film."""
    run.check()
    for packet in _packets(segment, "video"):
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts, packet.dts = packet.pts + start, packet.dts + start
        yield packet


def _packets(container: InputContainer, kind: Literal["video", "audio"]) -> Iterator[Packet]:
    # The last one is empty and says that there are no more.
    return (packet for packet in container.demux(**{kind: 0}) if packet.size)


def _for(track: Stream, packets: Iterable[Packet]) -> Iterator[Packet]:
    for packet in packets:
        packet.stream = track
        yield packet


def _time(packet: Packet) -> Fraction:
    assert packet.dts is not None
    assert packet.time_base is not None
    return packet.dts * packet.time_base
