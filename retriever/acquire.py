"""The `acquire` step: brings the chosen media in, looks into it, and stores it for the renderer."""

from datetime import UTC, datetime
from pathlib import Path

from common.contracts.base import ObjectRef
from common.contracts.footage import Candidate, Footage, Provenance, Tone
from common.contracts.steps import AcquireSpec
from common.errors import BadMedia
from common.net.client import Http
from common.settings import Settings
from common.uploads import uploaded
from common.worker.steprun import StepRun
from retriever.inspection.program import footage_type
from retriever.inspection.sandbox import probe
from retriever.providers.folder import ClipFolder

MEGABYTE = 1024 * 1024


class Acquirer:
    """The handler with what it needs: the guarded client and the clip folder."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._max_bytes = settings.max_download_mb * MEGABYTE
        self._http = http
        self._folder = ClipFolder(Path(settings.clip_folder)) if settings.clip_folder else None

    def acquire(self, spec: AcquireSpec, run: StepRun) -> Footage:
        """Raises `BadMedia` for what cannot be shown, and what `Http.download` raises for what cannot be had."""
        candidate = spec.candidate
        if candidate.kind == "scenery":
            return Footage(kind="scenery", scenery=candidate.scenery, provenance=candidate.provenance)
        asset = candidate.media.asset if candidate.media is not None else None
        if asset is not None:
            return _own(run, candidate.provenance, asset)
        if candidate.path:
            return _footage(run, candidate.provenance, self._clip(candidate.path))
        path = self._download(_address(candidate), run)
        fetched = candidate.provenance.model_copy(
            update={"fetched_at": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        return _footage(run, fetched, path)

    def _clip(self, name: str) -> Path:
        if self._folder is None:
            raise BadMedia("the clip folder is no longer set up; set CLIP_FOLDER")
        return self._folder.path(name)

    def _download(self, url: str, run: StepRun) -> Path:
        path = run.workdir / "download"
        self._http.download(url, path, max_bytes=self._max_bytes, stop=run.check)
        run.progress(0.7)
        return path


def _address(candidate: Candidate) -> str:
    url = candidate.media.url if candidate.media is not None else candidate.url
    if not url:
        raise BadMedia("the candidate names no media")
    return url


def _own(run: StepRun, provenance: Provenance, asset: str) -> Footage:
    """An uploaded file, which is not copied again."""
    stored = uploaded(run.storage, run.assets, run.owner, asset)
    if stored is None:
        raise BadMedia(f"there is no uploaded asset {asset}; upload it again")
    try:
        return _footage(run, provenance, run.fetch(stored, "asset"), stored)
    except BadMedia as problem:
        raise BadMedia(f"the uploaded asset {asset} cannot be used: {problem}") from None


def _footage(run: StepRun, provenance: Provenance, path: Path, stored: ObjectRef | None = None) -> Footage:
    """Checks a file by its content and stores it, unless it is stored already."""
    media_type = footage_type(path)
    picture = probe(path, media_type, run)
    run.progress(0.8)
    if stored is None:
        media = run.keep("footage", path, media_type)
    else:
        media = stored.model_copy(update={"media_type": media_type})
    return Footage(
        kind=picture.kind,
        media=media,
        width=picture.width,
        height=picture.height,
        seconds=picture.seconds,
        fps=picture.fps,
        tone=None if picture.tone is None else Tone(**picture.tone),
        focus=picture.focus,
        matrix=picture.matrix,
        hdr=picture.hdr,
        ground=picture.ground,
        provenance=provenance,
    )
