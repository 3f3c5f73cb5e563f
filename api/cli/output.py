"""Where the film goes: its name, and that nothing is overwritten that the user did not name."""

import os
import re
from pathlib import Path

from api.cli.errors import BadInput

SUFFIXES = (".mp4", ".srt", ".vtt")
NAME_WORDS, NAME_CHARS = 8, 60


def choose_output(wanted: str | None, words: str) -> Path:
    """The path of the film; raises `BadInput` now rather than after minutes of rendering."""
    path = Path(wanted).expanduser() if wanted else Path()
    if wanted and not path.is_dir():
        path = path if path.suffix.lower() == ".mp4" else path.with_name(path.name + ".mp4")
    else:
        path = _free(path / f"{file_name(words)}.mp4")
    folder = path.parent
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise BadInput(f"the folder {folder.resolve()} cannot be written to; choose another with -o")
    return path


def file_name(words: str) -> str:
    """A tidy file name from the first words of a text."""
    found = re.findall(r"\w+", words.lower())[:NAME_WORDS]
    return "-".join(found)[:NAME_CHARS].rstrip("-_") or "video"


def _free(path: Path) -> Path:
    """`path`, or `path` with -2, -3 ... so that neither the film nor its captions hit something."""
    candidate, number = path, 1
    while any(candidate.with_suffix(suffix).exists() for suffix in SUFFIXES):
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
