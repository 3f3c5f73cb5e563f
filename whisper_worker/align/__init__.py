"""Aligners, one module each, which find out when words are heard; `port.py` is their common port.

`by_warping` compares with espeak-ng, frame by frame: `features` and `likeness` say what a sound is like, `reference`
what the text sounds like, `warping` and `matching` which moment of one is which of the other, `words` what follows for
the words. `by_sound` goes by pauses alone.
"""

import logging

import numpy as np

from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.align.by_sound import BySound
from whisper_worker.align.by_warping import ByWarping
from whisper_worker.align.port import Aligner, Timed
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Speech, SpokenWord

__all__ = ["Aligner", "BySound", "ByWarping", "Timed", "align_recording", "make_aligner"]

log = logging.getLogger(__name__)


def make_aligner(settings: Settings) -> Aligner:
    """The best one that can run."""
    try:
        return ByWarping(Espeak(settings), BySound())
    except NotConfigured as error:
        log.warning("words are timed by the aligner %s: %s", BySound.name, error)
        return BySound()


def align_recording(samples: np.ndarray, rate: int, text: str, language: str) -> list[SpokenWord]:
    """When the words of a text are heard in a recording of it: mono float32 sound, up to an hour.

    Besides the sound itself an hour takes about half a gigabyte of memory.
    """
    return make_aligner(Settings()).align(Speech(samples, rate, None, ""), text, language)
