"""The font that words are set in: bundled, so that a film looks the same on every machine."""

import functools
import importlib.util
import re
import shutil
import unicodedata
from pathlib import Path

from PIL import ImageFont

from common.errors import NotConfigured
from common.letters import bundled

FAMILY = "Source Sans Pro"
BOLD, REGULAR = "Bold", "Regular"
LINE_HEIGHT = 1.257
"Of a line of the font, in ems. libass takes the height of a whole line as the size of a font."

_GREEK_ACCENT = re.compile("([\u0370-\u03ff]\u0308?)\u0301")
_PACKAGE = "font_source_sans_pro"
_UNITS = 1000
_ELSEWHERE = 0.75  # ems; letters of a font that stands in are seldom wider


def install(folder: Path) -> None:
    """Copies the weights we use, and nothing else, into `folder`: a renderer loads every file it finds there."""
    folder.mkdir(exist_ok=True)
    for weight in (BOLD, REGULAR):
        source = font_file(weight)
        shutil.copyfile(source, folder / source.name)


def font_file(weight: str = BOLD) -> Path:
    """The path of the font. Raises `NotConfigured` when its package is missing."""
    # The package is found, never imported: importing it asks for pkg_resources, which newer Pythons lack.
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0], "files", f"SourceSansPro-{weight}.ttf") if folders else None
    if path is None or not path.is_file():
        raise NotConfigured("the caption font is missing; install the package font-source-sans-pro")
    return path


def width(text: str, weight: str = BOLD) -> float:
    """The width of `text` on one line, in ems. Letters that the font lacks count as wide as another may draw them."""
    ours = "".join(letter for letter in text if bundled(letter))
    return _font(weight).getlength(ours) / _UNITS + sum(_stranger(letter) for letter in text if not bundled(letter))


def known(text: str) -> bool:
    """True if the font has all letters of `text`, so that its width is no guess."""
    return all(map(bundled, text))


def capitals(text: str) -> str:
    """`text` in capitals. Those of Greek have no accent, but keep what parts two vowels."""
    plain = unicodedata.normalize("NFD", text.upper())
    return unicodedata.normalize("NFC", _GREEK_ACCENT.sub(r"\1", plain))


def _stranger(letter: str) -> float:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(letter) in "WF" else _ELSEWHERE


@functools.cache
def _font(weight: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file(weight)), _UNITS)
