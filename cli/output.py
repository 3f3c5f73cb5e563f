"""The path of the film: its name, and checks that nothing is overwritten that the user did not name."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cli.errors import BadInput, together

SUFFIXES = (".mp4", ".srt", ".vtt")
LEAST_ROOM = 8 * 2**20
"Bytes without which nothing is begun: most films and exports need more."
NAME_WORDS, NAME_CHARS = 8, 60


def choose_places(wanted: str | None, export: str | None, words: str) -> tuple[Path, Path | None]:
    """The paths of the film and of its export. Raises `BadInput` with all that is wrong with them."""
    film: Path | None = None

    def of_film() -> None:
        nonlocal film
        film = choose_output(wanted, words)

    _, zipped = together(of_film, lambda: choose_export(export, film or Path("video.mp4")))
    assert film is not None
    return film, zipped


def choose_output(wanted: str | None, words: str) -> Path:
    """The path of the film; raises `BadInput` now rather than after minutes of rendering."""
    return _writable(lambda: _path(wanted, words), wanted, "-o")


def choose_export(wanted: str | None, film: Path) -> Path | None:
    """The path of the ZIP file, in a folder named like the film; None if there is to be none. Raises `BadInput` too."""
    return _writable(lambda: _zip_path(wanted, film), wanted, "--export") if wanted else None


def _writable(path_of: Callable[[], Path], wanted: str | None, option: str) -> Path:
    try:
        path = path_of()
        if not path.parent.is_dir():
            raise BadInput(f"{option}: there is no folder {path.parent}")
        if path.is_dir():
            raise BadInput(f"{path} is a folder; choose another name with {option}")
        # Tried and not asked: permissions alone do not tell of read-only disks or of names that are too long.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            free = shutil.disk_usage(path.parent).free
        if free < LEAST_ROOM:
            raise BadInput(f"{path.parent} has only {free // 2**20} MB left; choose another place with {option}")
    except OSError as error:
        raise BadInput(
            f"{wanted or 'this folder'} cannot be written to ({error.strerror}); choose with {option}"
        ) from None
    return path


def _path(wanted: str | None, words: str) -> Path:
    path = Path(wanted).expanduser() if wanted else Path()
    if wanted and not path.is_dir():
        return path if path.suffix.lower() == ".mp4" else path.with_name(path.name + ".mp4")
    return _free(path / f"{file_name(words)}.mp4")


def _zip_path(wanted: str, film: Path) -> Path:
    path = Path(wanted).expanduser()
    if path.is_dir():
        return path / f"{film.stem}.zip"
    return path if path.suffix.lower() == ".zip" else path.with_name(path.name + ".zip")


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
