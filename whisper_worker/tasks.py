"""The step and the voices of the speech service."""

from collections.abc import Callable
from typing import Any

from common.contracts.base import Contract
from common.contracts.kinds import tool_of
from common.contracts.names import Kind
from common.contracts.narration import Narration
from common.contracts.steps import SpeakSpec
from common.contracts.voice import tool_name
from common.settings import Settings
from common.worker.steprun import StepRun
from whisper_worker.align import BySound
from whisper_worker.recordings.fit import fit
from whisper_worker.recordings.take import take
from whisper_worker.speak import speak
from whisper_worker.tts import described, make_engines


def handlers(settings: Settings) -> dict[str, Callable[[Any, StepRun], Contract]]:
    """The engines are made now, once for all steps of the process."""
    made = {tool_name(engine.name, engine.version): engine for engine in make_engines(settings)}
    aligner = BySound()

    def handle(spec: SpeakSpec, run: StepRun) -> Narration:
        return speak(spec, run, made[tool_of(run.toolchain)], aligner)

    return {Kind.SPEAK: handle, Kind.FIT: lambda spec, run: fit(spec, run, aligner), Kind.TAKE: take}


def engines(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The engines with their voices. One that knows of none now is left out until the worker starts anew."""
    found = [described(engine) for engine in make_engines(settings)]
    return {"speech": [engine.model_dump() for engine in found if engine.voices]}
