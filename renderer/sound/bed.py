"""The music under the film, as blocks of sound at a known loudness: composed, or the user's own file."""

from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import numpy as np

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import MusicCue
from common.errors import BadMedia, RenderFailed
from common.sniff import sound_demuxer
from common.worker.steprun import StepRun
from renderer.ffmpeg.formats import GUARD, Stream
from renderer.ffmpeg.limits import for_sound
from renderer.ffmpeg.run import Feed, run_ffmpeg
from renderer.sound.loudness import Loudness, heard, meter
from renderer.sound.music import compose_blocks

BED_FILE = "bed.raw"
RAW = {"f": "s16le", "ar": SAMPLE_RATE, "ac": 2}
"The form of the sound in BED_FILE."
FRAME_BYTES = 4
"Bytes of a sample of both channels there."
HEADROOM = "-6dB"
"Files are lowered by this before they are kept with 16 bits: loud ones have peaks above full scale once decoded."
SHORTEST = 0.5
"Seconds of the user's file. What is shorter is no music, and would have to be played thousands of times."
CROSSFADE = 2.0
"Seconds during which the end of a file that is played again runs into its beginning."
BLOCK = 1 << 16


def prepare(cue: MusicCue, total: int, run: StepRun, program: str) -> Loudness:
    """Writes the bed of a film of `total` samples to `BED_FILE`, at most that long, and measures what it wrote.

    Raises `BadMedia` if the user's file cannot be read as sound, or has next to none.
    """
    if cue.media is None:
        blocks = compose_blocks(cue.mood, cue.seed, total / SAMPLE_RATE)
        source = ffmpeg.input("feed:0", f="f32le", ar=SAMPLE_RATE, ac=2, **GUARD)
        return _write(source.audio, total, run, program, (block.tobytes() for block in blocks))
    try:
        level = _write(_file(cue.media, total, run), total, run, program)
    except RenderFailed as error:
        raise BadMedia("the music file cannot be read as sound; use another file or a mood") from error
    samples = (run.workdir / BED_FILE).stat().st_size // FRAME_BYTES
    if not samples:
        raise BadMedia("the music file has no sound in it; use another file or a mood")
    if samples < min(total, SHORTEST * SAMPLE_RATE):
        raise BadMedia("the music file is shorter than half a second; use a longer one or a mood")
    return level


def blocks(total: int, folder: Path) -> Iterator[np.ndarray]:
    """`total` samples of the bed that `prepare` wrote, 16 bit (samples, 2), repeated if it is shorter."""
    body = np.memmap(folder / BED_FILE, np.int16, mode="r").reshape(-1, 2)
    for part in _repeated(body, total):
        for begin in range(0, len(part), BLOCK):
            yield part[begin : begin + BLOCK]


def _file(media: ObjectRef, total: int, run: StepRun) -> Stream:
    demuxer = sound_demuxer(media.media_type)
    if demuxer is None:
        raise BadMedia(f"music of the type {media.media_type} cannot be played; use MP3, WAV, FLAC, Ogg or M4A")
    run.fetch(media, "music")
    seconds = f"{total / SAMPLE_RATE:.6f}"
    return ffmpeg.input("music", f=demuxer, t=seconds, **GUARD).audio


def _write(sound: Stream, total: int, run: StepRun, program: str, *feeds: Feed) -> Loudness:
    stereo = sound.filter("aresample", SAMPLE_RATE).filter("aformat", sample_fmts="flt", channel_layouts="stereo")
    arguments = ffmpeg.output(meter(stereo.filter("volume", HEADROOM)), BED_FILE, **RAW).get_args()
    return heard(run_ffmpeg(program, arguments, run, for_sound(total), feeds=feeds))


def _repeated(body: np.ndarray, total: int) -> Iterator[np.ndarray]:
    """`body` again and again, each end crossfaded into the next beginning, cut to `total`."""
    overlap = min(int(CROSSFADE * SAMPLE_RATE), len(body) // 4)
    last = len(body) - overlap
    seam = _crossfaded(body[last:], body[:overlap])
    begin = 0
    while total > len(body) - begin:
        yield body[begin:last]
        yield seam
        total -= len(body) - begin
        begin = overlap
    yield body[begin : begin + total]


def _crossfaded(end: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Equal power, for two stretches of music have nothing to do with each other."""
    angle = np.linspace(0, np.pi / 2, len(end), dtype=np.float32)[:, None]
    mixed = end * np.cos(angle) + begin * np.sin(angle)
    return np.asarray(np.clip(np.round(mixed), -32768, 32767), np.int16)
