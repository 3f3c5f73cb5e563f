"""The images and docker-compose.yml, brought up for real: `./reel images` by itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_images_do_what_an_operator_expects(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "cli", "images", "--data", str(tmp_path)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(tmp_path / "data", ignore_errors=True)  # gigabytes
    if "cannot be tried here" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert "a part of it answered 206" in done.stdout
    assert "packages of the images: each is imported by its service" in done.stdout
