"""`reel release`: bills of materials and digests of the images that were built."""

import argparse
import sys

from cli.errors import OK, BadInput, CommandError
from infra.images import release as papers
from infra.images.contents import Contents
from infra.images.engine import CannotRun, engine
from infra.local import ROOT


def release(options: argparse.Namespace) -> int:
    """Returns 0 when all is written; raises `CommandError` where there is no engine or an image is missing."""
    if options.folder.exists() and (not options.folder.is_dir() or any(options.folder.iterdir())):
        raise BadInput(f"{options.folder} must be a new or an empty folder, so that nothing old is taken for new")
    images = _built(options)
    try:
        papers.write(images, ROOT, options.folder)
    except OSError as error:
        raise BadInput(f"{options.folder} cannot be written to ({error.strerror})") from None
    for doubt in papers.doubts(images):
        print(f"Warning: {doubt}", file=sys.stderr)
    for target, image in images.items():
        print(
            f"{target:<15} {image.id}  {image.size / 1e6:5.0f} MB  {len(image.packages)} + {len(image.debian)} packages"
        )
    return OK


def _built(options: argparse.Namespace) -> dict[str, Contents]:
    data = (options.data or ROOT / ".reel" / "images").resolve()
    data.mkdir(parents=True, exist_ok=True)
    try:
        with engine(data, compose=False) as docker:
            return papers.built(docker, options.tag)
    except CannotRun as error:
        raise CommandError(f"the release cannot be written: {error}") from None
