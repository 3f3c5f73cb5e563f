"""What WHISPER_MODEL names: a model to be downloaded, a checkpoint, or a folder of CTranslate2."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from common.errors import NotConfigured

NAMED, CHECKPOINT, CTRANSLATE2 = "named", "checkpoint", "ctranslate2"
"Forms of a model."
_WEIGHTS = "model.bin"
_PROBES, _PROBE_BYTES = 64, 16 * 1024
_DIGITS = 12


def form_of(model: str) -> str:
    """The form of the model that the setting names. Raises `NotConfigured` for a path where there is none."""
    path = Path(model).expanduser()
    if path.is_file():
        return CHECKPOINT
    if path.is_dir():
        if (path / _WEIGHTS).is_file():
            return CTRANSLATE2
        raise NotConfigured(
            f"WHISPER_MODEL: the folder {path.name} has no {_WEIGHTS}, so it is no model of CTranslate2; name another"
        )
    if _is_path(model):
        raise NotConfigured(f"WHISPER_MODEL: there is no file or folder {model}; correct the path")
    return NAMED


def _is_path(model: str) -> bool:
    """True for what cannot be a name: that may have one slash (`owner/model` of a hub)."""
    return model.startswith((".", "~", "/")) or model.endswith((".pt", ".bin")) or model.count("/") > 1


def version_of(model: str) -> str:
    """A word that tells models apart: the name, and of files what is in them."""
    path = Path(model).expanduser()
    name = re.sub(r"[^\w.-]+", "-", path.name)
    return f"{name}-{_digest(path)}" if path.exists() else re.sub(r"[^\w.-]+", "-", model)


def _digest(path: Path) -> str:
    """A digest of the files: of large ones their size and samples of them, for gigabytes take seconds."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(f"{file.name} {file.stat().st_size}".encode() if path.is_dir() else b"")
            for block in _samples_of(file):
                digest.update(block)
    return digest.hexdigest()[:_DIGITS]


def _samples_of(file: Path) -> Iterator[bytes]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        for number in range(_PROBES):
            stream.seek(max(0, size - _PROBE_BYTES) * number // (_PROBES - 1))
            yield stream.read(_PROBE_BYTES)
