"""The footage of a film: searched for, cast over all shots, fetched. Pure."""

from typing import NamedTuple

from common.contracts.footage import Candidate, CandidateList, Footage
from common.contracts.names import Kind, StepName
from common.contracts.steps import CastFacts, SearchFacts
from common.contracts.storyboard import Scene, Shot, Storyboard
from orchestrator.engine.documents import body
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.film import clips, specs
from orchestrator.film.brief import Brief
from orchestrator.film.casting import Call, cast
from orchestrator.film.reading import cast_as, cast_facts, casting_text

RENDERINGS = 2
"Footages of a shot that may fail to render before it gets scenery."

ShotOfScene = tuple[Scene, Shot]


class Pictures(NamedTuple):
    """The pictures of shots, as far as they are settled, by shot."""

    chosen: dict[str, Candidate]
    searched: tuple[ShotOfScene, ...]
    "Shots for which footage is searched."
    footage: dict[str, Footage]
    "Footage that is there."


def want_pictures(copy: WorkingCopy, brief: Brief) -> Pictures:
    text = casting_text(copy)
    own, searched = copy.memo(_divided, brief.scenes, text)
    lists = _search(copy, brief, searched)
    chosen = own
    if lists:
        chosen, facts = copy.memo(_cast, brief.story, searched, text, own, *lists)
        if facts is not None:
            cast_as(copy, facts)
    return Pictures(chosen, searched, _acquire(copy, brief, chosen))


def _acquire(copy: WorkingCopy, brief: Brief, chosen: dict[str, Candidate]) -> dict[str, Footage]:
    footage = {}
    for shot, candidate in chosen.items():
        name = StepName.of(Kind.ACQUIRE, shot)
        acquired: Footage | None = copy.want(name, specs.acquire, candidate, brief.profiles.full)
        if acquired is not None:
            footage[shot] = acquired
    return footage


def _search(copy: WorkingCopy, brief: Brief, searched: tuple[ShotOfScene, ...]) -> list[tuple[Candidate, ...] | None]:
    """The candidates of each searched shot; None for one whose search has not ended."""
    if not copy.pins.sources:
        copy.pin(sources=brief.sources or copy.fleet.sources)
    if not copy.pins.sources and searched:
        copy.pinning.waits = True
        return []
    sources = copy.memo.same("sources", copy.pins.sources)
    return [_candidates(copy, brief, scene, shot, sources) for scene, shot in searched]


def _candidates(
    copy: WorkingCopy, brief: Brief, scene: Scene, shot: Shot, sources: tuple[str, ...]
) -> tuple[Candidate, ...] | None:
    name = StepName.of(Kind.SEARCH, shot.id)
    facts: SearchFacts | None = copy.want(name, specs.search, brief, scene, shot, sources)
    if facts is None:
        # A shot that no source has anything for gets scenery.
        return () if copy.final.pop(name, None) is not None else None
    found = body(copy, CandidateList, facts.candidates)
    return found.candidates if found is not None else None


def _divided(scenes: tuple[Scene, ...], casting: str) -> tuple[dict[str, Candidate], tuple[ShotOfScene, ...]]:
    """The user's own media by shot, and the shots for which footage must be found."""
    rejected = cast_facts(casting).rejected
    own: dict[str, Candidate] = {}
    searched = []
    for scene in scenes:
        for shot in scene.shots:
            media = clips.own_media(shot) if shot.media is not None else None
            if media is None or any(rejection.candidate == media.id for rejection in rejected.get(shot.id, ())):
                searched.append((scene, shot))
            else:
                own[shot.id] = media
    return own, tuple(searched)


def _cast(
    story: Storyboard,
    searched: tuple[ShotOfScene, ...],
    casting: str,
    own: dict[str, Candidate],
    *lists: tuple[Candidate, ...] | None,
) -> tuple[dict[str, Candidate], CastFacts | None]:
    """The candidate of each shot, and the casting to record if it has changed.

    A shot keeps its candidate as soon as its search has ended; one without is cast when all searches have.
    """
    before = cast_facts(casting)
    found = [
        (shot, candidates) for (_, shot), candidates in zip(searched, lists, strict=True) if candidates is not None
    ]
    # A candidate unavailable for one shot is so for all; one that could not be rendered may do in another scene.
    unusable = {one.candidate for rejections in before.rejected.values() for one in rejections if not one.unrendered}
    chosen = cast([_call(shot, candidates, before, unusable) for shot, candidates in found])
    if len(found) < len(searched):
        chosen = {shot: candidate for shot, candidate in chosen.items() if before.chosen.get(shot) == candidate.id}
    facts = CastFacts(chosen=_kept(story, before) | _ids(chosen), rejected=before.rejected)
    return own | chosen, facts if facts != before else None


def _kept(story: Storyboard, before: CastFacts) -> dict[str, str]:
    """The earlier choices for shots that are still in the storyboard."""
    shots = {shot.id for scene in story.scenes for shot in scene.shots}
    return {shot: candidate for shot, candidate in before.chosen.items() if shot in shots}


def _ids(chosen: dict[str, Candidate]) -> dict[str, str]:
    return {shot: candidate.id for shot, candidate in chosen.items()}


def _call(shot: Shot, candidates: tuple[Candidate, ...], before: CastFacts, unusable: set[str]) -> Call:
    spoilt = {rejection.candidate for rejection in before.rejected.get(shot.id, ()) if rejection.unrendered}
    return Call(
        shot=shot.id,
        candidates=candidates,
        kept=before.chosen.get(shot.id),
        pick=shot.pick,
        avoid=shot.avoid,
        rejected=unusable | spoilt,
        seed=shot.seed,
        scenery_only=len(spoilt) >= RENDERINGS,
    )
