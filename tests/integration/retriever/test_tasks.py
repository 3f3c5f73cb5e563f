"""The retriever as its worker runs it: settings in, search and acquire out."""

import shutil
from dataclasses import replace
from pathlib import Path

from common.contracts.footage import Candidate, CandidateList, ClipFile, Footage, Provenance, ShotQuery
from common.contracts.sources import REQUESTED, SETTINGS
from common.contracts.steps import AcquireSpec, SearchFacts, SearchSpec
from common.documents import read_document
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever.providers import registry
from retriever.providers.folder import ClipFolder
from retriever.providers.port import FetchedFile, origin_of
from retriever.tasks import engines, handlers
from tests.support import clips
from tests.support.pexels_server import pexels_server
from tests.support.pixabay_server import pixabay_server
from tests.support.redis_server import RedisServer
from tests.support.steprun import step_run
from tests.support.stock_server import KEY

QUERY = ShotQuery(
    shot="s1.1",
    show="boats in a harbour",
    terms=("harbour boats",),
    seconds=1.5,
    width=320,
    height=180,
    sources=("pexels", "pixabay", "folder", "scenery"),
    seed=0,
)


def test_only_what_is_set_up_is_announced(tmp_path: Path) -> None:
    everything = replace(Settings(), **dict.fromkeys(SETTINGS, str(tmp_path)))
    assert engines(Settings()) == {"sources": ["scenery"]}
    assert engines(everything) == {"sources": list(REQUESTED)}


class Attic:
    """A provider of which the table of sources knows nothing, with one clip of the folder's sort."""

    name = "attic"

    def __init__(self, folder: ClipFolder) -> None:
        self._folder = folder

    def search(self, query: ShotQuery) -> list[Candidate]:
        provenance = Provenance(provider=self.name)
        return [one.model_copy(update={"provenance": provenance}) for one in self._folder.search(query)]

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedFile:
        return FetchedFile(self._folder.path(origin_of(self.name, candidate, ClipFile).path))


def test_a_provider_outside_the_table_is_announced_searched_and_fetched_from(tmp_path: Path) -> None:
    shutil.copy(clips.clip(), tmp_path / "harbour boats.mp4")
    attic = Attic(ClipFolder(tmp_path))
    factories = {**registry.FACTORIES, "attic": lambda *_: attic}
    (announced,) = engines(Settings(), factories).values()
    assert announced == ["attic", "scenery"]
    run, steps = step_run(tmp_path), handlers(Settings(), factories)
    facts = steps["search"](SearchSpec(query=QUERY.model_copy(update={"sources": tuple(announced)})), run)
    found = read_document(CandidateList, run.read(facts.candidates)).candidates
    assert [one.provenance.provider for one in found] == ["attic", "scenery"]
    got = steps["acquire"](AcquireSpec(candidate=found[0], width=320, height=180), run)
    assert (got.kind, got.provenance.provider) == ("video", "attic")


def test_a_shot_is_searched_and_each_of_its_candidates_can_be_acquired(redis_here: RedisServer, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clips.clip(), folder / "harbour boats.mp4")
    run = step_run(tmp_path)
    with pexels_server(videos=4) as pexels, pixabay_server(videos=4) as pixabay:
        settings = replace(
            Settings(),
            state_url=redis_here.url,
            pexels_base_url=pexels.url,
            pexels_api_key=KEY,
            pixabay_base_url=pixabay.url,
            pixabay_api_key=KEY,
            clip_folder=str(folder),
            fetch_allow_networks="127.0.0.0/8",
        )
        steps = handlers(settings)
        facts = steps["search"](SearchSpec(query=QUERY), run)
        assert isinstance(facts, SearchFacts)
        found = read_document(CandidateList, run.read(facts.candidates)).candidates
        assert {one.provenance.provider for one in found} == set(QUERY.sources)
        for one in found:
            got = steps["acquire"](AcquireSpec(candidate=one, width=320, height=180), run)
            assert isinstance(got, Footage)
            assert got.kind == one.kind
            assert (got.media is None) == (one.kind == "scenery")
            assert got.provenance.provider == one.provenance.provider
