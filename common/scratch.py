"""Scratch folders: one for each attempt at a step and one for each service, removed even if the process was killed.

The user of a folder holds a lock on it, which the kernel drops with the process. So a folder without one is
garbage, whatever machine or container its process ran on.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "reel-step-"
SERVICE = "reel-service-"
UNBORN = "reel-new-"
"A folder gets its real name once it is locked: a folder in use under its real name is always locked."
TRIES = 5


def folder(parent: Path | None, attempt: str) -> Path:
    """The folder of an attempt; `parent` None is the system's folder for temporary files."""
    return Path(parent or tempfile.gettempdir()) / f"{PREFIX}{attempt}"


@contextlib.contextmanager
def scratch(path: Path) -> Iterator[None]:
    """Makes `path`, which comes from `folder`, for the time of the block. Raises `OSError` when that cannot be done."""
    lock = _made(path)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def temporary(service: str) -> Iterator[None]:
    """During the block, temporary files of this process and its children are in a folder of their own.

    Libraries remove theirs only if they end in order. The folder is in the system's own one and not in WORK_DIR: a
    service must be able to start when steps have filled that. Raises `OSError` if it cannot be made.
    """
    usual = tempfile.gettempdir()
    path = Path(usual) / f"{SERVICE}{service}"
    with scratch(path):
        tempfile.tempdir = os.environ["TMPDIR"] = str(path)
        try:
            yield
        finally:
            tempfile.tempdir = os.environ["TMPDIR"] = usual


def drop_temporary() -> None:
    """Removes the folder of `temporary` at once, for a process that is about to end without leaving the block."""
    path = Path(tempfile.gettempdir())
    if path.name.startswith(SERVICE):
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path | None) -> int:
    """Removes the folders of killed processes. Returns their number."""
    where = Path(parent or tempfile.gettempdir())
    return sum(_removed(path) for prefix in (PREFIX, SERVICE, UNBORN) for path in where.glob(f"{prefix}*"))


def try_to_write(parent: Path | None) -> None:
    """Raises `OSError` if no file can be made in the folder, or None: the system's own. A full disk passes."""
    try:
        with tempfile.TemporaryFile(prefix=UNBORN, dir=parent) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def _made(path: Path) -> int:
    """Makes the folder; returns the descriptor that holds its lock."""
    unborn = path.with_name(UNBORN + path.name)
    for _ in range(TRIES):
        with contextlib.suppress(FileNotFoundError):  # swept away in the moment before it was locked
            return _born(unborn, path)
    return _born(unborn, path)


def _born(unborn: Path, path: Path) -> int:
    unborn.mkdir(mode=0o700)
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, unborn, ignore_errors=True)
        lock = os.open(unborn, os.O_RDONLY | os.O_DIRECTORY)
        undo.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        unborn.rename(path)
        undo.pop_all()
    return lock


def _removed(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False  # gone already, or not ours
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # in use
    else:
        shutil.rmtree(path, ignore_errors=True)
        return True
    finally:
        os.close(lock)
