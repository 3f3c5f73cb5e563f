"""Draws a stranger's picture as a watermark. Run as a program, within walls, see `renderer.steps.mark`:

`python -m renderer.text.mark_picture PICTURE DRAWN WIDTH HEIGHT OPACITY` makes a PNG that is WIDTH pixels wide, or
HEIGHT high if it would be higher, and prints its size as JSON.
"""

import json
import os
import sys
from pathlib import Path

from PIL import Image, ImageOps

MAX_PIXELS = 64_000_000
"Some more than acquisition lets in."
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
TOO_LARGE = "it has too many pixels; use a smaller picture"
UNREADABLE = "it cannot be read as a picture; use a PNG, JPEG, WebP or GIF"


class Unusable(Exception):
    """The picture cannot be a watermark; the message says why."""


def draw(picture: Path, drawn: Path, width: float, height: float, opacity: float) -> tuple[int, int]:
    """Writes `drawn`, and returns its width and height in pixels. Raises `Unusable`."""
    try:
        image = _opened(picture)
    except (Image.DecompressionBombError, MemoryError):
        raise Unusable(TOO_LARGE) from None
    except (OSError, SyntaxError, ValueError):
        raise Unusable(UNREADABLE) from None
    share = min(width / image.width, height / image.height)
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    image = image.resize(size, Image.Resampling.LANCZOS)
    image.putalpha(image.getchannel("A").point([round(level * opacity) for level in range(256)]))
    image.save(drawn, "PNG")
    return size


def _opened(path: Path) -> Image.Image:
    """The picture, upright and with transparency."""
    with Image.open(path, formats=FORMATS) as file:
        if file.width * file.height > MAX_PIXELS:
            raise Unusable(TOO_LARGE)
        file.load()
        # Copies of a picture of this size would be most of the memory it takes.
        ImageOps.exif_transpose(file, in_place=True)
        return file if file.mode == "RGBA" else file.convert("RGBA")


def main(arguments: list[str]) -> None:
    picture, drawn, *numbers = arguments
    try:
        width, height = draw(Path(picture), Path(drawn), *map(float, numbers))
        print(json.dumps({"width": width, "height": height}))
    except Unusable as problem:
        print(json.dumps({"problem": str(problem)}))


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # to take apart what was loaded takes time, and is of no use
