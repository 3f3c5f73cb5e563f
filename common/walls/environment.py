"""The environment of walled programs: none of our keys and addresses is in it. Light to import, see `kernel`."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

DRIVERS = ("LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH", "CUDA_VISIBLE_DEVICES")
"Variables by which libraries and the drivers of a card are found, on machines where they are not in the usual place."
# Frames go back to the system when they are done with. By itself glibc would keep them, in a heap for each thread.
ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_ARENA_MAX": "1"}
OF_PYTHON = {"PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1"}
"Python would look for modules where a file lies, and numpy set aside memory for a thread per processor."
HARMLESS = frozenset(["PATH", "HOME", "TMPDIR", "LC_ALL", "PYTHONPATH", *DRIVERS, *ALLOCATION, *OF_PYTHON])
"Variables that a walled program may have; any other is taken away, whoever passed it."


def environment(home: "Path", **more: str) -> dict[str, str]:
    """The environment of a program whose files are in the folder `home`."""
    kept = {name: os.environ[name] for name in ("PATH", *DRIVERS) if name in os.environ}
    return {"HOME": str(home), "TMPDIR": str(home), "LC_ALL": "C.UTF-8", **kept, **more}


def reduce() -> None:
    """Takes what is not harmless out of the environment of this process."""
    for name in os.environ.keys() - HARMLESS:
        del os.environ[name]
