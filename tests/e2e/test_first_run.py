"""What a newcomer has: the repository, a Python, and nothing else. The packages are those of requirements.txt alone."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.measure import film
from tests.support.processes import find

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_the_first_command_makes_a_film_with_nothing_but_the_pinned_packages(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = dict(os.environ, HOME=str(home), REEL_VENV=str(tmp_path / "venv"), FONTCONFIG_FILE="/dev/null")
    env |= {"TARGET_RESOLUTION": "270", "FFMPEG_PRESET": "ultrafast"}
    env.pop("PYTHONPATH", None)
    command = [
        str(ROOT / "reel"),
        "make",
        "A boat on a quiet lake",
        "--duration",
        "4",
        "-o",
        str(tmp_path / "film.mp4"),
    ]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "film.mp4")
    assert len(film(tmp_path / "film.mp4").times) == 120
    assert (tmp_path / "film.srt").exists()
    assert not find(str(tmp_path)), "a process is left behind"
