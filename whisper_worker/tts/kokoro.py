"""Kokoro: a neural voice that is hard to tell from a person, at about the speed of speech on one processor core."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from common.contracts.voice import Voice
from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.tts.choosing import chosen
from whisper_worker.tts.kokoro_files import Files, about
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech
from whisper_worker.tts.sentences import Sound, spoken
from whisper_worker.tts.wording import GAP

if TYPE_CHECKING:
    import onnx

RATE = 24_000
FRAME = 600
"Samples that the model makes at once; its lengths of phonemes are counted in them."
MOST = 500
"Phonemes that the model takes at once; longer sentences are made in parts."
SLOWEST, FASTEST = 0.5, 2.0
"Those of the model."
OTHER_NAMES = {"en-gb": "en", "fr-fr": "fr"}
"What espeak-ng calls a language, where it is not the tag."
BRITISH = {"oʊ": "Q", "əʊ": "Q"}
LEARNED = {"aɪ": "I", "aʊ": "W", "dʒ": "ʤ", "eɪ": "A", "tʃ": "ʧ", "ɔɪ": "Y", "oʊ": "O", "ɚ": "əɹ", "ʔ": "t", "ʲ": ""}
"Phonemes of espeak-ng, and those with which the model learned English."


class Kokoro:
    """Each table of styles is a voice."""

    name = "kokoro"
    bends = False

    def __init__(self, settings: Settings) -> None:
        files = Files.of(settings.kokoro_model, settings.kokoro_voices)
        try:
            release = version("kokoro-onnx")
            version("piper-tts")
            version("onnx")
        except PackageNotFoundError as error:
            raise NotConfigured(f"Kokoro needs the package {error.name}; install requirements.txt") from None
        self._model = files.model
        self._styles = files.styles()
        self.version = f"{release}-{files.fingerprint()}"

    def voices(self) -> list[Voice]:
        return [about(name) for name in self._styles]

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        found = chosen(self.voices(), language, voice, "Kokoro")
        model = KokoroModel(self._model, self._styles[found.id], found.language)
        samples, words = spoken(model, text, min(FASTEST, max(SLOWEST, manner.pace)))
        return Speech(samples, RATE, words, found.id)


class KokoroModel:
    """A voice, as a `Model`. The network is loaded when it speaks first, and then kept."""

    rate = RATE

    def __init__(self, model: Path, styles: np.ndarray, language: str) -> None:
        with _loading:
            self._network = _loaded(model, model.stat().st_mtime_ns)
        self._styles = styles
        self.language = language

    def phonemes(self, text: str) -> list[list[str]]:
        found = self._network.phonemizer.phonemize(OTHER_NAMES.get(self.language, self.language), text)
        return [[sign for sign in self._learned("".join(part)) if sign in self._network.vocabulary] for part in found]

    def _learned(self, part: str) -> str:
        if not self.language.startswith("en"):
            return part
        known = LEARNED | (BRITISH if self.language == "en-gb" else {})
        return re.sub("|".join(known), lambda match: known[match[0]], part)

    def sound(self, phonemes: Sequence[str], pace: float) -> Sound:
        sounds: list[np.ndarray] = []
        edges: list[np.ndarray] = []
        length = 0
        for part in _parts(phonemes):
            samples, starts = self._network.run(part, self._styles, pace)
            sounds.append(samples)
            edges += [] if starts is None else [starts + length]
            length += len(samples)
        told = len(edges) == len(sounds)
        return Sound(np.concatenate(sounds), np.concatenate(edges) if told else None)


def _parts(phonemes: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at once as the model takes, cut at gaps where there are some."""
    first = 0
    while first < len(phonemes):
        end = min(len(phonemes), first + MOST)
        if end < len(phonemes):
            end = next((place + 1 for place in range(end - 1, first, -1) if phonemes[place] == GAP), end)
        yield phonemes[first:end]
        first = end


class _Network(NamedTuple):
    session: Any
    phonemizer: Any
    vocabulary: Mapping[str, int]
    kinds: Mapping[str, np.dtype[Any]]
    "Of its inputs."

    def run(self, phonemes: Sequence[str], styles: np.ndarray, pace: float) -> tuple[np.ndarray, np.ndarray | None]:
        """The sound, and the sample at which each phoneme begins if the model tells."""
        tokens = [0, *(self.vocabulary[sign] for sign in phonemes), 0]
        given = {"style": styles[min(len(phonemes), len(styles)) - 1][None], "speed": [pace]}
        given["input_ids" if "input_ids" in self.kinds else "tokens"] = [tokens]
        found = self.session.run(None, {name: np.asarray(value, self.kinds[name]) for name, value in given.items()})
        samples = np.asarray(found[0], np.float32).ravel()
        lengths = np.asarray(found[1]).ravel() if len(found) > 1 else np.zeros(0)
        if len(lengths) != len(tokens) or not lengths.sum():
            return samples, None
        # The lengths are those of the sound but for a frame or so at its end.
        before = np.concatenate([[0.0], np.cumsum(lengths)])[1 : len(phonemes) + 1]
        return samples, np.minimum(before * FRAME, len(samples))


_loading = threading.Lock()
"One network is loaded at a time, and none twice."


@lru_cache(maxsize=1)
def _loaded(model: Path, changed: int) -> _Network:
    """On one thread, with the lengths of phonemes as an output and without chance.

    `changed` tells files of one path apart. Raises `NotConfigured` if the file is no model of Kokoro.
    """
    # Here, since they take a third of a second and 100 MB, and other engines may do without.
    import onnxruntime
    from kokoro_onnx.config import DEFAULT_VOCAB
    from kokoro_onnx.session import embedded_vocab, input_dtypes
    from piper.phonemize_espeak import EspeakPhonemizer

    from whisper_worker.tts.graphs import FAULTS, fix_noise, read

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        graph = read(model)
        _tell_lengths(graph)
        fix_noise(graph)
        session = onnxruntime.InferenceSession(graph.SerializeToString(), options, ["CPUExecutionProvider"])
        kinds = input_dtypes(session)
        if not kinds.keys() >= {"style", "speed"}:
            raise ValueError
    except FAULTS:
        raise NotConfigured(f"KOKORO_MODEL={model} is no file of Kokoro that can be loaded; get it again") from None
    return _Network(session, EspeakPhonemizer(), embedded_vocab(session) or DEFAULT_VOCAB, kinds)


def _tell_lengths(graph: "onnx.ModelProto") -> None:
    """Makes the lengths of phonemes an output, if it is none: what is rounded and then kept above zero."""
    import onnx

    if len(graph.graph.output) > 1:
        return
    rounded = {name for node in graph.graph.node if node.op_type == "Round" for name in node.output}
    kept = [node.output[0] for node in graph.graph.node if node.op_type in ("Clip", "Max") and node.input[0] in rounded]
    if len(kept) == 1:
        graph.graph.output.append(onnx.ValueInfoProto(name=kept[0]))
