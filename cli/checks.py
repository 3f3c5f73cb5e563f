"""`reel test`: linters, types, import rules and tests."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# As modules, because the scripts beside the interpreter name the folder they were installed in.
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("import rules", ["-c", LINT_IMPORTS, "--no-logo"]),
)
MOST_AT_ONCE = 4
"Tests that run whole systems have processes enough of their own."
SLOWEST = 15
"Tests of a whole run whose times are reported, so that it is seen when one grows."


def test(options: argparse.Namespace) -> int:
    """Returns 0 when all is well. With arguments for pytest, only pytest runs."""
    runs = {} if options.pytest else dict(CHECKS)
    for name, arguments in pytest_runs(options.all, options.pytest, os.cpu_count() or 1, options.cov).items():
        runs[name] = ["-m", "pytest", *arguments]
    failed = [name for name, command in runs.items() if not _passes(name, command)]
    print(f"failed: {', '.join(failed)}" if failed else "all is well", flush=True)
    return 1 if failed else 0


def pytest_runs(slow: bool, own: Sequence[str], cores: int, coverage: bool = False) -> dict[str, list[str]]:
    """The runs of pytest by name, and the arguments of each.

    Everyday tests run several files at a time, two more than there are cores, for many tests wait for something. The
    tests of a file stay together, because they share what is costly to start. Files are begun in their order, in which
    the long ones come first and the short ones fill up what is left. Slow tests measure, and load the machine by
    themselves: they run one after the other, and so do tests that somebody has chosen. Coverage is that of the
    everyday tests, or of those that were chosen.
    """
    everyday, slowest = ["-m", "not slow"], f"--durations={SLOWEST}"
    covered = ["--cov", "--cov-report=term"] if coverage else []
    if own:
        return {"pytest": [*own, *covered] if slow else [*everyday, *own, *covered]}
    at_once = ["-n", str(min(MOST_AT_ONCE, cores + 2)), "--dist", "loadfile", "--no-loadscope-reorder"]
    runs = {"pytest": [*everyday, *at_once, slowest, *covered]}
    return runs | {"slow tests": ["-m", "slow", slowest]} if slow else runs


def _environment() -> dict[str, str]:
    """That of the caller; but modules are compiled once for all processes that the tests start, which are hundreds."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return env | {"PYTHONPATH": str(ROOT)}


def _passes(name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.call([sys.executable, *command], cwd=ROOT, env=_environment())
    print(f"== {name}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return code == 0
