"""The papers of a release: a bill of materials for each image that was built, and one list of them all."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.images.build import name_of, version
from infra.images.contents import Contents, look_into
from infra.images.engine import CannotRun, Docker
from infra.images.sbom import sbom
from infra.processes import PROCESSES, VARIANTS

LIST = "digests.json"


def built(docker: Docker, tag: str) -> dict[str, Contents]:
    """The images with this tag by their targets: those of all services, and those of the variants that were built.

    Raises `CannotRun` if one is missing, or if they were not made from one source.
    """
    targets = [process.name for process in PROCESSES]
    targets += [variant.target for variant in VARIANTS if docker.has(name_of(variant.target, tag))]
    images = {target: look_into(docker, name_of(target, tag)) for target in targets}
    if len({image.revision for image in images.values()}) > 1:
        each = ", ".join(f"{target} of {image.revision or 'an unknown one'}" for target, image in images.items())
        raise CannotRun(f"the images are of different sources ({each}); build them together with ./reel images")
    return images


def write(images: dict[str, Contents], root: Path, folder: Path) -> None:
    """Writes the papers into a folder that is made if need be. Raises `OSError`."""
    of = version(root)
    texts = {f"{target}.cdx.json": sbom(image, of) for target, image in images.items()}
    revision = next(iter(images.values())).revision
    entries = {
        target: _entry(image, file, text)
        for (target, image), (file, text) in zip(images.items(), texts.items(), strict=True)
    }
    listed = {"version": of, "revision": revision, "images": entries}
    texts[LIST] = json.dumps(listed, indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text)


def _entry(image: Contents, file: str, text: str) -> dict[str, Any]:
    return {
        "image": image.name,
        "id": image.id,
        "digests": list(image.digests),
        "size_bytes": image.size,
        "created": image.created,
        "platform": image.platform,
        "python": image.python,
        "stand_in": image.stand_in,
        "sbom": {"file": file, "sha256": hashlib.sha256(text.encode()).hexdigest()},
    }


def doubts(images: dict[str, Contents]) -> Iterator[str]:
    """The reasons, a sentence for each, why these images should not be given to anybody."""
    revision = next(iter(images.values())).revision
    if revision is None:
        yield "the images do not say which source they were made from; build them with ./reel images in a git clone"
    elif revision.endswith("-dirty"):
        yield "the images were made from a source with changes that are not committed"
    if any(image.stand_in for image in images.values()):
        yield "the images were made from a stand-in for the Python image; build them where a registry answers"
    unknown = [target for target, image in images.items() if not any(one.sha256 for one in image.packages)]
    if unknown:
        yield f"no hash of any package is known for {', '.join(unknown)}; build them anew with ./reel images"
