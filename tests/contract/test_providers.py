"""What the search and acquire steps may expect of every provider, one that makes clips to order among them."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from common.contracts.footage import Candidate, ClipFile, Footage, OwnMedia, Painted, ShotQuery, WebFile
from common.contracts.later import Later, Unknown
from common.contracts.request import MediaRef
from common.contracts.sources import SCENERY, UPLOAD, URL, SourceKind, kind_of
from common.contracts.steps import AcquireSpec
from common.contracts.storyboard import Shot
from common.errors import BadMedia, Permanent, Stopped
from common.net.client import Http
from common.settings import Settings
from common.worker.steprun import StepRun
from infra.chaos.far_provider import NAME as FAR
from infra.chaos.far_provider import FarProvider
from infra.chaos.far_studio import FarStudio, open_studio
from orchestrator.film.clips import own_media
from retriever.acquire import Acquirer
from retriever.inspection.program import footage_type
from retriever.providers.port import CallsOff, FetchedFile, FetchedRecipe, Provider
from retriever.providers.registry import FACTORIES, providers
from tests.support import clips
from tests.support.pexels_server import pexels_server
from tests.support.pixabay_server import pixabay_server
from tests.support.redis_server import RedisServer
from tests.support.steprun import step_run
from tests.support.stock_server import KEY
from tests.support.uploads import ASSET, upload
from tests.support.web_server import WebServer, web_server

EVERY = (*FACTORIES, FAR)
SEARCHED = tuple(name for name in EVERY if kind_of(name) is not SourceKind.OWN)
WITH_FILES = tuple(name for name in EVERY if kind_of(name) is not SourceKind.PAINTED)
MOST_RUNS = 5
"Of a step whose work goes on elsewhere, until it has its end at a server of the tests."
Answer = TypeVar("Answer")
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
    *terms: str, show: str = "boats in a harbour", width: int = 640, height: int = 360, seed: int = 6
) -> ShotQuery:
    return ShotQuery(
        shot="s2.1",
        show=show,
        terms=terms,
        seconds=2.5,
        width=width,
        height=height,
        sources=("pexels", "folder"),
        seed=seed,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    (root / "Harbour").mkdir()
    for index, name in enumerate(("Harbour/boats-at-dusk.mp4", "Harbour/crane.mp4", "ocean_waves.mp4")):
        shutil.copy(clips.clip(hue=index * 40, seconds=4.0), root / name)
    shutil.copy(clips.picture(640, 360), root / "boat.jpg")
    return root


class Shop(NamedTuple):
    """All providers over servers of their own, and an address at which there is nothing."""

    providers: dict[str, Provider]
    clip: str
    "Address of a clip."
    nothing: str

    def offer(self, name: str, run: StepRun) -> Candidate:
        """Something that the provider offers, or that the user brought along, as the next step gets it."""
        return Candidate.model_validate_json(self._offer(name, run).model_dump_json())

    def _offer(self, name: str, run: StepRun) -> Candidate:
        if name == UPLOAD:
            upload(run, clips.clip())
            return own(MediaRef(asset=ASSET))
        if name == URL:
            return own(MediaRef(url=self.clip))
        return self.providers[name].search(query("harbour boats"))[0]

    def lost(self, name: str, run: StepRun) -> Candidate:
        """What has gone since it was offered."""
        origins = {
            UPLOAD: OwnMedia(media=MediaRef(asset=ASSET[:-1] + "b")),
            URL: OwnMedia(media=MediaRef(url=self.nothing)),
            "folder": ClipFile(path="gone.mp4"),
        }
        origin = origins.get(name, WebFile(url=self.nothing))
        return self.offer(name, run).model_copy(update={"origin": origin})


def own(media: MediaRef) -> Candidate:
    return own_media(Shot(id="s2.1", show="", media=media))


@pytest.fixture
def shop(folder: Path, redis_here: RedisServer) -> Iterator[Shop]:
    with (
        pexels_server() as pexels,
        pixabay_server() as pixabay,
        open_studio(FarStudio(clips.clip().read_bytes(), shortest=0.0, longest=0.0)) as far,
        redis_here.client() as client,
    ):
        settings = replace(
            Settings(),
            pexels_base_url=pexels.url,
            pexels_api_key=KEY,
            pexels_per_hour=10_000,
            pixabay_base_url=pixabay.url,
            pixabay_api_key=KEY,
            pixabay_per_minute=10_000,
            clip_folder=str(folder),
            fetch_allow_networks="127.0.0.0/8",
        )
        clip = pexels.link(1, "3", (640, 360), 2)
        made = providers(settings, Http(settings), client)
        assert set(FACTORIES) == set(made), "the fixture `shop` must set up a server and the settings of each provider"
        yield Shop({**made, FAR: FarProvider(far.url)}, clip, f"{pexels.url}/gone.mp4")


@pytest.fixture(params=SEARCHED)
def provider(request: pytest.FixtureRequest, shop: Shop) -> Provider:
    return shop.providers[request.param]


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    workdir = tmp_path / "work"
    workdir.mkdir()
    return step_run(workdir)


def at_last(handle: Callable[[StepRun], Answer | Later | Unknown], run: StepRun) -> Answer:
    """What comes in the end: while it is put off, the step runs again with the ticket."""
    for _ in range(MOST_RUNS):
        answer = handle(run)
        if not isinstance(answer, Later | Unknown):
            return answer
        run = step_run(run.workdir, run.storage, ticket=answer.ticket)
    raise AssertionError(f"after {MOST_RUNS} runs there is no end")


def fetch(shop: Shop, name: str, candidate: Candidate, run: StepRun) -> FetchedFile | FetchedRecipe:
    return at_last(lambda run: shop.providers[name].fetch(candidate, run), run)


def acquire(shop: Shop, candidate: Candidate, run: StepRun) -> Footage:
    spec = AcquireSpec(candidate=candidate, width=640, height=360)
    return at_last(lambda run: Acquirer(shop.providers).acquire(spec, run), run)


def is_downloaded(candidate: Candidate) -> bool:
    """True for what comes from the web when it is fetched, be it at once or made to order first."""
    origin = candidate.origin
    return isinstance(origin, WebFile) or (isinstance(origin, OwnMedia) and origin.media.url is not None)


@pytest.mark.parametrize("name", EVERY)
def test_a_provider_goes_by_its_name(name: str, shop: Shop) -> None:
    assert shop.providers[name].name == name


def test_every_candidate_says_where_it_is_from(provider: Provider) -> None:
    found = provider.search(query("harbour boats", "ocean"))
    assert found
    for one in found:
        assert Candidate.model_validate_json(one.model_dump_json()) == one
        assert one.id.startswith(f"{provider.name}:")
        assert one.provenance.provider == provider.name
        assert not one.own
        assert (one.kind == "scenery") == one.painted
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


# fetching


@pytest.mark.parametrize("name", [UPLOAD, URL])
def test_media_of_the_users_own_are_not_searched(name: str, shop: Shop) -> None:
    assert shop.providers[name].search(query("harbour boats")) == []


@pytest.mark.parametrize("name", WITH_FILES)
def test_what_is_fetched_is_a_file_with_a_picture(name: str, shop: Shop, run: StepRun) -> None:
    candidate = shop.offer(name, run)
    got = fetch(shop, name, candidate, run)
    assert isinstance(got, FetchedFile)
    assert footage_type(got.path).startswith(("video/", "image/"))
    assert (got.at != "") == is_downloaded(candidate)
    assert (got.stored is not None) == (name == UPLOAD)
    assert got.path.is_relative_to(run.workdir) == (not isinstance(candidate.origin, ClipFile))


@pytest.mark.parametrize("name", WITH_FILES)
def test_what_is_acquired_is_stored_once(name: str, shop: Shop, run: StepRun) -> None:
    candidate = shop.offer(name, run)
    before = set(run.storage.list(run.assets))
    got = acquire(shop, candidate, run)
    assert got.media is not None
    assert len(run.read(got.media)) == got.media.size
    new = set(run.storage.list(run.assets)) - before
    assert len(new) == (0 if name == UPLOAD else 1), "an upload is there already"
    assert got.provenance.provider == name
    assert got.provenance.credit == candidate.provenance.credit


def test_what_is_painted_needs_no_file(shop: Shop, run: StepRun) -> None:
    candidate = shop.offer(SCENERY, run)
    assert isinstance(candidate.origin, Painted)
    assert fetch(shop, SCENERY, candidate, run) == FetchedRecipe(candidate.origin.recipe)
    assert acquire(shop, candidate, run).scenery == candidate.origin.recipe
    assert list(run.workdir.iterdir()) == []
    assert list(run.storage.list(run.assets)) == []


@pytest.mark.parametrize("name", WITH_FILES)
def test_what_has_gone_since_fails_for_good(name: str, shop: Shop, run: StepRun) -> None:
    lost = shop.lost(name, run)
    with pytest.raises(Permanent) as caught:
        fetch(shop, name, lost, run)
    assert isinstance(caught.value, BadMedia) or is_downloaded(lost)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", EVERY)
def test_a_candidate_of_another_sort_is_refused(name: str, shop: Shop, run: StepRun) -> None:
    own, other = shop.offer(name, run), shop.offer("pexels" if name == SCENERY else SCENERY, run)
    with pytest.raises(BadMedia, match=f"^{name} has nothing by the name of"):
        fetch(shop, name, own.model_copy(update={"origin": other.origin}), run)


@pytest.mark.parametrize("name", EVERY)
def test_a_candidate_of_another_provider_is_refused_whatever_its_sort(name: str, shop: Shop, run: StepRun) -> None:
    own = shop.offer(name, run)
    provenance = own.provenance.model_copy(update={"provider": "attic"})
    with pytest.raises(BadMedia, match=f"^{name} has nothing by the name of"):
        fetch(shop, name, own.model_copy(update={"provenance": provenance}), run)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_put_off_may_be_called_off_again_and_again(name: str, shop: Shop, run: StepRun) -> None:
    candidate, provider = shop.offer(name, run), shop.providers[name]
    answer = provider.fetch(candidate, run)
    assert isinstance(answer, Later | Unknown) or name != FAR
    if isinstance(answer, Later | Unknown):
        assert isinstance(provider, CallsOff), f"{name} must have call_off"
        for _ in range(2):
            provider.call_off(candidate, answer.ticket)


@pytest.mark.parametrize("name", EVERY)
def test_a_step_that_is_called_off_keeps_nothing(name: str, shop: Shop, run: StepRun) -> None:
    candidate = shop.offer(name, run)
    before = set(run.storage.list(run.assets))
    run.call_off()
    with pytest.raises(Stopped):
        acquire(shop, candidate, run)
    assert set(run.storage.list(run.assets)) == before


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_download_ends_in_the_middle_when_it_is_called_off(
    name: str, shop: Shop, run: StepRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, runs = shop.offer(name, run), [run]

    def handle(run: StepRun) -> object:
        runs.append(run)
        return shop.providers[name].fetch(candidate, run)

    with stalling(lambda: runs[-1].call_off(), monkeypatch) as server:
        if is_downloaded(candidate):
            with pytest.raises(Stopped):
                at_last(handle, run)
        else:
            at_last(handle, run)
    assert server.hits == is_downloaded(candidate)


@contextmanager
def stalling(once_begun: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server at which every download ends up instead, and stalls."""
    over, download = threading.Event(), Http.download

    def stall(*_: object) -> None:
        once_begun()
        over.wait(60)

    with web_server(stall) as server:
        monkeypatch.setattr(Http, "download", lambda http, _, path, **more: download(http, server.url, path, **more))
        yield server
        over.set()
