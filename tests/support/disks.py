"""Small disks, which are soon full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of its own with so many bytes, which only root can make; the test is skipped for anybody else."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path, left: int) -> None:
    """Takes all room of a disk but `left` bytes."""
    space = os.statvfs(ballast.parent)
    with ballast.open("wb") as file:
        file.write(bytes(space.f_bavail * space.f_frsize - left))
