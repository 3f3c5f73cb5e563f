"""Our images from the Dockerfile. Each says in its labels which version it is, and which source it was made from."""

import subprocess
import tomllib
from pathlib import Path

from infra.images.bases import DOCKERFILE, PYTHONS
from infra.images.engine import Docker
from infra.processes import TARGETS

TAG = "dev"
"That of docker-compose.yml, unless REELWRIGHT_TAG says otherwise."
REVISION, VERSION = "org.opencontainers.image.revision", "org.opencontainers.image.version"
"Names of labels, by the specification of the OCI."
CHANGED = "-dirty"
"Added to the revision of a source that differs from what is committed, as git does."


def name_of(target: str, tag: str = TAG) -> str:
    return f"reelwright/{target}:{tag}"


def build_all(docker: Docker, root: Path, python: str) -> None:
    """Builds every target with this Python, a key of `PYTHONS`. Raises `CannotRun` with the words of one that fails."""
    labels = {VERSION: version(root), REVISION: revision(root)}
    options = [part for label, text in labels.items() if text for part in ("--label", f"{label}={text}")]
    for target in TARGETS:
        docker.run(
            *("build", "-q", "-f", str(root / DOCKERFILE), "--target", target, "-t", name_of(target)),
            *("--build-arg", f"PYTHON={PYTHONS[python]}", *options, str(root)),
        )


def version(root: Path) -> str:
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def revision(root: Path) -> str | None:
    """The commit of the source, with `CHANGED` if there is more than it holds; None where git does not know."""
    if not (root / ".git").exists():
        return None  # an archive of the source, which may well lie in the repository of something else
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain")
    if commit is None or changes is None:
        return None
    return commit + (CHANGED if changes else "")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
