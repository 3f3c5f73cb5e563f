"""The images that ours are made from: pulled where a registry answers, else stand-ins of the same names.

A stand-in does what our files ask of the real one, and no more; whoever uses one says so.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from infra.images.engine import CannotRun, Docker

PULL_SECONDS = 20.0
PACKAGES = (
    "ca-certificates,tzdata,netbase,libssl3,libsqlite3-0,libffi8,zlib1g,libbz2-1.0,liblzma5,libreadline8,"
    "libncursesw6,libuuid1,libexpat1,libdb5.3,libgdbm6,libnsl2"
)
"What CPython needs to run."
SUITE = "bookworm"
COMPOSE, DOCKERFILE = "docker-compose.yml", "infra/docker/Dockerfile"
PYTHONS = {"3.11": "3.11.14-slim-bookworm", "3.12": "3.12.12-slim-bookworm"}
"Tags of the Python image for each Python that is supported; one of them is the Dockerfile's own."
PATH = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def usual_python(root: Path) -> str:
    """The Python that the Dockerfile takes, as a key of `PYTHONS`."""
    tag = re.search(r"^ARG PYTHON=(\S+)", (root / DOCKERFILE).read_text(), re.M)
    assert tag is not None
    return next(python for python, known in PYTHONS.items() if known == tag[1])


def wanted(root: Path, python: str) -> dict[str, str]:
    """The images our files name, by what they are for: `python`, `redis` and `s3`."""
    images = re.findall(r"^\s+image: (\S+)", (root / COMPOSE).read_text(), re.M)
    redis = next(image for image in images if image.startswith("redis:"))
    s3 = next(image for image in images if "seaweedfs" in image)
    return {"python": f"docker.io/library/python:{PYTHONS[python]}", "redis": redis, "s3": s3}


def provide(docker: Docker, root: Path, folder: Path, python: str, say: Callable[[str], None]) -> list[str]:
    """Has every base image there; returns the names of those that are stand-ins."""
    images = wanted(root, python)
    if all(docker.has(image) for image in images.values()):
        return [image for image in images.values() if _is_stand_in(docker, image)]
    if all(_pulled(docker, image) for image in images.values()):
        return []
    say("no registry answers: stand-ins made of Debian take the places of the base images")
    folder.mkdir(parents=True, exist_ok=True)
    make = {
        "python": lambda image: _python(docker, image, folder, python),
        "redis": lambda image: _redis(docker, image, images["python"], folder),
        "s3": lambda image: _s3(docker, image, images["python"], folder),
    }
    for what, image in images.items():
        if not docker.has(image):
            say(f"  making {image}")
            make[what](image)
    return [image for image in images.values() if _is_stand_in(docker, image)]


LABEL = "reelwright.stand-in"


def _pulled(docker: Docker, image: str) -> bool:
    try:
        docker.run("pull", "-q", image, seconds=PULL_SECONDS)
    except (CannotRun, subprocess.TimeoutExpired):
        return False
    return True


def _is_stand_in(docker: Docker, image: str) -> bool:
    return docker.run("inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image).strip() == "yes"


def _python(docker: Docker, image: str, folder: Path, python: str) -> None:
    """Debian's smallest system and the CPython that runs this, under /usr/local."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version != python:
        raise CannotRun(
            f"no registry answers, and a stand-in for Python {python} must be made by it: this is {version}"
        )
    if shutil.which("mmdebstrap") is None:
        raise CannotRun("no registry answers, and a stand-in needs mmdebstrap; install it, or run this with a registry")
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    _run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)])
    for name in ("ssl/certs/ca-certificates.crt", "pip.conf"):  # the way of this machine to its packages
        if (Path("/etc") / name).exists():
            shutil.copy(Path("/etc") / name, root / "etc" / name)
    base = Path(sys.base_prefix)
    skipped = shutil.ignore_patterns("__pycache__", "test", "*.a", "site-packages")
    for part in ("bin", "lib", "include"):
        shutil.copytree(base / part, root / "usr/local" / part, symlinks=True, ignore=skipped, dirs_exist_ok=True)
    _run(["chroot", str(root), "ldconfig"])
    _run(["chroot", str(root), f"/usr/local/bin/python{version}", "-m", "ensurepip", "--default-pip"])
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).unlink(missing_ok=True)
        (root / "usr/local/bin" / name).symlink_to(f"python{version}")
    tar = subprocess.Popen(["tar", "-C", str(root), "-cf", "-", "."], stdout=subprocess.PIPE)
    changes = [f"ENV {PATH} LANG=C.UTF-8", 'CMD ["python3"]', f"LABEL {LABEL}=yes"]
    docker.pipe(tar, "import", *(part for change in changes for part in ("--change", change)), "-", image)
    shutil.rmtree(root, ignore_errors=True)


def _redis(docker: Docker, image: str, base: str, folder: Path) -> None:
    """Debian's Redis; like the official image it takes a command and has /data."""
    lines = [
        "RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*"
        " && install -d -o redis -g redis /data",
        "WORKDIR /data",
        "VOLUME /data",
        "USER redis",
        'CMD ["redis-server", "--protected-mode", "no"]',
    ]
    _build(docker, image, base, folder / "redis", lines, {})


def _s3(docker: Docker, image: str, base: str, folder: Path) -> None:
    """The store of the embedded stack with its front, started like the real one: keys by environment, port 8333."""
    rclone = Path(sys.executable).with_name("rclone")
    here = Path(__file__).resolve().parent
    files = {
        "rclone": rclone,
        "front.py": here.parent / "front.py",
        "weed": here / "stand-in-s3",
        "curl": here / "stand-in-curl",
    }
    lines = [
        "COPY --chmod=0755 rclone front.py weed curl /usr/local/bin/",
        "RUN useradd --system --uid 1000 seaweed && install -d -o seaweed -g seaweed /data",
        "VOLUME /data",
        "USER seaweed",
        "EXPOSE 8333",
        'ENTRYPOINT ["weed"]',
        'CMD ["mini", "-dir=/data"]',
    ]
    _build(docker, image, base, folder / "s3", lines, files)


def _build(docker: Docker, image: str, base: str, folder: Path, lines: list[str], files: Mapping[str, Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, path in files.items():
        shutil.copy(path, folder / name)
    (folder / "Dockerfile").write_text("\n".join([f"FROM {base}", f"LABEL {LABEL}=yes", *lines, ""]))
    docker.run("build", "-q", "-t", image, str(folder))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise CannotRun(f"{command[0]} failed: {' '.join(words[-3:])}")


def describe(stand_ins: list[str]) -> Iterator[str]:
    """Lines for whoever reads the outcome of a trial."""
    if not stand_ins:
        yield "all base images came from a registry"
    for image in stand_ins:
        yield f"stand-in: {image}"
