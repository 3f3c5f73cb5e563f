"""The `search` step: asks the sources in order of preference and stores what they offer, best first."""

import logging
from collections.abc import Iterable, Mapping

from common.contracts.footage import Candidate, CandidateList, ProviderNote, ShotQuery
from common.contracts.sources import SCENERY, SourceKind, absence, by_preference, kind_of
from common.contracts.steps import SearchFacts, SearchSpec
from common.documents import JSON, document_json
from common.errors import Permanent, Retryable
from common.worker.steprun import StepRun
from retriever import ranking
from retriever.providers.port import Provider

log = logging.getLogger(__name__)

ENOUGH, GOOD = 8, 0.5
"With so many candidates of such a score, less preferred sources are not asked."
PREFERENCE = 0.85
"Factor on the scores of each later source, so that only a clearly better match wins over an earlier one."
LONGEST_WAIT = 120.0
"Seconds. A film is not held up longer than this for a source that asked us to wait."


def search(spec: SearchSpec, run: StepRun, sources: Mapping[str, Provider]) -> SearchFacts:
    """Raises `Retryable` when all that stands between the shot and real footage is time, unless it is too late."""
    query = spec.query
    candidates: list[Candidate] = []
    notes: list[ProviderNote] = []
    delays: list[Retryable] = []
    for index, name in enumerate(_real(query, sources)):
        run.check()
        try:
            offered = _provider(name, sources).search(query)
        except (Retryable, Permanent) as problem:
            log.warning("no footage from %s: %s", name, problem)
            notes.append(ProviderNote(provider=name, problem=str(problem)))
            delays += [problem] if isinstance(problem, Retryable) else []
            continue
        candidates += _weighted(offered, PREFERENCE**index)
        if sum(candidate.score >= GOOD for candidate in candidates) >= ENOUGH:
            break
    if not candidates and not run.last_attempt:
        _raise_worth_waiting_for(delays)
    scenery = sources[SCENERY].search(query)
    listing = CandidateList(candidates=(*ranking.rank(candidates), *scenery), notes=tuple(notes))
    body = run.keep_bytes("candidates", document_json(listing).encode(), JSON)
    return SearchFacts(candidates=body, count=len(listing.candidates), notes=listing.notes)


def _real(query: ShotQuery, sources: Mapping[str, Provider]) -> list[str]:
    """The sources to ask, in order: scenery is the last resort anyway, and the user's own media are never searched."""
    wanted = query.sources or by_preference(sources)
    return [name for name in dict.fromkeys(wanted) if kind_of(name) not in (SourceKind.OWN, SourceKind.PAINTED)]


def _provider(name: str, sources: Mapping[str, Provider]) -> Provider:
    if name not in sources:
        raise Permanent(absence(name))
    return sources[name]


def _weighted(candidates: Iterable[Candidate], weight: float) -> list[Candidate]:
    return [item.model_copy(update={"score": round(item.score * weight, 4)}) for item in candidates]


def _raise_worth_waiting_for(delays: list[Retryable]) -> None:
    for delay in sorted(delays, key=lambda delay: delay.retry_after or 0.0):
        if (delay.retry_after or 0.0) <= LONGEST_WAIT:
            raise delay
