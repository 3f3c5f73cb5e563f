"""The film on its way to the user: where it was asked for, or, with no room there, where it is not lost."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from api.sdk.client import Client
from api.sdk.errors import NotWritten, ServiceError
from cli.embedded import EmbeddedStack
from cli.errors import CommandError
from cli.service import say


class Delivery:
    """Brings what a job has made. `embedded` is the stack of our own, which ends with the command, if there is one."""

    def __init__(self, client: Client, job_id: str, embedded: EmbeddedStack | None) -> None:
        self._client, self._job_id, self._embedded = client, job_id, embedded

    def film(self, result: Mapping[str, Any], wanted: Path) -> Path:
        """Writes the film with its captions; returns its path. Raises `CommandError` that says where it still is."""
        return self._saved(lambda path: self._fetch(result, path), wanted)

    def export(self, wanted: Path) -> Path:
        """Writes the timeline with its media, in the same way."""
        return self._saved(lambda path: self._client.export(self._job_id, path), wanted)

    def _saved(self, fetch: Callable[[Path], None], wanted: Path) -> Path:
        try:
            fetch(wanted)
            return wanted
        except NotWritten as error:
            trouble = f"{wanted} cannot be written ({error.why})"
            if self._embedded is None:
                raise CommandError(f"{trouble}; {self._still_there()}") from None
            return self._elsewhere(fetch, wanted, trouble)
        except ServiceError as error:
            raise CommandError(f"{error}; {self._still_there()}") from None

    def _elsewhere(self, fetch: Callable[[Path], None], wanted: Path, trouble: str) -> Path:
        """What our own stack has made is gone with it, so it goes to the system's folder for temporary files."""
        with ExitStack() as undo:
            try:
                folder = Path(tempfile.mkdtemp(prefix="reel-make-"))
                undo.callback(shutil.rmtree, folder, ignore_errors=True)
                fetch(folder / wanted.name)
            except (ServiceError, OSError):
                raise CommandError(f"{trouble}; {self._still_there()}") from None
            undo.pop_all()
        say(f"{trouble}; it is in {folder} instead.")
        return folder / wanted.name

    def _still_there(self) -> str:
        """Words for where the film is. A stack of our own keeps its folder from now on."""
        where = f"/mcp/result/{self._job_id}"
        if self._embedded is None:
            return f"the film is not lost: {self._client.url}{where} has the links to it"
        return (
            f"the film is not lost: start `./reel up --data {self._embedded.keep()}`, whose {where} has the links to it"
        )

    def _fetch(self, result: Mapping[str, Any], path: Path) -> None:
        """Downloads everything before anything gets its name: no film is there without its captions, nor they alone."""
        captions = {path.with_suffix(f".{name}"): address for name, address in result["captions"].items() if address}
        parts = {target: target.with_name(f".{target.name}.new") for target in (*captions, path)}
        try:
            for target, address in {**captions, path: result["download_url"]}.items():
                self._client.download(address, parts[target])
            for target, part in parts.items():
                part.replace(target)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
