"""The indispensable parts of making a film, each by itself: together the least processor time it can take.

One thread each, because threads that wait for each other cost time of their own.
"""

import tempfile
from pathlib import Path

from benchmarks.processes import run
from benchmarks.render.command import Film, decoding, encoding, filtering, sound_alone, write_captions

NOTHING = ["-f", "null", "-"]


def parts(program: str, film: Film, parent: Path) -> dict[str, float]:
    """Processor seconds by part. Raw frames of one clip at a time lie in `parent`."""
    took = dict.fromkeys(("decoding", "filters and captions", "encoding", "sound"), 0.0)
    with tempfile.TemporaryDirectory(prefix="parts-", dir=parent) as name:
        folder = Path(name)
        for segment in film.segments:
            alone = Film((segment,), film.mix, film.files)
            write_captions([segment], folder)
            for piece in alone.pieces:
                decoded = run(decoding(program, alone, piece), folder).cpu
                took["decoding"] += decoded
                took["filters and captions"] += run(filtering(program, alone, piece, NOTHING), folder).cpu - decoded
                run(filtering(program, alone, piece, ["-f", "rawvideo", "frames.yuv"]), folder)
                took["encoding"] += run(encoding(program, film.profile, "frames.yuv", "piece.mp4"), folder).cpu
        took["sound"] = run(sound_alone(program, film, "sound.m4a"), folder).cpu
    return took
