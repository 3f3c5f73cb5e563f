"""The `search` step over providers made for the case."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from common.contracts.footage import Candidate, CandidateList, Provenance, ShotQuery, WebFile
from common.contracts.steps import SearchFacts, SearchSpec
from common.documents import read_document
from common.errors import NotConfigured, Retryable, Stopped, Throttled
from common.worker.steprun import StepRun
from retriever.providers.port import Fetched, Provider
from retriever.providers.scenery import SceneryProvider
from retriever.search import ENOUGH, LONGEST_WAIT, search
from tests.support.steprun import step_run


class Shelf:
    """A provider that has what it was given, or raises it."""

    def __init__(self, name: str, has: Sequence[float] | Exception) -> None:
        self.name, self._has = name, has
        self.asked = 0

    def search(self, query: ShotQuery) -> list[Candidate]:
        self.asked += 1
        if isinstance(self._has, Exception):
            raise self._has
        return [
            Candidate(
                id=f"{self.name}:{index}",
                kind="video",
                score=score,
                origin=WebFile(url="https://example.org/clip.mp4"),
                provenance=Provenance(provider=self.name),
            )
            for index, score in enumerate(self._has)
        ]

    def fetch(self, candidate: Candidate, run: StepRun) -> Fetched:
        raise AssertionError("a search fetches nothing")


class Case:
    """Runs one search and reads back what it stored."""

    def __init__(self, workdir: Path, *shelves: Shelf, sources: tuple[Any, ...] | None = None) -> None:
        self.run: StepRun = step_run(workdir)
        self._sources: dict[str, Provider] = {shelf.name: shelf for shelf in shelves} | {"scenery": SceneryProvider()}
        wanted = tuple(shelf.name for shelf in shelves) if sources is None else sources
        self._query = ShotQuery(
            shot="s1.1",
            show="a harbour",
            terms=("harbour",),
            seconds=3,
            width=640,
            height=360,
            sources=wanted,
            seed=0,
        )

    def search(self) -> SearchFacts:
        return search(SearchSpec(query=self._query), self.run, self._sources)

    def listing(self) -> CandidateList:
        facts = self.search()
        listing = read_document(CandidateList, self.run.read(facts.candidates))
        assert facts.count == len(listing.candidates)
        assert facts.candidates.media_type == "application/json"
        return listing


def ids(listing: CandidateList) -> list[str]:
    return [one.id.partition(":")[0] if one.kind == "scenery" else one.id for one in listing.candidates]


def test_candidates_are_stored_best_first_with_scenery_last(tmp_path: Path) -> None:
    listing = Case(tmp_path, Shelf("pexels", [0.4, 0.9, 0.05])).listing()
    assert ids(listing) == ["pexels:1", "pexels:0", "pexels:2", "scenery"]
    assert listing.notes == ()


def test_scenery_is_last_wherever_it_was_named(tmp_path: Path) -> None:
    listing = Case(tmp_path, Shelf("pexels", [0.2]), sources=("scenery", "pexels")).listing()
    assert ids(listing) == ["pexels:0", "scenery"]


def test_scenery_alone_asks_nobody_else(tmp_path: Path) -> None:
    shelf = Shelf("pexels", [0.9])
    assert ids(Case(tmp_path, shelf, sources=("scenery",)).listing()) == ["scenery"]
    assert shelf.asked == 0


def test_no_sources_named_means_all_there_are(tmp_path: Path) -> None:
    case = Case(tmp_path, Shelf("pexels", [0.9]), Shelf("folder", [0.9]), sources=())
    assert ids(case.listing()) == ["pexels:0", "folder:0", "scenery"]


def test_media_of_the_users_own_are_neither_asked_for_nor_count_as_a_source(tmp_path: Path) -> None:
    own = Shelf("upload", [0.9])
    listing = Case(tmp_path, own, Shelf("pexels", [0.6]), sources=()).listing()
    assert (listing.candidates[0].id, listing.candidates[0].score) == ("pexels:0", 0.6)
    assert own.asked == 0


def test_a_source_the_table_does_not_know_is_asked_after_those_it_does(tmp_path: Path) -> None:
    listing = Case(tmp_path, Shelf("attic", [0.6]), Shelf("folder", [0.6]), sources=()).listing()
    assert ids(listing) == ["folder:0", "attic:0", "scenery"]


def test_an_earlier_source_is_preferred_unless_a_later_one_is_clearly_better(tmp_path: Path) -> None:
    near = Case(tmp_path, Shelf("folder", [0.6]), Shelf("pexels", [0.65])).listing()
    far = Case(tmp_path, Shelf("folder", [0.3]), Shelf("pexels", [0.9])).listing()
    assert ids(near) == ["folder:0", "pexels:0", "scenery"]
    assert ids(far) == ["pexels:0", "folder:0", "scenery"]


def test_later_sources_are_spared_when_there_is_enough_that_is_good(tmp_path: Path) -> None:
    second = Shelf("pexels", [0.9])
    Case(tmp_path, Shelf("folder", [0.8] * ENOUGH), second).search()
    assert second.asked == 0
    Case(tmp_path, Shelf("folder", [0.2] * ENOUGH), second).search()
    assert second.asked == 1


def test_a_source_that_is_not_set_up_becomes_a_note_with_the_cure(tmp_path: Path) -> None:
    listing = Case(tmp_path, sources=("pexels", "folder")).listing()
    assert ids(listing) == ["scenery"]
    assert [note.provider for note in listing.notes] == ["pexels", "folder"]
    assert "set PEXELS_API_KEY" in listing.notes[0].problem
    assert "set CLIP_FOLDER" in listing.notes[1].problem


def test_a_permanent_problem_becomes_a_note_at_once_and_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listing = Case(tmp_path, Shelf("pexels", NotConfigured("Pexels refused the key"))).listing()
    assert ids(listing) == ["scenery"]
    assert listing.notes[0].problem == "Pexels refused the key"
    assert caplog.messages == ["no footage from pexels: Pexels refused the key"]


@pytest.mark.parametrize("problem", [Retryable("Pexels answered 503"), Throttled("slow down", LONGEST_WAIT)])
def test_a_passing_problem_is_waited_out_until_the_last_attempt(problem: Retryable, tmp_path: Path) -> None:
    case = Case(tmp_path, Shelf("pexels", problem))
    with pytest.raises(type(problem), match=str(problem)):
        case.search()
    case.run.last_attempt = True
    listing = case.listing()
    assert ids(listing) == ["scenery"]
    assert listing.notes[0].problem == str(problem)


def test_a_passing_problem_is_only_noted_when_another_source_has_something(tmp_path: Path) -> None:
    listing = Case(tmp_path, Shelf("pexels", Retryable("Pexels answered 503")), Shelf("folder", [0.4])).listing()
    assert ids(listing) == ["folder:0", "scenery"]
    assert [note.provider for note in listing.notes] == ["pexels"]


def test_a_film_is_not_held_up_for_a_long_pause(tmp_path: Path) -> None:
    listing = Case(tmp_path, Shelf("pexels", Throttled("the hourly limit is used up", LONGEST_WAIT + 1))).listing()
    assert ids(listing) == ["scenery"]
    assert listing.notes[0].problem == "the hourly limit is used up"


def test_a_search_that_is_called_off_asks_nobody(tmp_path: Path) -> None:
    shelf = Shelf("pexels", [0.9])
    case = Case(tmp_path, shelf)
    case.run.call_off()
    with pytest.raises(Stopped):
        case.search()
    assert shelf.asked == 0
