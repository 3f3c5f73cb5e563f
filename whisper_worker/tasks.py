"""The step and the voices of the speech service."""

from collections.abc import Callable
from typing import Any

from common.contracts.base import Contract
from common.contracts.names import Kind
from common.contracts.narration import Narration
from common.contracts.steps import SpeakSpec
from common.settings import Settings
from common.worker.steprun import StepRun
from whisper_worker.speak import speak
from whisper_worker.tts import default_engine


def handlers(settings: Settings) -> dict[str, Callable[[Any, StepRun], Contract]]:
    def handle(spec: SpeakSpec, run: StepRun) -> Narration:
        return speak(spec, run, default_engine())

    return {Kind.SPEAK: handle}


def engines(settings: Settings) -> dict[str, str | list[str]]:
    return {"voices": default_engine().voices()}
