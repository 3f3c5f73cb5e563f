"""Golden files: the expected form of an output, kept beside the tests.

A difference fails with a diff. After a wanted change: `UPDATE_GOLDEN=1 ./reel test tests/golden`, then
read the diff of the golden files like any other code.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden" / "files"


def check_golden(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"there is no golden file {name}; make it with UPDATE_GOLDEN=1"
    assert text == path.read_text(), f"{name} differs; if that is wanted, run again with UPDATE_GOLDEN=1"
