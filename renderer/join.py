"""Segments one after the other as one input of ffmpeg, which copies their pictures as they are."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import ffmpeg

from common.contracts.timeline import SegmentRef
from common.jobs.steprun import StepRun
from renderer.ffmpeg.formats import GUARD

_LIST_FILE = "segments.ffconcat"
_MICROSECONDS = 1_000_000


def fetch_segments(segments: Sequence[SegmentRef], fps: int, run: StepRun, progress: float) -> None:
    """Brings the segments and writes the list of them; `progress` is what that is of the step."""
    # Lengths are told, not measured, for what a container says is rounded. The list counts in microseconds; they are
    # those between seams, each nearest to its frame: lengths rounded one by one would add up to a wrong timestamp.
    frames = accumulate((segment.frames for segment in segments), initial=0)
    seams = [round(_MICROSECONDS * frame / fps) for frame in frames]
    lines = ["ffconcat version 1.0"]
    for index, segment in enumerate(segments):
        name = f"segment{index}.mp4"
        run.fetch(segment.media, name)
        run.progress(progress * (index + 1) / len(segments))
        lines += [f"file {name}", f"duration {seams[index + 1] - seams[index]}us"]
    (run.workdir / _LIST_FILE).write_text("\n".join([*lines, ""]), encoding="ascii")


def joined(sound: Any, name: str, fps: int, **encoding: Any) -> list[str]:
    """The arguments that write the pictures of the list and `sound` to a file. The picture is never encoded again."""
    picture = ffmpeg.input(_LIST_FILE, f="concat", **GUARD).video
    options = {
        # Times as they are: the sound of a segment begins a little before zero, and all would be moved by that.
        "copyts": None,
        "c:v": "copy",
        "video_track_timescale": fps * 512,
        "map_metadata": -1,
        "fflags": "+bitexact",
        "movflags": "+faststart",
    }
    return list(ffmpeg.output(picture, sound, name, **options, **encoding).get_args())
