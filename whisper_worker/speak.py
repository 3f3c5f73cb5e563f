"""The `speak` step: text in, a stored narration with word times out."""

from typing import NamedTuple

import numpy as np

from common.contracts.narration import Narration
from common.contracts.steps import SpeakSpec
from common.errors import Misread
from common.worker.steprun import StepRun
from whisper_worker.ears import Ears, Hearing
from whisper_worker.level import polish
from whisper_worker.sentences import Passage, spoken
from whisper_worker.tts.port import Engine, Manner, Speech
from whisper_worker.wav import on_grid, write_wav

SLOWER = 0.9
"Pace of a second try, relative to the first: the same words at the same pace would sound the same."


class Said(NamedTuple):
    """A narration, and what was heard of it."""

    speech: Speech
    hearing: Hearing


def speak(spec: SpeakSpec, run: StepRun, engine: Engine, ears: Ears) -> Narration:
    """Speaks `spec.text` and stores it. Raises what the engine raises (`Permanent`, `NotConfigured`).

    It is read back where there is a recogniser: raises `Misread` if too much of it is misheard in two tries.
    """
    said = _understood(spec, run, engine, ears)
    run.progress(0.5)
    speech = said.speech
    times = ears.times(speech, spec.text, spec.language, said.hearing)
    voice, loudness = polish(speech.samples, speech.rate)
    words = on_grid(times.words)
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
        misread=said.hearing.misread,
        timed_by=times.by,
    )


def _understood(spec: SpeakSpec, run: StepRun, engine: Engine, ears: Ears) -> Said:
    """The narration; of one that is not understood the better of two tries if it is wanted all the same."""
    first = _said(spec, engine, ears, 1.0)
    if first.hearing.understood:
        return first
    run.check()
    again = _said(spec, engine, ears, SLOWER)
    if again.hearing.understood:
        return again
    best = min(first, again, key=lambda said: said.hearing.misread or 0.0)
    if spec.lenient:
        return best
    share = best.hearing.misread or 0.0
    raise Misread(f"{engine.name} is hard to understand: {share:.0%} of the words are heard as others")


def _said(spec: SpeakSpec, engine: Engine, ears: Ears, pace: float) -> Said:
    manner = Manner(round(spec.pace * pace, 3), spec.pitch)
    speech = spoken(engine, Passage(spec.text, spec.language, spec.voice, manner, spec.last))
    return Said(speech, ears.read_back(speech, spec.text, spec.language))
