"""What the search may expect of every provider."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.contracts.footage import Candidate, ShotQuery
from common.net.client import Http
from common.settings import Settings
from retriever.providers.port import Provider
from retriever.providers.registry import providers
from tests.support import clips
from tests.support.pexels_server import KEY, pexels_server
from tests.support.redis_server import RedisServer

NAMES = ("pexels", "folder", "scenery")
ODD = (
    "",
    " ",
    "'; DROP TABLE shots; --",
    "../../etc/passwd",
    "a" * 400,
    "море и горы",
    "夜の港",
    "🌊🌊",
    "50% off & more? #1",
    "\x00\x07",
    "{0} %s $HOME",
    "*[?]",
)


def query(
    *terms: str, show: str = "boats in a harbour", width: int = 640, height: int = 360, seed: int = 7
) -> ShotQuery:
    return ShotQuery(
        shot="s2.1",
        show=show,
        terms=terms,
        seconds=2.5,
        width=width,
        height=height,
        sources=("pexels", "folder"),
        seed=7,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    (root / "Harbour").mkdir()
    for index, name in enumerate(("Harbour/boats-at-dusk.mp4", "Harbour/crane.mp4", "ocean_waves.mp4")):
        shutil.copy(clips.clip(hue=index * 40, seconds=4.0), root / name)
    shutil.copy(clips.picture(640, 360), root / "boat.jpg")
    return root


@pytest.fixture(params=NAMES)
def provider(request: pytest.FixtureRequest, folder: Path, redis_here: RedisServer) -> Iterator[Provider]:
    with pexels_server() as pexels, redis_here.client() as client:
        settings = replace(
            Settings(), pexels_base_url=pexels.url, pexels_api_key=KEY, clip_folder=str(folder), pexels_per_hour=10_000
        )
        yield providers(settings, Http(settings), client)[request.param]


def test_a_provider_goes_by_its_name(provider: Provider) -> None:
    assert provider.name in NAMES


def test_every_candidate_can_be_acquired_and_says_where_it_is_from(provider: Provider) -> None:
    found = provider.search(query("harbour boats", "ocean"))
    assert found
    for one in found:
        assert Candidate.model_validate_json(one.model_dump_json()) == one
        assert one.id.startswith(f"{provider.name}:")
        assert one.provenance.provider == provider.name
        assert [bool(one.url), bool(one.path), one.scenery is not None].count(True) == 1
        assert one.media is None
        assert (one.kind == "scenery") == (one.scenery is not None)
        assert (one.kind == "video") == (one.seconds > 0)
        assert one.width > 0 < one.height


def test_candidates_come_best_first_and_once(provider: Provider) -> None:
    found = provider.search(query("harbour boats", "ocean"))
    assert len({one.id for one in found}) == len(found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(0 <= one.score <= 1 for one in found)


def test_the_same_query_gives_the_same_candidates(provider: Provider) -> None:
    assert provider.search(query("harbour boats")) == provider.search(query("harbour boats"))


@pytest.mark.parametrize("words", ODD)
def test_odd_words_are_no_trouble(provider: Provider, words: str) -> None:
    for asked in (query(words), query(show=words), query(words, "harbour", show=words)):
        assert all(one.id for one in provider.search(asked))


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (480, 480)])
def test_every_canvas_is_served(provider: Provider, width: int, height: int) -> None:
    assert provider.search(query("harbour boats", width=width, height=height))
