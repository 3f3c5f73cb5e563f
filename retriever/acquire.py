"""The `acquire` step: has the chosen media brought in, looks into it, and stores it for the renderer."""

from collections.abc import Mapping

from common.contracts.footage import Footage, Provenance, Tone
from common.contracts.later import Later, Unknown
from common.contracts.sources import absence
from common.contracts.steps import AcquireSpec
from common.errors import BadMedia
from common.worker.steprun import StepRun
from retriever.inspection.program import footage_type
from retriever.inspection.sandbox import probe
from retriever.providers.port import CallsOff, FetchedFile, Provider

INSPECTED = 0.8
"Share of the step that is done then."


class Acquirer:
    """The handler with the providers of this server, by name."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def acquire(self, spec: AcquireSpec, run: StepRun) -> Footage | Later | Unknown:
        """Raises `BadMedia` for what cannot be shown or is of a provider that is gone, else what its `fetch` raises."""
        candidate = spec.candidate
        provider = self._provider(candidate.provenance.provider)
        fetched = provider.fetch(candidate, run)
        if isinstance(fetched, Later | Unknown):
            if not isinstance(provider, CallsOff):
                raise TypeError(f"{provider.name} waits for an order and cannot call it off; it needs call_off")
            return fetched
        run.check()
        if isinstance(fetched, FetchedFile):
            return _footage(fetched, candidate.provenance, run)
        return Footage(kind="scenery", scenery=fetched.recipe, provenance=candidate.provenance)

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise BadMedia(absence(name, "no longer"))
        return self._providers[name]


def _footage(file: FetchedFile, provenance: Provenance, run: StepRun) -> Footage:
    """Checks the file by its content, and stores it unless it is stored already."""
    try:
        return _inspected(file, provenance.model_copy(update={"fetched_at": file.at}), run)
    except BadMedia as problem:
        if not file.called:
            raise
        raise BadMedia(f"{file.called} cannot be used: {problem}") from None


def _inspected(file: FetchedFile, provenance: Provenance, run: StepRun) -> Footage:
    media_type = footage_type(file.path)
    picture = probe(file.path, media_type, run)
    run.progress(INSPECTED)
    if file.stored is None:
        media = run.keep("footage", file.path, media_type)
    else:
        media = file.stored.model_copy(update={"media_type": media_type})
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
