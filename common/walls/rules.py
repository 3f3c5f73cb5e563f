"""The rules of a walled program: the files, the memory and the time it may use."""

import logging
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common.errors import NotConfigured
from common.walls import kernel
from common.walls.environment import DRIVERS

log = logging.getLogger(__name__)

SYSTEM = (
    *("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/bin", "/usr/share", "/lib", "/lib64", "/bin"),
    *("/usr/local/lib", "/usr/local/bin", "/usr/local/share", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives", "/var/cache/fontconfig"),
    *("/dev/zero", "/dev/random", "/dev/urandom"),
)
"Programs, libraries and fonts of the machine, which all may read. Not /proc: the environment of others is there."
SOURCES = Path(__file__).resolve().parents[2]


class Walls(NamedTuple):
    """The room of a program that decodes strangers' bytes."""

    memory: int
    "Bytes of address space."
    seconds: int
    "Of processor time."
    file: int = 0
    "Bytes of any one file it writes."
    read: Sequence[Path | str] = ()
    "Files and folders it may read, beside the programs, libraries and fonts of the machine."
    write: Sequence[Path | str] = ()
    "Folders it may read and write."
    devices: Sequence[str] = ()
    "Folders and files of cards that it may use."
    code: Sequence[str] = ()
    "Our own packages that it imports; with any of them it may read all of Python's."

    @property
    def limits(self) -> dict[str, int]:
        """As `common.launcher` calls them."""
        return {"RLIMIT_AS": self.memory, "RLIMIT_CPU": self.seconds, "RLIMIT_FSIZE": self.file}

    def rights(self, program: str) -> dict[str, int]:
        """The rights of a program to files, by absolute path."""
        found = dict.fromkeys([*SYSTEM, *_beside(program), *_named_by(DRIVERS)], kernel.READ)
        if self.code:
            found[str(SOURCES)] = kernel.LIST
            parts = (str(SOURCES / package) for package in self.code)
            found |= dict.fromkeys([sys.prefix, sys.base_prefix, *parts], kernel.READ)
        found |= dict.fromkeys(map(os.path.abspath, self.read), kernel.READ)
        found |= dict.fromkeys(["/dev/null", *self.devices], kernel.USE)
        return found | dict.fromkeys(map(os.path.abspath, self.write), kernel.WRITE)


def check_walls() -> None:
    """For a service that has media decoded, when it starts: says in the log which walls this kernel lacks.

    Raises `NotConfigured` if media cannot be decoded here at all.
    """
    if not kernel.has_filter():
        raise NotConfigured("this machine has no filter of system calls (seccomp) for us; see docs/security.md")
    if not kernel.landlock_version():
        log.warning("this kernel has no Landlock for us: what decodes media can read other files; see docs/security.md")


def _beside(program: str) -> list[str]:
    """The program itself, and the libraries of an ffmpeg that was unpacked into a folder of its own."""
    found = shutil.which(program)
    if found is None:
        return []
    place = Path(found).resolve()
    return [str(place), *(str(place.parent.parent / name) for name in ("lib", "lib64") if place.parent.name == "bin")]


def _named_by(variables: Sequence[str]) -> list[str]:
    """The folders in those of these variables that name some."""
    return [part for name in variables for part in os.environ.get(name, "").split(":") if part.startswith("/")]
