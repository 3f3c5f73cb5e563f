"""Aligners, one module each, which find out when words are heard; `port.py` is their common port.

`by_warping` compares with espeak-ng, frame by frame: `features` and `likeness` say what a sound is like, `reference`
what the text sounds like, `warping` and `matching` which moment of one is which of the other, `words` what follows for
the words. `by_sound` goes by pauses alone.
"""

import logging

from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.align.by_sound import BySound
from whisper_worker.align.by_warping import ByWarping
from whisper_worker.align.port import Aligner, Timed
from whisper_worker.tts.espeak import Espeak

__all__ = ["Aligner", "BySound", "ByWarping", "Timed", "make_aligner"]

log = logging.getLogger(__name__)


def make_aligner(settings: Settings) -> Aligner:
    """The best one that can run."""
    try:
        return ByWarping(Espeak(settings), BySound())
    except NotConfigured as error:
        log.warning("words are timed by the aligner %s: %s", BySound.name, error)
        return BySound()
