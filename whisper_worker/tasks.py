"""The step and the voices of the speech service."""

import logging
from collections.abc import Callable
from typing import Any

from common.contracts.base import Contract
from common.contracts.hearing import RecogniserInfo
from common.contracts.kinds import tool_of
from common.contracts.names import Kind
from common.contracts.narration import Narration
from common.contracts.steps import SpeakSpec
from common.contracts.voice import tool_name
from common.errors import NotConfigured
from common.settings import Settings
from common.worker.steprun import StepRun
from whisper_worker.align import make_aligner
from whisper_worker.ears import Ears
from whisper_worker.hear import hear
from whisper_worker.recognition import Missing, make_recogniser
from whisper_worker.recognition.port import Recogniser
from whisper_worker.recordings.fit import fit
from whisper_worker.recordings.take import take
from whisper_worker.speak import speak
from whisper_worker.tts import described, make_engines

log = logging.getLogger(__name__)


def handlers(settings: Settings) -> dict[str, Callable[[Any, StepRun], Contract]]:
    """The engines are made now, once for all steps of the process."""
    made = {tool_name(engine.name, engine.version): engine for engine in make_engines(settings)}
    recogniser = recogniser_of(settings)
    ears = Ears(make_aligner(settings), recogniser, settings.read_back)

    def handle(spec: SpeakSpec, run: StepRun) -> Narration:
        return speak(spec, run, made[tool_of(run.toolchain)], ears)

    return {
        Kind.SPEAK: handle,
        Kind.FIT: lambda spec, run: fit(spec, run, ears),
        Kind.TAKE: take,
        Kind.HEAR: lambda spec, run: hear(spec, run, recogniser),
    }


def engines(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The engines with their voices, and the recogniser.

    An engine that knows of no voice now is left out until the worker starts anew.
    """
    found = [described(engine) for engine in make_engines(settings)]
    recogniser = recogniser_of(settings)
    heard_by = [RecogniserInfo(name=recogniser.name, version=recogniser.version)] if recogniser is not None else []
    return {
        "speech": [engine.model_dump() for engine in found if engine.voices],
        "recogniser": [one.model_dump() for one in heard_by],
    }


def recogniser_of(settings: Settings) -> Recogniser | None:
    """The recogniser of the settings; None if there is none, and a line in the log if there should be."""
    try:
        return make_recogniser(settings)
    except Missing:
        return None
    except NotConfigured as error:
        log.warning("speech is not recognised: %s", error)
        return None
