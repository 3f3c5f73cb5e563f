"""Joins segments under one sound track: packets are copied into a new file, and nothing is encoded.

This happens in this process. The ffmpeg program would decode the first pictures of each segment, only to copy it.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import SegmentRef
from common.errors import RenderFailed, Retryable
from common.worker.steprun import StepRun
from renderer.ffmpeg.verify import NOTHING_DECODED

FETCHERS = 4
"Segments that are fetched at once: each waits for the store for half of its time."
TICKS = 512
"Of the clock of the picture, for each frame."
_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


def fetch_segments(segments: Sequence[SegmentRef], run: StepRun, progress: float) -> list[Path]:
    """Fetches the segments, several at once; `progress` is their share of the progress of the step."""
    pool, paths = ThreadPoolExecutor(FETCHERS), list[Path]()
    names = (f"segment{index}.mp4" for index in range(len(segments)))
    try:
        for path in pool.map(run.fetch, (segment.media for segment in segments), names):
            paths.append(path)
            run.progress(progress * len(paths) / len(segments))
    finally:
        pool.shutdown(cancel_futures=True)
    return paths


def join(lengths: Sequence[int], paths: Sequence[Path], sound: Path | None, film: Path, fps: int, run: StepRun) -> None:
    """Writes `film`: the pictures of `paths`, whose numbers of frames are `lengths`, and the sound, if there is any.

    Raises `RenderFailed` if the segments do not belong together, `Retryable` if one cannot be read, `OSError` if the
    disk is full or broken, `Stopped` if the step is called off meanwhile.
    """
    clock = Fraction(1, fps * TICKS)
    # In thousandths of a second, as is usual, the tracks would seem to end before their last sample.
    scales = {"video_track_timescale": clock.denominator, "movie_timescale": lcm(clock.denominator, SAMPLE_RATE)}
    options = _OPTIONS | {name: str(scale) for name, scale in scales.items()}
    try:
        with ExitStack() as stack:
            made = stack.enter_context(av.open(str(film), "w", format="mp4", options=options))
            # The first describes all of them; some of it, such as the shape of a pixel, is known after decoding only.
            with av.open(str(paths[0]), format="mov") as first:
                picture_track = made.add_stream_from_template(first.streams.video[0])
            picture_track.time_base = clock
            tracks = [_for(picture_track, _pictures(lengths, paths, run))]
            if sound is not None:
                heard = stack.enter_context(_opened(sound))
                sound_track = made.add_stream_from_template(heard.streams.audio[0])
                tracks.append(_for(sound_track, _packets(heard, "audio")))
            for packet in heapq.merge(*tracks, key=_time):
                made.mux(packet)
    except (av.error.InvalidDataError, av.error.EOFError):
        raise Retryable("a segment cannot be read back") from None
    except av.error.OSError as error:
        # All files are our own, so it is the disk's.
        raise OSError(error.errno, error.strerror) from None


def _opened(path: Path) -> InputContainer:
    return av.open(str(path), format="mov", stream_options=NOTHING_DECODED)


def _pictures(lengths: Sequence[int], paths: Sequence[Path], run: StepRun) -> Iterator[Packet]:
    """The pictures of all segments, each at its time in the film. One file is open at a time: there may be many."""
    start, described = 0, None
    # A segment of a frame or two is too short for frames out of their order: its decoding would begin only when that
    # of the next has begun. All begin as early as the one that has to be earliest.
    begins = [_decoded_at(path) for path in paths]
    for frames, path, begin in zip(lengths, paths, begins, strict=True):
        run.check()
        with _opened(path) as opened:
            own = opened.streams.video[0].codec_context.extradata
            described = described or own
            if own != described:  # a film says once how it is to be decoded
                raise RenderFailed("the segments were encoded in different ways and cannot be joined")
            for packet in _packets(opened, "video"):
                assert packet.pts is not None
                assert packet.dts is not None
                packet.pts, packet.dts = packet.pts + start, packet.dts + start + min(begins) - begin
                yield packet
        # Not the length that the container gives: that one is rounded.
        start += frames * TICKS


def _decoded_at(path: Path) -> int:
    """The time at which the first picture of a segment is decoded, in ticks from its beginning: never after it."""
    with _opened(path) as opened:
        return next((packet.dts or 0 for packet in _packets(opened, "video")), 0)


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
