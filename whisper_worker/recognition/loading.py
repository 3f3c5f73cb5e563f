"""A model that is loaded when it is first needed, once for the process."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from common.errors import NotConfigured

Model = TypeVar("Model")

AGAIN_SECONDS = 300.0
"What could not be loaded is not tried again for so long: a network that is missing takes a while to be missed."


class Loaded(Generic[Model]):
    """The model. `load` raises `NotConfigured`, and for a while its error is repeated without another try."""

    def __init__(self, load: Callable[[], Model]) -> None:
        self._load, self._lock = load, threading.Lock()
        self._model: Model | None = None
        self._failed: tuple[float, str] | None = None

    def get(self) -> Model:
        with self._lock:
            if self._model is None:
                self._model = self._loaded()
            return self._model

    def _loaded(self) -> Model:
        if self._failed is not None and time.monotonic() - self._failed[0] < AGAIN_SECONDS:
            raise NotConfigured(self._failed[1])
        try:
            return self._load()
        except NotConfigured as error:
            self._failed = time.monotonic(), str(error)
            raise


def not_downloaded(model: str) -> NotConfigured:
    """The error for a named model that is not here and cannot be brought here."""
    return NotConfigured(
        f"the model {model} (WHISPER_MODEL) is not on this machine and cannot be downloaded to it; give the worker a "
        "network once, or set WHISPER_MODEL to the path of a model"
    )
