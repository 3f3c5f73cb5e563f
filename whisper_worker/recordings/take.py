"""The `take` step: the part of a recording that a scene has, levelled, as its narration."""

import numpy as np

from common.contracts.narration import Narration
from common.contracts.steps import TakeSpec
from common.worker.steprun import StepRun
from whisper_worker.level import OF_PEOPLE, polish
from whisper_worker.wav import SAMPLE_RATE, read_wav, write_wav

NAME = "recording"
"The engine and the voice of such narrations."


def take(spec: TakeSpec, run: StepRun) -> Narration:
    """Cuts the part out, and makes it as loud as spoken narrations are."""
    parts = [read_wav(run.fetch(ref, f"chunk{number}.wav")) for number, ref in enumerate(spec.take.chunks)]
    sound = np.concatenate(parts)[spec.take.start : spec.take.start + spec.take.samples]
    run.progress(0.3)
    voice, loudness = polish(sound, SAMPLE_RATE, OF_PEOPLE)
    path = run.workdir / "narration.wav"
    write_wav(path, voice)
    return Narration(
        audio=run.keep("narration", path, "audio/wav"),
        samples=len(voice),
        words=spec.take.words,
        voice=NAME,
        engine=NAME,
        loudness=round(loudness, 2),
        timed_by=spec.take.timed_by,
    )
