"""The font that captions are set in: bundled, so that a film looks the same on every machine."""

import importlib.util
import shutil
from pathlib import Path

from common.errors import NotConfigured

FAMILY = "Source Sans Pro"
WEIGHT = "Bold"

_PACKAGE = "font_source_sans_pro"


def install(folder: Path) -> None:
    """Copies the caption font, and nothing else, into `folder`: a renderer loads every file it finds there."""
    folder.mkdir(exist_ok=True)
    source = font_file()
    shutil.copyfile(source, folder / source.name)


def font_file() -> Path:
    """Where the font is. Raises `NotConfigured` when its package is missing."""
    # The package is found, never imported: importing it asks for pkg_resources, which newer Pythons lack.
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0], "files", f"SourceSansPro-{WEIGHT}.ttf") if folders else None
    if path is None or not path.is_file():
        raise NotConfigured("the caption font is missing; install the package font-source-sans-pro")
    return path
