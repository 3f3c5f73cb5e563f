"""The `speak` step: text in, a stored narration with word times out."""

import numpy as np

from common.contracts.narration import Narration
from common.contracts.steps import SpeakSpec
from common.worker.steprun import StepRun
from whisper_worker.align.port import Aligner
from whisper_worker.level import polish
from whisper_worker.tts.port import Engine, Manner
from whisper_worker.wav import on_grid, write_wav


def speak(spec: SpeakSpec, run: StepRun, engine: Engine, aligner: Aligner) -> Narration:
    """Speaks `spec.text` and stores it. Raises what the engine raises (`Permanent`, `NotConfigured`).

    The aligner is asked for an engine that does not know when its words are heard.
    """
    speech = engine.speak(spec.text, spec.language, spec.voice, Manner(spec.pace, spec.pitch))
    run.progress(0.5)
    timed = aligner.align(speech, spec.text, spec.language) if speech.words is None else speech.words
    voice, loudness = polish(speech.samples, speech.rate)
    words = on_grid(timed)
    length = max([len(voice), *(word.end for word in words)])
    path = run.workdir / "narration.wav"
    write_wav(path, np.pad(voice, (0, length - len(voice))))
    run.progress(0.9)
    return Narration(
        audio=run.keep("narration", path, "audio/wav"),
        samples=length,
        words=words,
        voice=speech.voice,
        engine=engine.name,
        loudness=round(loudness, 2),
    )
