"""The sound of an uploaded file as samples, decoded within walls."""

from pathlib import Path

import numpy as np

from common.contracts.base import ObjectRef
from common.errors import BadMedia
from common.sniff import sound_demuxer
from common.walls.rules import Walls
from common.worker.steprun import StepRun
from common.worker.walled import told
from whisper_worker.recordings.program import LONGEST, NO_SOUND

MAX_MEMORY = 1024**3
"Bytes of address space."
MAX_CPU_SECONDS = 240
"Two hours of MP3 take a minute."
_GIVEN, _DECODED = "given", "decoded.raw"


def decoded(media: ObjectRef, rate: int, run: StepRun) -> np.memmap:
    """Mono int16 samples at `rate`, on disk in the folder of the step.

    Raises `BadMedia` with the reason, and what `told` raises.
    """
    demuxer = sound_demuxer(media.media_type)
    if demuxer is None:
        raise BadMedia(NO_SOUND)
    given, out = run.fetch(media, _GIVEN), run.workdir / _DECODED
    walls = Walls(
        MAX_MEMORY,
        MAX_CPU_SECONDS,
        (LONGEST + 1) * rate * 2,
        read=[given],
        write=[run.workdir],
        code=["common", "whisper_worker"],
    )
    words = [str(given), demuxer, str(rate), str(out)]
    told("whisper_worker.recordings.program", words, walls, run)
    given.unlink()
    return np.memmap(Path(out), np.int16, mode="r")
