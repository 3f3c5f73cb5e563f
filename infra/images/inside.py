"""Runs inside an image, by its own Python, and prints as JSON what that has. Imports the standard library only."""

import json
import platform
import sys
import sysconfig
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

REPORTS = "installed*.json"
"pip's reports of the packages that it installed, in the folder of the virtual environment."


def main() -> None:
    # Beside the packages of the environment those that came with Python: they are in the image, too.
    base = sysconfig.get_path("purelib", vars={"base": sys.base_prefix})
    found = list(distributions(path=[*sys.path, base]))
    packages = {(one.metadata["Name"], one.version): _package(one) for one in found}
    contents = {
        "python": platform.python_version(),
        "os": platform.freedesktop_os_release(),
        "packages": list(packages.values()),
        "hashes": _hashes(Path(sys.prefix)),
    }
    print(json.dumps(contents))


def _package(one: Distribution) -> dict[str, Any]:
    about = one.metadata
    return {
        "name": about["Name"],
        "version": one.version,
        "expression": "".join(about.get_all("License-Expression", [])),
        "licence": "".join(about.get_all("License", [])),
        "classifiers": about.get_all("Classifier", []),
    }


def _hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of the archive of each package that pip has installed, by name and version as in `six==1.17.0`."""
    hashes = {}
    for report in folder.glob(REPORTS):
        for one in json.loads(report.read_text())["install"]:
            name, version = one["metadata"]["name"], one["metadata"]["version"]
            hashes[f"{name}=={version}"] = one["download_info"]["archive_info"]["hashes"]["sha256"]
    return hashes


if __name__ == "__main__":
    main()
