"""The retriever as its worker runs it: settings in, search and acquire out."""

import shutil
from dataclasses import replace
from pathlib import Path

from common.contracts.footage import CandidateList, Footage, ShotQuery
from common.contracts.steps import AcquireSpec, SearchFacts, SearchSpec
from common.documents import read_document
from common.settings import Settings
from retriever.tasks import engines, handlers
from tests.support import clips
from tests.support.pexels_server import KEY, pexels_server
from tests.support.redis_server import RedisServer
from tests.support.steprun import step_run


def test_only_what_is_set_up_is_announced(tmp_path: Path) -> None:
    everything = replace(Settings(), pexels_api_key=KEY, clip_folder=str(tmp_path))
    assert engines(Settings()) == {"sources": ["scenery"]}
    assert engines(everything) == {"sources": ["pexels", "folder", "scenery"]}


def test_a_shot_is_searched_and_each_of_its_candidates_can_be_acquired(redis_here: RedisServer, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clips.clip(), folder / "harbour boats.mp4")
    run = step_run(tmp_path)
    with pexels_server(videos=4) as server:
        settings = replace(
            Settings(),
            state_url=redis_here.url,
            pexels_base_url=server.url,
            pexels_api_key=KEY,
            clip_folder=str(folder),
            fetch_allow_networks="127.0.0.0/8",
        )
        query = ShotQuery(
            shot="s1.1",
            show="boats in a harbour",
            terms=("harbour boats",),
            seconds=1.5,
            width=320,
            height=180,
            sources=("pexels", "folder", "scenery"),
            seed=0,
        )
        steps = handlers(settings)
        facts = steps["search"](SearchSpec(query=query), run)
        assert isinstance(facts, SearchFacts)
        found = read_document(CandidateList, run.read(facts.candidates)).candidates
        assert {one.provenance.provider for one in found} == {"pexels", "folder", "scenery"}
        for one in found:
            got = steps["acquire"](AcquireSpec(candidate=one, width=320, height=180), run)
            assert isinstance(got, Footage)
            assert got.kind == one.kind
            assert (got.media is None) == (one.kind == "scenery")
            assert got.provenance.provider == one.provenance.provider
