"""openai-whisper: Whisper as OpenAI published it, on torch."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from common.cores import usable_cores
from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.recognition.loading import Loaded, not_downloaded
from whisper_worker.recognition.models import NAMED, form_of, version_of
from whisper_worker.recognition.pieces import Piece, in_order, joined, pieces
from whisper_worker.recognition.port import UNSPACED, Heard
from whisper_worker.recognition.tongues import CODES, ENGLISH, code_of
from whisper_worker.tts.port import SpokenWord

CPU, CUDA = "cpu", "cuda"


class OpenaiWhisper:
    """A model by name, which is downloaded once, or the path of a checkpoint."""

    name = "openai-whisper"

    def __init__(self, settings: Settings) -> None:
        self._wanted, self._device = settings.whisper_model, settings.whisper_device
        self._named = form_of(self._wanted) == NAMED
        self._threads = max(1, usable_cores() // settings.slots(settings.speech_slots))
        self.version = f"{version('openai-whisper')}-{version_of(self._wanted)}"
        self._model = Loaded(self._load)

    def knows(self, language: str) -> bool:
        return code_of(language) in (CODES if self._model.get().is_multilingual else ENGLISH)

    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        model = self._model.get()
        code = code_of(language) if model.is_multilingual else "en"
        words: list[SpokenWord] = []
        for piece in pieces(samples, rate):
            if piece.silent:
                continue
            found, told = _heard(model, piece, code)
            code = code or (told if found else None)
            words += [SpokenWord(word.text, word.start + piece.start, word.end + piece.start) for word in found]
        return Heard(language or code or "en", words)

    def _load(self) -> Any:
        import torch
        import whisper

        device = CUDA if self._device == "auto" and torch.cuda.is_available() else self._device
        device = CPU if device == "auto" else device
        if self._named and self._wanted not in whisper.available_models():
            names = ", ".join(whisper.available_models())
            raise NotConfigured(f"WHISPER_MODEL: openai-whisper has no model {self._wanted}; it has {names}")
        torch.set_num_threads(self._threads)
        try:
            return whisper.load_model(self._wanted if self._named else str(Path(self._wanted).expanduser()), device)
        except OSError as error:  # of the transport too
            if self._named:
                raise not_downloaded(self._wanted) from error
            raise _unusable(self._wanted, device) from error
        except Exception as error:  # of pickle, of torch, of the device: they share no base
            raise _unusable(self._wanted, device) from error


def _unusable(model: str, device: str) -> NotConfigured:
    return NotConfigured(
        f"the model {Path(model).name} (WHISPER_MODEL) cannot be loaded on {device}; "
        "is it a whole checkpoint of Whisper, and is the device there (WHISPER_DEVICE)?"
    )


def _heard(model: Any, piece: Piece, code: str | None) -> tuple[list[SpokenWord], str]:
    """The words, and the language that was given or detected."""
    about = model.transcribe(
        piece.samples,
        language=code,
        word_timestamps=True,
        # A piece that was misheard must not lead the next one astray.
        condition_on_previous_text=False,
        fp16=model.device.type == CUDA,
        verbose=None,
    )
    told = str(about["language"])
    return in_order(joined(_parts(about["segments"]), told not in UNSPACED), piece.seconds), told


def _parts(segments: Iterable[Mapping[str, Any]]) -> Iterable[SpokenWord]:
    words = (word for segment in segments for word in segment["words"])
    return (SpokenWord(word["word"], float(word["start"]), float(word["end"])) for word in words)
