"""Downloads of files from addresses that a request or another's server named."""

from datetime import UTC, datetime

from common.net.client import Http
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever.providers.port import FetchedFile

MEGABYTE = 1024 * 1024
DOWNLOADED = 0.7
"Share of the step that is done then."


class Downloads:
    """Fetches through the guarded client, up to MAX_DOWNLOAD_MB."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._http, self._max_bytes = http, settings.max_download_mb * MEGABYTE

    def fetch(self, url: str, run: StepRun) -> FetchedFile:
        """Raises what `Http.download` raises, and `Stopped` if called off meanwhile."""
        path = run.workdir / "download"
        self._http.download(url, path, max_bytes=self._max_bytes, stop=run.check)
        run.progress(DOWNLOADED)
        return FetchedFile(path, at=datetime.now(UTC).isoformat(timespec="seconds"))
