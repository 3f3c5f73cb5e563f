"""The `acquire` step: real files over real sockets, looked into by the real program."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.contracts.base import Contract
from common.contracts.footage import (
    Candidate,
    ClipFile,
    Footage,
    OwnMedia,
    Painted,
    Provenance,
    SceneryRecipe,
    ShotQuery,
    WebFile,
)
from common.contracts.later import Later, Unknown
from common.contracts.request import MediaRef
from common.contracts.steps import AcquireSpec
from common.errors import BadMedia, ObjectMissing, Permanent, StepError, Stopped
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever.acquire import Acquirer
from retriever.providers.folder import ClipFolder
from tests.support import clips
from tests.support.acquiring import acquirer
from tests.support.pexels_server import pexels_server
from tests.support.steprun import step_run
from tests.support.stock_server import KEY
from tests.support.uploads import ASSET, upload
from tests.support.web_server import Serve, reply, web_server

SETTINGS = replace(Settings(), fetch_allow_networks="127.0.0.0/8", pexels_api_key=KEY, max_download_mb=2)


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    workdir = tmp_path / "work"
    workdir.mkdir()
    return step_run(workdir)


UPLOADED = OwnMedia(media=MediaRef(asset=ASSET))


def spec(origin: Contract, provenance: Provenance) -> AcquireSpec:
    one = Candidate.model_validate(
        {"id": "x:1", "kind": "video", "score": 1.0, "origin": origin, "provenance": provenance}
    )
    return AcquireSpec(candidate=one, width=640, height=360)


def acquire(run: StepRun, provider: str, origin: Contract, settings: Settings = SETTINGS) -> Footage:
    got = acquirer(settings).acquire(spec(origin, Provenance(provider=provider)), run)
    assert isinstance(got, Footage)
    return got


def from_web(run: StepRun, serve: Serve, settings: Settings = SETTINGS) -> Footage:
    with web_server(serve) as server:
        return acquire(run, "url", OwnMedia(media=MediaRef(url=f"{server.url}/clip")), settings)


def test_a_clip_from_the_web_is_stored_with_what_it_really_is(run: StepRun) -> None:
    path = clips.clip(640, 360, fps=25, rotation=90)
    got = from_web(run, reply(path.read_bytes(), content_type="text/plain"))
    assert (got.kind, got.width, got.height, got.seconds, got.fps) == ("video", 360, 640, 2.0, 25.0)
    assert got.media is not None
    assert got.media.media_type == "video/mp4"
    assert run.read(got.media) == path.read_bytes()
    assert got.media.key.startswith("local/footage/")
    assert got.provenance.fetched_at.endswith("+00:00")


def test_a_clip_is_stored_with_where_the_eye_goes_and_how_bright_it_is(run: StepRun) -> None:
    night = "color=0x303038:size=640x360:rate=10:duration=1"
    lamp = "drawbox=x=480:y=120:w=60:h=90:color=0xfff0c0:t=fill"
    got = from_web(run, reply(clips.make("lamp.mp4", ["-f", "lavfi", "-i", f"{night},{lamp}"]).read_bytes()))
    assert got.tone is not None
    assert got.tone.black == pytest.approx(got.tone.mid, abs=2)
    assert got.tone.white > got.tone.mid + 100
    assert got.focus[0] == pytest.approx(0.8, abs=0.05)


def test_a_pexels_candidate_is_fetched_without_the_key(run: StepRun) -> None:
    credit = Provenance(provider="pexels", creator="Ada Example", credit="Video by Ada Example on Pexels")
    with pexels_server() as server:
        origin = WebFile(url=f"{server.url}/video-files/1/3-640-360-2.mp4")
        got = acquirer(SETTINGS).acquire(spec(origin, credit), run)
        assert [KEY in repr(one) for one in server.fetched] == [False]
    assert isinstance(got, Footage)
    assert (got.width, got.height) == (640, 360)
    assert got.provenance.model_copy(update={"fetched_at": ""}) == credit


def test_a_picture_lasts_as_long_as_it_is_wanted(run: StepRun) -> None:
    got = from_web(run, reply(clips.picture(400, 300, "png").read_bytes()))
    assert (got.kind, got.width, got.height, got.seconds, got.fps) == ("still", 400, 300, 0.0, 0.0)


def test_an_upload_is_checked_and_not_copied(run: StepRun) -> None:
    upload(run, clips.clip(suffix="webm"))
    got = acquire(run, "upload", UPLOADED)
    assert got.media is not None
    assert (got.media.key, got.media.media_type) == (f"local/asset/{ASSET}/media", "video/webm")
    assert run.read(got.media) == clips.clip(suffix="webm").read_bytes()
    assert not list(run.storage.list(run.assets, "local/footage/"))
    assert got.provenance.fetched_at == ""


def test_an_upload_that_is_not_there_or_not_what_it_was_is_not_used(run: StepRun) -> None:
    with pytest.raises(BadMedia, match=f"no uploaded asset {ASSET}; upload it again"):
        acquire(run, "upload", UPLOADED)
    upload(run, clips.clip(), sha256="0" * 64)
    with pytest.raises(ObjectMissing):
        acquire(run, "upload", UPLOADED)


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """A clip with its table of contents in front, of which little more than that is there."""
    whole = clips.make("front.mp4", ["-i", str(clips.clip(seconds=4.0)), "-c", "copy", "-movflags", "+faststart"])
    return clips.cut(whole, 0.03, tmp_path)


def test_a_clip_that_is_cut_off_is_refused_and_not_stored(run: StepRun, cut_off: Path) -> None:
    with pytest.raises(BadMedia, match=r"the video is cut off: 3\.\d seconds are missing at its end"):
        from_web(run, reply(cut_off.read_bytes()))
    assert not list(run.storage.list(run.assets))


def test_what_is_wrong_with_an_upload_is_told_with_its_name(run: StepRun, cut_off: Path) -> None:
    upload(run, cut_off)
    with pytest.raises(BadMedia, match=f"the uploaded asset {ASSET} cannot be used: the video is cut off"):
        acquire(run, "upload", UPLOADED)


def test_an_upload_of_which_nothing_is_known_is_not_used(run: StepRun) -> None:
    upload(run, clips.clip())
    run.storage.put_bytes(run.assets, f"local/asset/{ASSET}/about.json", b'{"size": "lar', "application/json")
    with pytest.raises(BadMedia, match=f"no uploaded asset {ASSET}; upload it again"):
        acquire(run, "upload", UPLOADED)


def test_a_clip_of_the_folder_is_stored(run: StepRun, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clips.clip(), folder / "boats.mp4")
    settings = replace(SETTINGS, clip_folder=str(folder))
    got = acquire(run, "folder", ClipFile(path="boats.mp4"), settings)
    assert got.media is not None
    assert run.read(got.media) == clips.clip().read_bytes()
    with pytest.raises(BadMedia, match="clip folder"):
        acquire(run, "folder", ClipFile(path="../work"), settings)
    assert ClipFolder(folder).path("boats.mp4").exists()


def test_scenery_needs_no_media(run: StepRun) -> None:
    recipe = SceneryRecipe(theme="ocean", light="sunset", seed=5)
    got = acquire(run, "scenery", Painted(recipe=recipe))
    assert (got.kind, got.media, got.scenery) == ("scenery", None, recipe)


@pytest.mark.parametrize("provider", ["url", "folder", "scenery"])
def test_a_candidate_that_its_provider_cannot_have_offered_is_refused(
    provider: str, run: StepRun, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, clip_folder=str(tmp_path))
    with pytest.raises(BadMedia, match=f"{provider} has nothing by the name of x:1"):
        acquire(run, provider, WebFile(url="https://example.org/clip.mp4"), settings)


@pytest.mark.parametrize(
    ("provider", "sentence"),
    [
        ("folder", "the clip folder is no longer set up; set CLIP_FOLDER to a folder of videos and pictures"),
        ("pixabay", "Pixabay is no longer set up; set PIXABAY_API_KEY to a key from pixabay.com/api/docs"),
        ("attic", "attic is no longer set up on this server"),
    ],
)
def test_a_candidate_of_a_provider_that_is_gone_is_refused_with_the_cure(
    provider: str, sentence: str, run: StepRun
) -> None:
    with pytest.raises(BadMedia) as caught:
        acquire(run, provider, ClipFile(path="boats.mp4"), Settings())
    assert str(caught.value) == sentence


class Maker:
    """A provider that makes footage to order, which takes it some time or got lost on the way."""

    name = "maker"

    def __init__(self, outcome: Later | Unknown) -> None:
        self._outcome = outcome

    def search(self, query: ShotQuery) -> list[Candidate]:
        return []

    def fetch(self, candidate: Candidate, run: StepRun) -> Later | Unknown:
        return self._outcome

    def call_off(self, candidate: Candidate, ticket: str) -> None:
        """There is nothing to tell anybody."""


@pytest.mark.parametrize("outcome", [Later("order 7", 5.0, "it is being made"), Unknown("order 7", 60.0, "no answer")])
def test_what_is_not_there_yet_is_passed_on_as_the_provider_says_it(outcome: Later | Unknown, run: StepRun) -> None:
    wanted = spec(WebFile(url="https://example.org/order"), Provenance(provider="maker"))
    assert Acquirer({"maker": Maker(outcome)}).acquire(wanted, run) is outcome
    assert not list(run.storage.list(run.assets))


HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
NO_FOOTAGE = {
    "a playlist": (HLS, "not a video or picture"),
    "a playlist in the coat of a video": (b"\x00\x00\x00\x18ftypisom" + HLS, "damaged"),
    "a concat list": (b"ffconcat version 1.0\nfile /etc/hostname\n", "not a video or picture"),
    "a web page": (b"<!DOCTYPE html><html></html>", "text/html cannot be shown"),
    "nothing": (b"", "not a video or picture"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a video or picture"),
    "noise with the name of a video": (b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 20, "damaged"),
}


@pytest.mark.parametrize("case", NO_FOOTAGE)
def test_what_is_no_footage_is_refused_in_one_sentence(case: str, run: StepRun) -> None:
    body, reason = NO_FOOTAGE[case]
    with pytest.raises(BadMedia, match=reason) as caught:
        from_web(run, reply(body, content_type="video/mp4"))
    assert "\n" not in str(caught.value)
    assert str(run.workdir) not in str(caught.value)
    assert not list(run.storage.list(run.assets))


@pytest.mark.parametrize("suffix", ["mp3", "wav", "m4a", "ogg", "flac"])
def test_sound_is_no_footage(suffix: str, run: StepRun) -> None:
    with pytest.raises(BadMedia, match="audio/"):
        from_web(run, reply(clips.tone(suffix).read_bytes()))


def test_a_video_file_with_sound_only_is_refused(run: StepRun) -> None:
    sound = clips.make("sound-only.mp4", ["-f", "lavfi", "-i", "sine=duration=1"])
    with pytest.raises(BadMedia, match="no picture"):
        from_web(run, reply(sound.read_bytes()))


def test_a_file_over_the_limit_is_refused(run: StepRun) -> None:
    with pytest.raises(BadMedia, match="larger than 2 MB"):
        from_web(run, reply(clips.clip().read_bytes() + bytes(2 * 1024 * 1024)))


def test_an_address_inside_is_refused_unless_the_server_allows_it(run: StepRun) -> None:
    with pytest.raises(Permanent, match=r"web port|public internet"):
        from_web(run, reply(clips.clip().read_bytes()), replace(SETTINGS, fetch_allow_networks=""))


@pytest.mark.parametrize(("status", "retryable"), [("404 Not Found", False), ("503 Busy", True)])
def test_an_address_that_does_not_deliver_fails_the_step_in_its_way(status: str, retryable: bool, run: StepRun) -> None:
    with pytest.raises(StepError) as caught:
        from_web(run, reply(b"", status))
    assert caught.value.retryable is retryable


@pytest.fixture
def stalled() -> Iterator[tuple[str, threading.Event]]:
    """An address that takes the request and then says nothing."""
    reached, over = threading.Event(), threading.Event()

    def stall(*_: object) -> None:
        reached.set()
        over.wait(60)

    with web_server(stall) as server:
        yield server.url, reached
        over.set()


def test_a_step_that_is_called_off_ends_in_the_middle_of_a_download(
    stalled: tuple[str, threading.Event], run: StepRun
) -> None:
    url, reached = stalled
    canceller = threading.Thread(target=lambda: reached.wait(60) and run.call_off())
    canceller.start()
    with pytest.raises(Stopped):
        acquire(run, "url", OwnMedia(media=MediaRef(url=url)))
    canceller.join()
