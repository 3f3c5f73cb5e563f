"""faster-whisper: Whisper on CTranslate2, without torch and several times faster."""

from collections.abc import Iterable
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

COMPUTE = {"cpu": "int8", "cuda": "float16", "auto": "default"}
"Numbers that the model reckons in. On a processor int8 takes half the time of float32 and hears as well."


class FasterWhisper:
    """A model by name, which is downloaded once, or a folder with the files of CTranslate2."""

    name = "faster-whisper"

    def __init__(self, settings: Settings) -> None:
        self._wanted, self._device = settings.whisper_model, settings.whisper_device
        self._named = form_of(self._wanted) == NAMED
        self.version = f"{version('faster-whisper')}-{version_of(self._wanted)}"
        self._threads = max(1, usable_cores() // settings.slots(settings.speech_slots))
        self._model = Loaded(self._load)

    def knows(self, language: str) -> bool:
        return code_of(language) in (CODES if self._model.get().model.is_multilingual else ENGLISH)

    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        model = self._model.get()
        code = code_of(language) if model.model.is_multilingual else "en"
        words: list[SpokenWord] = []
        for piece in pieces(samples, rate):
            if piece.silent:
                continue
            found, told = _heard(model, piece, code)
            code = code or (told if found else None)
            words += [SpokenWord(word.text, word.start + piece.start, word.end + piece.start) for word in found]
        return Heard(language or code or "en", words)

    def _load(self) -> Any:
        from faster_whisper import WhisperModel

        device = "cuda" if self._device == "auto" and _has_cuda() else self._device
        device = "cpu" if device == "auto" else device
        place = self._wanted if self._named else str(Path(self._wanted).expanduser())
        try:
            return WhisperModel(place, device=device, compute_type=COMPUTE[device], cpu_threads=self._threads)
        except Exception as error:  # of the hub, of its transport, of CTranslate2: they share no base
            if self._named:
                raise not_downloaded(self._wanted) from error
            raise NotConfigured(
                f"the model {Path(self._wanted).name} (WHISPER_MODEL) cannot be loaded on {device}; "
                "is it a whole model of CTranslate2, and is the device there (WHISPER_DEVICE)?"
            ) from error


def _has_cuda() -> bool:
    import ctranslate2

    return bool(ctranslate2.get_cuda_device_count())


def _heard(model: Any, piece: Piece, code: str | None) -> tuple[list[SpokenWord], str]:
    """The words, and the language that was given or detected."""
    segments, about = model.transcribe(
        piece.samples,
        language=code,
        word_timestamps=True,
        # A piece that was misheard must not lead the next one astray.
        condition_on_previous_text=False,
    )
    told = str(about.language)
    found = joined(_parts(segments), told not in UNSPACED)
    return in_order(found, piece.seconds), told


def _parts(segments: Iterable[Any]) -> Iterable[SpokenWord]:
    return (SpokenWord(word.word, float(word.start), float(word.end)) for one in segments for word in one.words or ())
