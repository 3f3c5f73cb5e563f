"""Small disks of our own, which can be filled up without harm to anybody else. They need the right to mount them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

MEGABYTE = 2**20
PAGE = 4096
"Bytes; the smallest size of such a disk that is one."


@contextmanager
def small_disk(folder: Path, megabytes: int, kept: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Lays a small file system over `folder`, which only root may do. Yields True if it is there.

    Its files go with it, unless they are to be `kept` in the end: then they lie in the folder itself afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mounted = _mount("-t", "tmpfs", "-o", f"size={megabytes * MEGABYTE},mode=700", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _take_away(folder, kept())


@contextmanager
def filled(folders: Sequence[Path]) -> Iterator[None]:
    """Takes the last byte of these small disks while the block lasts. It costs no memory: the disks shrink.

    Raises `OSError` if one of them cannot be.
    """
    sizes = {folder: _bytes(folder, free=True) for folder in folders}
    try:
        for folder in folders:
            _shrink(folder)
        yield
    finally:
        for folder, size in sizes.items():
            _resize(folder, size)


def _shrink(folder: Path) -> None:
    """To what is in it, which may grow meanwhile."""
    for _ in range(10):
        if _resize(folder, max(PAGE, _bytes(folder, free=False))):
            return
    raise OSError(f"the disk of {folder} cannot be filled up")


def _bytes(folder: Path, *, free: bool) -> int:
    """The size of the disk, with what is free of it or without."""
    found = os.statvfs(folder)
    return found.f_frsize * (found.f_blocks if free else found.f_blocks - found.f_bfree)


def _resize(folder: Path, size: int) -> bool:
    return _mount("-o", f"remount,size={size}", str(folder))


def _take_away(folder: Path, kept: bool) -> None:
    copy = folder.with_name(f"{folder.name}.kept")
    if kept:
        shutil.copytree(folder, copy, symlinks=True)
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
    if kept:
        folder.rmdir()
        copy.rename(folder)


def _mount(*words: str) -> bool:
    if os.geteuid() != 0:
        return False
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0
