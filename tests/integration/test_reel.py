"""The launcher `reel`, in a copy of the repository that needs no package and whose command line says what it gets.

Making an environment takes seconds, so one is made and most tests work on copies of it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = getattr(sys, "_base_executable", sys.executable)
CLI = "import os, sys; print('cli', sys.argv[1:], os.getcwd(), sys.prefix != sys.base_prefix)"
Finished = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module", autouse=True)
def own_environments() -> Iterator[None]:
    """Whoever runs the tests may keep an environment elsewhere; it is not for us to make anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REEL_VENV", raising=False)
        yield


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As it was cloned."""
    return make_clone(tmp_path / "a clone")


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A copy that has been used once, and what that said."""
    clone = make_clone(tmp_path_factory.mktemp("first") / "a clone")
    return clone, reel(clone, "make", "two words", cwd=clone.parent)


@pytest.fixture
def used(first_run: tuple[Path, Finished], tmp_path: Path) -> Path:
    """A copy of a copy that has been used once."""
    shutil.copytree(first_run[0], tmp_path / "used", symlinks=True)
    return tmp_path / "used"


def make_clone(clone: Path) -> Path:
    (clone / "cli").mkdir(parents=True)
    shutil.copy(ROOT / "reel", clone / "reel")
    (clone / "requirements.txt").write_text("# nothing\n")
    (clone / "requirements-dev.txt").write_text("-r requirements.txt\n")
    (clone / "requirements-voices.txt").write_text("# no voice\n")
    (clone / "cli" / "__init__.py").write_text("")
    (clone / "cli" / "__main__.py").write_text(CLI)
    return clone


def reel(clone: Path, *arguments: str, cwd: Path | None = None, **env: str) -> Finished:
    home = clone.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [PYTHON, str(clone / "reel"), *arguments],
        cwd=cwd or clone,
        env={**os.environ, "HOME": str(home), **env},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_first_run_sets_up_in_one_line_and_becomes_the_command_line(first_run: tuple[Path, Finished]) -> None:
    clone, done = first_run
    assert (done.returncode, done.stdout) == (0, f"cli ['make', 'two words'] {clone.parent} True\n"), done.stderr
    assert done.stderr.startswith("Setting up Reelwright")
    assert done.stderr.count("\n") == 1


def test_the_next_run_is_quiet(used: Path) -> None:
    done = reel(used, "make", "x")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"cli ['make', 'x'] {used} True\n", "")


def test_what_lies_in_the_folder_of_the_user_is_not_imported(used: Path, tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "__init__.py").write_text("raise SystemExit('imported the wrong one')")
    assert reel(used, "make", "x", cwd=tmp_path, PYTHONPATH=str(tmp_path)).returncode == 0


def test_help_needs_no_set_up(clone: Path) -> None:
    for arguments in ([], ["--help"], ["make", "-h"], ["voices", "-h"], ["test", "--help"]):
        shown = reel(clone, *arguments)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert str(arguments) in shown.stdout
    assert not (clone / ".venv").exists()


def test_changed_requirements_are_installed_and_test_needs_more_than_make(used: Path) -> None:
    assert "up to date" in reel(used, "test").stderr
    assert reel(used, "test").stderr == reel(used, "make", "x").stderr == ""
    (used / "requirements.txt").write_text("# still nothing\n")
    assert "up to date" in reel(used, "make", "x").stderr
    assert reel(used, "make", "x").stderr == ""


def test_a_changed_voice_is_installed_and_only_with_its_hash(used: Path) -> None:
    wheel = used / "none-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        about = "Metadata-Version: 2.1\nName: none\nVersion: 1\nRequires-Dist: gone\n"
        file.writestr("none-1.dist-info/METADATA", about)
        file.writestr("none-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("none-1.dist-info/RECORD", "")
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    voices = used / "requirements-voices.txt"
    voices.write_text(f"none @ file://{quote(str(wheel))} --hash=sha256:{right}\n")
    assert "up to date" in reel(used, "make", "x").stderr
    assert reel(used, "make", "x").stderr == ""
    assert list(used.glob(".venv/lib/*/site-packages/none-1.dist-info"))
    voices.write_text(f"none @ file://{quote(str(wheel))} --hash=sha256:{'0' * 64}\n")
    failed = reel(used, "make", "x")
    assert (failed.returncode, "HASH" in failed.stderr.upper()) == (1, True)


@pytest.mark.parametrize("command", ["images", "release", "cluster"])
def test_images_their_papers_and_a_cluster_need_what_tests_need(used: Path, command: str) -> None:
    assert "up to date" in reel(used, command, "papers").stderr
    assert reel(used, "test").stderr == ""


def test_a_package_that_cannot_be_had_is_a_sentence_with_the_last_words_of_pip(used: Path) -> None:
    (used / "requirements.txt").write_text("./no-such-package\n")
    failed = reel(used, "make", "x")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "  pip: ERROR" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("reel: the packages could not be installed")
    assert "Traceback" not in failed.stderr


def test_a_set_up_that_was_cut_short_is_made_anew(used: Path) -> None:
    (used / ".venv" / "reel-unfinished").touch()
    (used / ".venv" / "reel-stamp.json").unlink()
    (used / ".venv" / "half-installed").touch()
    again = reel(used, "make", "x")
    assert again.returncode == 0
    assert again.stderr.startswith("Setting up")
    assert not (used / ".venv" / "half-installed").exists()


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_is_made_anew(used: Path) -> None:
    python = used / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/no/such/python")
    assert reel(used, "make", "x").stderr.startswith("Setting up")


@pytest.mark.slow
def test_two_first_runs_at_once_set_up_once(clone: Path) -> None:
    command = [PYTHON, "reel", "make", "x"]
    pipe = subprocess.PIPE
    runs = [subprocess.Popen(command, cwd=clone, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    said = [run.communicate(timeout=240) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted(stderr.partition(" ")[0] for _, stderr in said) == ["Another", "Setting"]


@pytest.mark.slow
def test_the_environment_may_be_elsewhere_but_settings_of_pip_that_lead_elsewhere_are_not_followed(
    clone: Path, tmp_path: Path
) -> None:
    astray = {"PIP_TARGET": str(tmp_path / "target"), "PIP_USER": "1", "PIP_PREFIX": str(tmp_path / "prefix")}
    assert reel(clone, "make", "x", REEL_VENV=str(tmp_path / "deep" / "venv"), **astray).returncode == 0
    assert not (clone / ".venv").exists()


def test_a_folder_that_is_no_environment_is_not_touched(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis").write_text("years of work")
    refused = reel(clone, "make", "x", REEL_VENV=str(tmp_path / "papers"))
    assert refused.returncode == 1
    assert "REEL_VENV" in refused.stderr
    assert (tmp_path / "papers" / "thesis").read_text() == "years of work"


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0
    or subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0,
    reason="needs the right to hide a folder from one process, and a Python with pip",
)
def test_a_python_without_ensurepip_borrows_pip_from_outside(clone: Path) -> None:
    """What Debian's python3 is without python3-venv, if it has pip."""
    hidden = subprocess.check_output([PYTHON, "-c", "import ensurepip, os; print(os.path.dirname(ensurepip.__file__))"])
    script = 'mount -t tmpfs none "$1" && exec "$2" reel make x'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", hidden.decode().strip(), PYTHON]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert not list((clone / ".venv").glob("lib/python3*/site-packages/pip"))
