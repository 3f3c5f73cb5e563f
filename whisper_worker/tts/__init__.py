"""Text-to-speech engines, one module each; `port.py` is their common port."""

from collections.abc import Callable

from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Engine

ENGINES: dict[str, Callable[[], Engine]] = {"espeak-ng": Espeak}
"Engine name -> how to make it. The first is the default."


def default_engine() -> Engine:
    """The engine that speaks when nothing else was asked for. Raises `NotConfigured` if it cannot run."""
    return next(iter(ENGINES.values()))()
