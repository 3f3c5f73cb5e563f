"""Whisper in an environment of its own, made once in the data folder: sounds in, wrong words out."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import NotMeasured, Say

HERE = Path(__file__).resolve().parent
SECONDS = 1800


class Reading(NamedTuple):
    """What was heard in one sound."""

    heard: str
    wrong: int
    words: int


def ready(data: Path, say: Say) -> Path:
    """The Python of the environment. Raises `NotMeasured` if it cannot be made."""
    home = data / "ears"
    python, stamp = home / "bin" / "python", home / "requirements.txt"
    wanted = (HERE / "requirements.txt").read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    say("setting up Whisper (once, about a minute)")
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        _run([str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "requirements.txt")])
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:]
        raise NotMeasured(f"Whisper could not be installed: {' '.join(last)}") from None
    stamp.write_text(wanted)
    return python


def read_back(python: Path, sounds: Sequence[Path], readings: Sequence[Sequence[str]], work: Path) -> list[Reading]:
    """What is heard in each sound, against the ways to say it. Raises `NotMeasured`."""
    asked = [{"sound": str(path), "readings": list(ways)} for path, ways in zip(sounds, readings, strict=True)]
    question = work / "question.json"
    question.write_text(json.dumps(asked))
    try:
        answer = _run([str(python), "-W", "ignore", str(HERE / "listen.py"), str(question)])
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:]
        raise NotMeasured(f"Whisper could not read the sounds back: {' '.join(last)}") from None
    return [Reading(**json.loads(line)) for line in answer.splitlines()]


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout
