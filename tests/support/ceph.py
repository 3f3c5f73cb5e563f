"""A real S3 server of another kind than rclone: the gateway of a Ceph of one node, on the loopback device.

Its monitor, its one disk (which is memory) and the gateway run in the foreground, without systemd and in one folder.
"""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from common.errors import StorageUnavailable
from common.settings import Settings
from common.storage.s3 import S3Storage
from infra.local import free_ports

PROGRAMS = ("monmaptool", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph")
INSTALL = "apt-get install --no-install-recommends ceph-mon ceph-osd radosgw ceph-common"
DISK_BYTES = 2 * 2**30
PATIENCE = 120.0
PAUSE = 0.2
CONFIG = """\
[global]
fsid = {id}
mon host = v1:127.0.0.1:{port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
# Nobody else is on this device, and the folder goes when the block ends.
auth cluster required = none
auth service required = none
auth client required = none
# One disk holds all, and is told so.
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 4
osd pool default pgp num = 4
osd objectstore = memstore
memstore device bytes = {bytes}
rgw frontends = beast endpoint={endpoint}
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
run dir = {folder}
crash dir = {folder}
admin socket =
pid file =
log file = {folder}/$name.log
"""


class NotStarted(Exception):
    """A part of it ended, or does not answer in time; its last words."""


def missing() -> str:
    """What is not there and how to get it, in one sentence; empty where all is."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"there is no {lacking[0]} here; install Debian's Ceph with: {INSTALL}" if lacking else ""


@contextmanager
def ceph_gateway(folder: Path, settings: Settings) -> Iterator[None]:
    """Answers at the endpoint of the settings to whoever has their keys, and has their buckets; ends with the block."""
    cluster = _Cluster(folder, settings)
    with ExitStack() as stack:
        cluster.start(stack)
        yield


class _Cluster:
    """The parts in one folder. Each is started when the one before answers."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._id, self._port = str(uuid.uuid4()), free_ports(1)[0]

    def start(self, stack: ExitStack) -> None:
        self._write_config()
        self._start_monitor(stack)
        self._start_disk(stack)
        self._start_gateway(stack)

    def _write_config(self) -> None:
        for part in ("mon", "osd", "rgw"):
            (self._folder / part).mkdir()
        config = CONFIG.format(
            id=self._id,
            port=self._port,
            bytes=DISK_BYTES,
            folder=self._folder,
            endpoint=urlsplit(self._settings.s3_endpoint).netloc,
        )
        (self._folder / "ceph.conf").write_text(config)

    def _start_monitor(self, stack: ExitStack) -> None:
        where = f"[v1:127.0.0.1:{self._port}]"
        self._run("monmaptool", "--create", "--fsid", self._id, "--addv", "a", where, "monmap")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap")
        self._serve(stack, "ceph-mon", "-i", "a")

    def _start_disk(self, stack: ExitStack) -> None:
        disk = str(uuid.uuid4())
        self._run("ceph", "osd", "new", disk)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._serve(stack, "ceph-osd", "-i", "0")

    def _start_gateway(self, stack: ExitStack) -> None:
        keys = ("--access-key", self._settings.s3_access_key, "--secret-key", self._settings.s3_secret_key)
        self._run("radosgw-admin", "user", "create", "--uid", "reelwright", "--display-name", "Reelwright", *keys)
        gateway = self._serve(stack, "radosgw", "-n", "client.rgw.a")
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                S3Storage(self._settings).make_buckets()
                return
            except StorageUnavailable as error:
                if gateway.poll() is not None or time.monotonic() > deadline:
                    raise NotStarted(f"the gateway does not answer ({error}); {self._last_words()}") from error
            time.sleep(PAUSE)

    def _run(self, program: str, *arguments: str) -> None:
        try:
            done = subprocess.run(
                self._command(program, *arguments),
                cwd=self._folder,
                env=_environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotStarted(f"{program} does not end; {self._last_words()}") from None
        if done.returncode != 0:
            raise NotStarted(f"{program}: {done.stderr[-500:]}")

    def _serve(self, stack: ExitStack, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "output").open("ab") as output:
            process = subprocess.Popen(
                self._command(program, "-f", *arguments),
                cwd=self._folder,
                env=_environment(),
                stdout=output,
                stderr=output,
            )
        stack.callback(process.wait)
        stack.callback(process.kill)
        return process

    def _command(self, program: str, *arguments: str) -> list[str]:
        config = () if program == "monmaptool" else ("-c", str(self._folder / "ceph.conf"))
        return [program, *config, *arguments]

    def _last_words(self) -> str:
        return (self._folder / "output").read_text(errors="replace")[-500:]


def _environment() -> dict[str, str]:
    """Without what leads Python to modules of ours: `ceph` is a Python program of the system's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
