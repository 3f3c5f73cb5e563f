"""The `acquire` step: brings the chosen media in, looks into it, and stores it for the renderer."""

import json
from datetime import UTC, datetime
from pathlib import Path

from common.contracts.base import ObjectRef
from common.contracts.footage import Candidate, Footage, Provenance, Tone
from common.contracts.steps import AcquireSpec
from common.errors import BadMedia, ObjectMissing
from common.http import Http
from common.jobs.steprun import StepRun
from common.settings import Settings
from retriever.inspection import footage_type
from retriever.probe import probe
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
            stored = _uploaded(run, asset)
            return _footage(run, candidate.provenance, run.fetch(stored, "asset"), stored)
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


def _uploaded(run: StepRun, asset: str) -> ObjectRef:
    """What the API wrote down when the asset was uploaded; it is not copied again."""
    place = f"{run.owner}/asset/{asset}"
    try:
        about = json.loads(run.storage.get_bytes(run.assets, f"{place}/about.json"))
    except ObjectMissing:
        raise BadMedia(f"there is no uploaded asset {asset}; upload it again") from None
    return ObjectRef(key=f"{place}/media", sha256=about["sha256"], size=about["size"], media_type=about["media_type"])


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
        provenance=provenance,
    )
