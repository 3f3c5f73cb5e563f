"""Decodes the sound of a stranger's file.

Run as a program (`python -m whisper_worker.recordings.program FILE DEMUXER RATE OUT`) it writes mono 16-bit samples and
prints JSON. Files of strangers are decoded so, see `whisper_worker.recordings.sound`.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

LONGEST = 2 * 3600
"Seconds of sound that are taken at most."
MOST_BAD = 50
"Packets that cannot be decoded; of a few, the rest is heard all the same."
TOO_LONG = f"it is longer than {LONGEST // 3600} hours; cut it into parts"
NO_SOUND = "it cannot be read as sound; use WAV, MP3, FLAC, Ogg or M4A, or a film with sound"


def decode(path: Path, demuxer: str, rate: int, out: Path) -> int:
    """Writes the sound to `out`; the number of samples. Raises `ValueError` with what is wrong in one sentence."""
    written = 0
    try:
        # The format is forced and only plain files may be read, so nothing that a file names is ever opened.
        with (
            av.open(str(path), format=demuxer, options={"protocol_whitelist": "file"}) as container,
            out.open("wb") as file,
        ):
            for block in _blocks(container, rate):
                file.write(block)
                written += len(block) // 2
                if written > LONGEST * rate:
                    raise ValueError(TOO_LONG)
    except (av.error.FFmpegError, IndexError):
        raise ValueError(NO_SOUND) from None
    if not written:
        raise ValueError(NO_SOUND)
    return written


def _blocks(container: InputContainer, rate: int) -> Iterator[bytes]:
    resampler = AudioResampler(format="s16", layout="mono", rate=rate)
    for frame in _frames(container):
        frame.pts = None  # gaps and jumps in the times of a file are no gaps in its sound
        yield from (one.to_ndarray().tobytes() for one in resampler.resample(frame))
    yield from (one.to_ndarray().tobytes() for one in resampler.resample(None))


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    bad = 0
    for packet in container.demux(container.streams.audio[0]):
        try:
            decoded: Sequence[Any] = packet.decode()
        except av.error.InvalidDataError:
            bad += 1
            if bad > MOST_BAD:
                raise
            continue
        yield from decoded


def main(arguments: Sequence[str]) -> None:
    path, demuxer, rate, out = arguments
    try:
        print(json.dumps({"samples": decode(Path(path), demuxer, int(rate), Path(out))}))
    except ValueError as problem:
        print(json.dumps({"problem": str(problem)}))


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # to take apart what was loaded takes time, and is of no use
