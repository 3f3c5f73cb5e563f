"""The files of Kokoro: a model, and voices, which are tables of styles."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from common.contracts.voice import Gender, Voice
from common.errors import NotConfigured

STYLE = 256
"Numbers that describe a style; a voice has one for each length of a text."
LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
"""By the first letter of a voice. Japanese and Chinese (`j`, `z`) are left out: the model wants phonemes for them that
espeak-ng does not make."""
GENDERS: Mapping[str, Gender] = {"f": "female", "m": "male"}
BEST = ("af_heart", "bf_emma", "af_bella", "am_michael", "am_fenrir", "bm_fable")
"These come before the others: of the highest grades that the makers give."
HOW = (
    "set KOKORO_MODEL to an ONNX file of Kokoro-82M and KOKORO_VOICES to its voices (voices-v1.0.bin or a folder of "
    ".bin files); docs/voices.md says where they are"
)


class Files(NamedTuple):
    """Paths that exist."""

    model: Path
    voices: Path

    @classmethod
    def of(cls, model: str, voices: str) -> "Files":
        """Raises `NotConfigured`."""
        if not model or not voices:
            raise NotConfigured(f"Kokoro has no model; {HOW}")
        for name, path in {"KOKORO_MODEL": model, "KOKORO_VOICES": voices}.items():
            if not Path(path).exists():
                raise NotConfigured(f"Kokoro finds no {name} at {path}; {HOW}")
        return cls(Path(model), Path(voices))

    def styles(self) -> dict[str, np.ndarray]:
        """Id of a voice -> its styles [lengths, 256]; ids of languages that are not spoken here are left out.

        Raises `NotConfigured` if these are no voices of Kokoro.
        """
        try:
            found = _of_folder(self.voices) if self.voices.is_dir() else _of_file(self.voices)
            tables = {name: np.asarray(table, np.float32).reshape(-1, STYLE) for name, table in found.items()}
        except (OSError, ValueError, TypeError, EOFError, BadZipFile):
            raise NotConfigured(f"KOKORO_VOICES={self.voices} has no voices that can be read; {HOW}") from None
        spoken = {name: table for name, table in sorted(tables.items(), key=_place) if name[:1] in LANGUAGES}
        if not spoken:
            raise NotConfigured(f"KOKORO_VOICES={self.voices} has no voice of a language that is spoken here; {HOW}")
        return spoken

    def fingerprint(self) -> str:
        """Eight letters that change when the model does, or a voice."""
        whole = hashlib.sha256()
        for path in (self.model, *(sorted(self.voices.glob("*.bin")) if self.voices.is_dir() else [self.voices])):
            status = path.stat()
            whole.update(f"{path.name} {_digest(path, status.st_size, status.st_mtime_ns)}\n".encode())
        return whole.hexdigest()[:8]


def about(name: str) -> Voice:
    """What the id of a voice says: `af_heart` is American and female."""
    own = name.partition("_")[2].replace("_", " ").capitalize() or name
    return Voice(id=name, name=f"{own} (Kokoro)", language=LANGUAGES[name[0]], gender=GENDERS.get(name[1:2], ""))


def _of_folder(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.fromfile(path, "<f4") for path in folder.glob("*.bin")}


def _of_file(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        return dict(np.load(file))


def _place(item: tuple[str, object]) -> tuple[int, str]:
    name = item[0]
    return (BEST.index(name) if name in BEST else len(BEST), name)


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    """SHA-256 of a file; size and time of change tell files of one path apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
