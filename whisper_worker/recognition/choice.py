"""The recogniser that the settings ask for."""

from importlib.util import find_spec

from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.recognition.endpoint import Endpoint
from whisper_worker.recognition.faster import FasterWhisper
from whisper_worker.recognition.models import CHECKPOINT, CTRANSLATE2, form_of
from whisper_worker.recognition.openai_whisper import OpenaiWhisper
from whisper_worker.recognition.port import Recogniser

HOW = (
    "install requirements-whisper.txt or requirements-faster-whisper.txt and set WHISPER_MODEL to the name or path of "
    "a model, or set TRANSCRIPTION_URL to a server that transcribes"
)


class Missing(NotConfigured):
    """There is no recogniser, and nobody has asked for one."""


def make_recogniser(settings: Settings) -> Recogniser:
    """A model on this machine if WHISPER_MODEL names one, else the server of TRANSCRIPTION_URL.

    Where both packages are there, openai-whisper comes first, unless the model has the form of the other one. No model
    is loaded yet. Raises `Missing` if neither setting is set, `NotConfigured` if what they ask for cannot be had.
    """
    if settings.whisper_model:
        return _on_this_machine(settings)
    if settings.transcription_url:
        return Endpoint(settings)
    raise Missing(f"nothing here recognises speech: {HOW}")


def _on_this_machine(settings: Settings) -> Recogniser:
    form = form_of(settings.whisper_model)
    if form != CTRANSLATE2 and _has("whisper"):
        return OpenaiWhisper(settings)
    if form != CHECKPOINT and _has("faster_whisper"):
        return FasterWhisper(settings)
    wanted = {
        CTRANSLATE2: "a model of CTranslate2, for which requirements-faster-whisper.txt must be installed",
        CHECKPOINT: "a checkpoint, for which requirements-whisper.txt must be installed",
    }
    both = "for which requirements-whisper.txt or requirements-faster-whisper.txt must be installed"
    raise NotConfigured(f"WHISPER_MODEL is {wanted.get(form, f'the name of a model, {both}')}")


def _has(package: str) -> bool:
    return find_spec(package) is not None
