"""`reel test`: everything that says whether the code is right."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# As modules, because the scripts beside the interpreter name the folder they were installed in.
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("import rules", ["-c", LINT_IMPORTS, "--no-logo"]),
)


def test(options: argparse.Namespace) -> int:
    """Returns 0 when all is well. With arguments of one's own for pytest, only pytest runs."""
    failed = [] if options.pytest else [name for name, command in CHECKS if not _passes(name, command)]
    selection = [] if options.all else ["-m", "not slow"]
    if not _passes("pytest", ["-m", "pytest", *selection, *options.pytest]):
        failed.append("pytest")
    print(f"failed: {', '.join(failed)}" if failed else "all is well", flush=True)
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.call([sys.executable, *command], cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)))
    print(f"== {name}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return code == 0
