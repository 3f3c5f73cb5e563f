"""What an image is and what is in it, as its engine and the image itself say."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from infra.images import inside
from infra.images.bases import LABEL
from infra.images.build import REVISION
from infra.images.engine import CannotRun, Docker

QUESTION = "\t".join(
    f"${{{name}}}" for name in ("Package", "Version", "Architecture", "source:Package", "source:Version")
)


class PythonPackage(NamedTuple):
    """An installed distribution, in the words of its own metadata."""

    name: str
    version: str
    expression: str = ""
    "Licence as an SPDX expression."
    licence: str = ""
    "Licence in any words, up to its whole text."
    classifiers: tuple[str, ...] = ()
    sha256: str = ""
    "Of the archive that it was installed from, in hexadecimal; empty where it is not known."


class DebianPackage(NamedTuple):
    """An installed package of the system."""

    name: str
    version: str
    architecture: str
    source: str
    source_version: str


@dataclass(frozen=True)
class Contents:
    """One image."""

    name: str
    id: str
    "Its digest in the engine, with the name of the algorithm before it."
    digests: tuple[str, ...]
    "Names with digests under which registries know it; most engines tell none before it was pushed."
    created: str
    "Time in ISO 8601."
    size: int
    "Bytes, as its engine counts them."
    platform: str
    revision: str | None
    stand_in: bool
    "True if a stand-in took the place of its base image."
    python: str
    os: Mapping[str, str]
    "Fields of /etc/os-release."
    packages: tuple[PythonPackage, ...]
    debian: tuple[DebianPackage, ...]


def look_into(docker: Docker, name: str) -> Contents:
    """Asks the engine and the image. Raises `CannotRun` if there is no such image, or it cannot answer."""
    if not docker.has(name):
        raise CannotRun(
            f"there is no image {name}; build the images with ./reel images, or name the tag that they have with --tag"
        )
    (about,) = json.loads(docker.run("image", "inspect", name))
    labels: Mapping[str, str] = about["Config"].get("Labels") or {}
    said = json.loads(_ask(docker, name, "python", "-I", "-c", inspect.getsource(inside)))
    return Contents(
        name=name,
        id=about["Id"],
        digests=tuple(sorted(about.get("RepoDigests") or [])),
        created=about["Created"],
        size=about["Size"],
        platform=f"{about['Os']}/{about['Architecture']}",
        revision=labels.get(REVISION),
        stand_in=LABEL in labels,
        python=said["python"],
        os=said["os"],
        packages=tuple(_package(one, said["hashes"]) for one in said["packages"]),
        debian=_debian(docker, name),
    )


def _package(said: Mapping[str, Any], hashes: Mapping[str, str]) -> PythonPackage:
    name, version = said["name"], said["version"]
    licence = (said["expression"], said["licence"], tuple(said["classifiers"]))
    return PythonPackage(name, version, *licence, sha256=hashes.get(f"{name}=={version}", ""))


def _debian(docker: Docker, name: str) -> tuple[DebianPackage, ...]:
    # A package that was removed may still be known by its configuration; it is not in the image any more.
    lines = _ask(docker, name, "dpkg-query", "-W", "-f", f"${{db:Status-Status}}\t{QUESTION}\n").splitlines()
    rows = [line.split("\t") for line in lines]
    return tuple(DebianPackage(*row) for status, *row in rows if status == "installed")


def _ask(docker: Docker, name: str, program: str, *arguments: str) -> str:
    """Output of a program of the image in a container of its own, which reaches nothing and is gone afterwards."""
    return docker.run("run", "--rm", "--network", "none", "--entrypoint", program, name, *arguments)
