"""A program `docker` in a folder of its own, which answers as Docker does with an engine that has certain images."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = """\
#!{python} -IS
import json, re, sys
from pathlib import Path

here, arguments = Path({folder!r}), sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
engine = json.loads((here / "engine.json").read_text())


def fail(words):
    sys.exit("docker: " + words if words else 1)


def image(name):
    if name not in engine["images"]:
        print("" if "--format" in arguments else "[]")
        fail(f"Error: No such image: {{name}}")
    return engine["images"][name]


if arguments == ["--version"]:
    print("Docker version 20.10.24+dfsg1, build 297e128")
elif not engine["answers"]:
    fail("Cannot connect to the Docker daemon. Is the docker daemon running?")
elif arguments[:2] == ["image", "inspect"]:
    found = image(arguments[-1])
    print(found["inspect"]["Id"] if "--format" in arguments else json.dumps([found["inspect"]]))
elif arguments[0] == "run":
    assert arguments[1:5] == ["--rm", "--network", "none", "--entrypoint"], arguments
    program, name, *rest = arguments[5:]
    answers = image(name)["programs"]
    if program not in answers:
        fail(f'exec: "{{program}}": executable file not found in $PATH')
    if program == "dpkg-query":
        for row in answers[program]:
            sys.stdout.write(re.sub(r"\\$\\{{(.*?)\\}}", lambda field: row[field[1]], rest[-1]))
    else:
        print(json.dumps(answers[program]))
"""
SYSTEM = {"ID": "debian", "VERSION_ID": "12"}
LIBSSL = {
    "Package": "libssl3",
    "Version": "3.0.17-1~deb12u3",
    "Architecture": "amd64",
    "source:Package": "openssl",
    "source:Version": "3.0.17-1~deb12u3",
    "db:Status-Status": "installed",
}
TINI = {**LIBSSL, "Package": "tini", "Version": "0.19.0-1", "source:Package": "tini", "source:Version": "0.19.0-1"}
REMOVED = {**TINI, "Package": "gone", "db:Status-Status": "config-files"}
SIX: dict[str, Any] = {
    "name": "six",
    "version": "1.17.0",
    "expression": "",
    "licence": "MIT",
    "classifiers": ["License :: OSI Approved :: MIT License"],
}
HASHES = {"six==1.17.0": "ab" * 32}


class FakeDocker:
    """The engine behind the program. It is off until it has an image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._images: dict[str, Any] = {}
        folder.mkdir()
        program = folder / "docker"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        self._save(answers=False)

    def has(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        hashes: Mapping[str, str] = HASHES,
        system: str = "dpkg-query",
    ) -> None:
        """Gives it an image, whose package manager may have another name."""
        python = {"python": "3.11.14", "os": SYSTEM, "packages": [SIX], "hashes": hashes}
        about = {
            "Id": "sha256:" + name.encode().hex()[-32:].rjust(64, "0"),
            "RepoDigests": [],
            "Created": "2026-11-30T21:35:07.115470705Z",
            "Size": 123_456_789,
            "Os": "linux",
            "Architecture": "amd64",
            "Config": {"Labels": labels},
        }
        programs = {"python": python, system: [LIBSSL, TINI, REMOVED]}
        self._images[name] = {"inspect": about, "programs": programs}
        self._save(answers=True)

    @property
    def calls(self) -> list[list[str]]:
        """The arguments it was started with, each time."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _save(self, answers: bool) -> None:
        (self.folder / "engine.json").write_text(json.dumps({"answers": answers, "images": self._images}))
