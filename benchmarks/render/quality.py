"""The loss of picture quality in a film, by VMAF."""

import re
from pathlib import Path

from benchmarks.processes import run, run_and_read
from benchmarks.render.command import Film, picked, some_frames
from benchmarks.report import NotMeasured

EVERY = 5
"One in this many frames is looked at."
REFERENCE_FILE = "reference.mkv"


def reference(program: str, film: Film, folder: Path) -> Path:
    """A sample of the frames of the film before encoding; the captions must lie in the folder."""
    run(some_frames(program, film, EVERY, REFERENCE_FILE), folder)
    return folder / REFERENCE_FILE


def vmaf(program: str, film: Path, reference: Path, folder: Path) -> float:
    """Closeness of the film to the reference, 0 to 100, as the mean over the frames."""
    graph = (
        f"[0:V]{picked(EVERY)}[film];[1:V]settb=1/25,setpts=N[reference];"
        "[film][reference]libvmaf=n_threads=2:shortest=1"
    )
    command = [program, "-hide_banner", "-nostdin", "-i", str(film), "-i", str(reference)]
    _, text = run_and_read([*command, "-filter_complex", graph, "-f", "null", "-"], folder)
    found = re.search(r"VMAF score: ([\d.]+)", text)
    if found is None:
        raise NotMeasured("this ffmpeg says nothing about VMAF")
    return float(found[1])
