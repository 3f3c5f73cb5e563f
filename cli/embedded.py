"""The embedded stack: the whole system as a child of the command line (see infra/stack.py)."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from cli.errors import BadInput, CommandError

KEEP = b"keep\n"
"Says to the stack that it shall leave its data folder behind."
ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 40.0
"More than an ordered stop can take; then it is killed, and all its programs with it."


class EmbeddedStack:
    """Runs while the block lasts. Without `data`, everything it kept is gone afterwards. With `endure` it never gives
    up a service once all have been up.

    It holds the other end of the child's standard input, so the child ends by itself when we die.
    """

    def __init__(
        self,
        data: Path | None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        logs: str = "files",
        endure: bool = False,
        repair: bool = False,
    ) -> None:
        self._discard = data is None
        self._data = data.resolve() if data is not None else Path(tempfile.mkdtemp(prefix="reelwright-"))
        self._options = ["--data", str(self._data), "--host", host, "--port", str(port), "--logs", logs]
        self._options += ["--endure"] * endure + ["--repair"] * repair
        self._logs = logs
        self.url = ""
        self.notes: list[str] = []
        "What is to be said of its settings: what is ignored in them, and why."

    def __enter__(self) -> "EmbeddedStack":
        self._process = self._start()
        try:
            self.url = self._wait_for_word()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def alive(self) -> bool:
        return self._process.poll() is None

    def keep(self) -> Path:
        """From now on the data folder stays when the stack ends. Returns it."""
        if self._discard:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it has ended, and what it had is as it left it
                self._process.stdin.write(KEEP)
                self._process.stdin.flush()
            self._discard = False
        return self._data

    def last_words(self) -> str:
        """Blocks until the stack ends by itself, which is a failure; returns what it says about that."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return str(json.loads(line).get("error", "")) if line else ""

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "infra.stack", *self._options, *(["--discard"] if self._discard else [])]
        log = _open_log(self._data / "logs") if self._logs == "files" else None
        try:
            # A session of its own: Ctrl-C is for us, and we stop it in order.
            return subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        finally:
            if log is not None:
                os.close(log)

    def _wait_for_word(self) -> str:
        """Its address; raises `CommandError` with its own words when it cannot run, `BadInput` for settings."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise CommandError("the local stack ended while it was starting")
        word = json.loads(line)
        if "settings" in word:
            raise BadInput(word["error"])
        if "error" in word:
            raise CommandError(f"the local stack cannot run: {word['error']}")
        self.notes = word["notes"]
        return str(word["url"])

    def _stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        if self._discard:
            shutil.rmtree(self._data, ignore_errors=True)  # in case it could not do so itself


def _open_log(folder: Path) -> int:
    try:
        # As private as the stack makes all else there.
        for private in (folder.parent, folder):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(folder / "stack.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise BadInput(f"the data folder {folder.parent} cannot be used ({error.strerror})") from None
