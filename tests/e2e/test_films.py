"""Real films by the real stack: Redis, S3, five services, ffmpeg; looked at from outside only."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.support import clips
from tests.support.measure import film, frame_at, loudness, still_or_black
from tests.support.pexels_server import TOO_MANY, UNAUTHORIZED, PexelsServer
from tests.support.pixabay_server import PixabayServer, pixabay_server
from tests.support.processes import children_of, find
from tests.support.running import ENDED, Running, fetch, running_stack
from tests.support.stock_server import KEY
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PROMPT = "A beautiful sunset over the ocean with waves crashing on the beach"


@pytest.fixture(scope="module")
def pexels() -> Iterator[PexelsServer]:
    server = PexelsServer(seconds=6.0)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pixabay() -> Iterator[PixabayServer]:
    with pixabay_server(seconds=6.0) as server:
        yield server


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, pexels: PexelsServer, pixabay: PixabayServer) -> Iterator[Running]:
    settings = {
        "PEXELS_API_KEY": KEY,
        "PEXELS_BASE_URL": pexels.url,
        "PIXABAY_API_KEY": KEY,
        "PIXABAY_BASE_URL": pixabay.url,
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with running_stack(tmp_path_factory.mktemp("stack"), **settings) as running:
        yield running


def check_streams(path: Path, frames: int, width: int = 480, height: int = 270) -> None:
    """The promises that every film keeps."""
    seen = film(path)
    assert (seen.video, seen.audio, seen.pixel_format) == ("h264", "aac", "yuv420p")
    assert (seen.width, seen.height, seen.sample_rate, seen.channels) == (width, height, 48_000, 2)
    assert seen.colour == (1, 1, 1, 1)
    assert seen.rate == 30
    assert seen.times == tuple(Fraction(number, 30) for number in range(frames)), "a frame is dropped or off the grid"
    assert abs(seen.audio_seconds - frames / 30) <= 1 / 30


def test_a_prompt_becomes_a_narrated_captioned_scored_film(stack: Running, tmp_path: Path) -> None:
    job = stack.generate(prompt=PROMPT, duration_target=12, footage="scenery", metadata={"mine": [1]})
    path, result = stack.film(job, tmp_path)
    assert result["duration"] == 12.0
    assert result["video_url"] == f"s3://videos/{job}/output.mp4"
    assert (result["width"], result["height"], result["metadata"]) == (480, 270, {"mine": [1]})
    check_streams(path, 360)
    measured, peak = loudness(path)
    assert -16.5 <= measured <= -14.0, "it speaks for a quarter of its time, so it lies lower than a wordy film"
    assert peak <= -1.0
    assert still_or_black(path) == []
    srt, vtt = fetch(result["captions"]["srt"]).decode(), fetch(result["captions"]["vtt"]).decode()
    assert vtt.startswith("WEBVTT")
    assert " ".join(PROMPT.split()) in " ".join(vtt.split())
    assert " --> " in srt
    assert fetch(result["thumbnail_download_url"]).startswith(b"\xff\xd8\xff")
    status = stack.status(job)
    assert (status["overall_progress"], status["scenes_processed"]) == (100, status["total_scenes"])
    assert status["logs"][-1]["message"] == "job completed"


def test_captions_are_drawn_while_their_words_are_spoken(stack: Running, tmp_path: Path) -> None:
    body = {"scenes": [{"narration": "One two three four.", "show": "silk", "duration": 4}], "footage": "scenery"}
    burned, result = stack.film(stack.generate(**body, captions="burn", music="none"), tmp_path)
    plain, _ = stack.film(stack.generate(**body, captions="file", music="none"), tmp_path)
    first = fetch(result["captions"]["vtt"]).decode().split(" --> ")[0].splitlines()[-1]
    start = sum(float(part) * unit for part, unit in zip(first.split(":"), (3600, 60, 1), strict=True))
    assert drawn(burned, plain, start - 0.1) < 50
    assert drawn(burned, plain, start + 0.1) > 300
    assert drawn(burned, plain, 3.9) < 50


def drawn(one: Path, other: Path, seconds: float) -> int:
    """How many pixels differ plainly between two films at one time."""
    frames = [frame_at(path, seconds).to_ndarray(format="gray").astype(int) for path in (one, other)]
    return int((np.abs(frames[0] - frames[1]) > 60).sum())


def test_own_pictures_and_clips_are_shown_for_as_long_as_asked(stack: Running, tmp_path: Path) -> None:
    pictures = clips.picture(900, 500), clips.clip(640, 360, fps=25, seconds=6)
    image, clip = (stack.upload(path.read_bytes()) for path in pictures)
    scenes = [
        {"media": {"asset": image}, "duration": 2.5},
        {"media": {"asset": clip}, "narration": "This clip is my own.", "duration": 3},
    ]
    path, result = stack.film(stack.generate(scenes=scenes, aspect="9:16"), tmp_path)
    check_streams(path, 165, 270, 480)
    kinds = [shot["footage"]["kind"] for scene in result["scenes"] for shot in scene["shots"]]
    assert kinds == ["still", "video"]
    assert still_or_black(path) == []


def test_stock_footage_is_found_credited_and_not_repeated(stack: Running, pexels: PexelsServer, tmp_path: Path) -> None:
    pexels.asked.clear()
    pexels.script[:] = [TOO_MANY]
    script = "Boats leave the harbour. Waves roll over the ocean. A city street wakes up. The forest path is quiet."
    path, result = stack.film(stack.generate(script=script, footage="pexels", captions="file"), tmp_path)
    check_streams(path, result["frames"])
    footage = [shot["footage"] for scene in result["scenes"] for shot in scene["shots"]]
    assert {one["provider"] for one in footage} == {"pexels"}
    ids = [one["source_id"] for one in footage]
    assert len(set(ids)) == len(ids)
    assert all(one["credit"].startswith("Video by ") for one in footage)
    assert result["credits"]
    assert all("authorization" not in {name.lower() for name in one.headers} for one in pexels.fetched)


def test_the_one_source_that_is_named_is_asked(
    stack: Running, pexels: PexelsServer, pixabay: PixabayServer, tmp_path: Path
) -> None:
    pexels.asked.clear()
    scene = {"show": "boats in a harbour", "duration": 2}
    _, result = stack.film(stack.generate(scenes=[scene], footage="pixabay"), tmp_path)
    (shot,) = result["scenes"][0]["shots"]
    assert (shot["footage"]["provider"], shot["why"]) == ("pixabay", "found on Pixabay")
    assert result["credits"] == [shot["footage"]["credit"]]
    assert len(pixabay.fetched) == 1
    assert pexels.asked == []


def test_a_refused_key_gives_scenery_and_the_reason(stack: Running, pexels: PexelsServer, tmp_path: Path) -> None:
    pexels.script[:] = [UNAUTHORIZED] * 40
    scene = {"show": "a quiet mountain lake", "duration": 2}
    _, result = stack.film(stack.generate(scenes=[scene], footage="pexels"), tmp_path)
    pexels.script.clear()
    (shot,) = result["scenes"][0]["shots"]
    assert shot["footage"]["kind"] == "scenery"
    assert any("PEXELS_API_KEY" in note for note in shot["notes"]), shot


def test_a_scene_can_be_watched_before_the_film_is_done_and_be_edited_after(stack: Running, tmp_path: Path) -> None:
    scenes = [{"narration": f"This is the {word} scene.", "show": "the sea"} for word in ("first", "second", "third")]
    job = stack.generate(scenes=scenes, footage="scenery", captions="none", music="none", seed=5)
    rendered = stack.wait(job, lambda now: any(scene.get("download_url") for scene in now["scenes"]))
    assert rendered["status"] not in ENDED
    scene = tmp_path / "scene.mp4"
    scene.write_bytes(fetch(next(one["download_url"] for one in rendered["scenes"] if one.get("download_url"))))
    assert (film(scene).video, film(scene).audio) == ("h264", "aac")
    before, _ = stack.film(job, tmp_path)
    bytes_before = before.read_bytes()

    changes = {"version": 1, "scenes": [{"id": "s2", "narration": "Something else is said here."}]}
    reply = requests.patch(f"{stack.url}/mcp/storyboard/{job}", json=changes, timeout=30)
    assert reply.status_code == 202, reply.text
    after, result = stack.film(job, tmp_path)
    check_streams(after, result["frames"])
    assert after.read_bytes() != bytes_before
    steps = stack.status(job)["steps"]
    # The scene before closes with a transition into this one.
    again = {"plan", "speak:s2", "segment:s1.0", "segment:s2.0", "mix", "assemble", "publish"}
    assert again <= set(steps["done_again"]) <= again | {"search:s2.1", "acquire:s2.1"}
    assert {"speak:s1", "segment:s3.0"} <= set(steps["reused"])

    assert stack.post(f"versions/{job}/1/restore").status_code == 202
    restored, _ = stack.film(job, tmp_path)
    assert restored.read_bytes() == bytes_before
    assert stack.status(job)["steps"]["done_again"] == ["publish"]


@pytest.mark.parametrize("whole", [False, True], ids=["its pool child", "the whole worker"])
def test_the_film_comes_out_although_a_worker_is_killed_in_the_middle_of_a_segment(
    stack: Running, tmp_path: Path, whole: bool
) -> None:
    job = stack.generate(prompt=PROMPT, duration_target=10, footage="scenery", seed=7 + whole)
    stack.wait(job, lambda now: any(scene["progress"] > 0 for scene in now["scenes"]) or now["status"] in ENDED)
    main = renderer_of(stack)
    ffmpeg = eventually(lambda: held(main))
    victim = main if whole else next(child for child in children_of(main) if set(ffmpeg) & set(find("ffmpeg", child)))
    os.kill(victim, signal.SIGKILL)
    path, _ = stack.film(job, tmp_path)
    check_streams(path, 300)
    assert ffmpeg, "nothing was rendering when the worker died"
    assert not set(ffmpeg) & set(find("ffmpeg"))
    lines = [line["message"] for line in stack.status(job)["logs"]]
    assert any("attempt 2" in line for line in lines), lines


def held(worker: int) -> list[int]:
    """An ffmpeg of the worker, stopped, so that it cannot end before the worker does."""
    for pid in find("ffmpeg", under=worker):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            return [pid]
    return []


def renderer_of(stack: Running) -> int:
    """The main process of the stack's renderer."""
    port = stack.url.rpartition(":")[2]
    mine = [pid for pid in find("renderer.main") if f"API_PORT={port}" in _environment(pid)]
    parents = {pid for pid in mine if not set(mine) & {_parent_of(pid)}}
    (main,) = parents
    return main


def _environment(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_cancel_ends_a_running_job_and_its_ffmpeg(stack: Running) -> None:
    job = stack.generate(prompt=PROMPT, duration_target=40, footage="scenery", seed=99)
    stack.wait(job, lambda now: any(scene["progress"] > 0 for scene in now["scenes"]))
    stack.cancel(job)
    stack.wait(job, lambda now: now["status"] == "cancelled")
    reply = requests.get(f"{stack.url}/mcp/result/{job}", timeout=30)
    assert (reply.status_code, reply.json()["code"]) == (409, "cancelled")
    main = renderer_of(stack)
    stack.wait(job, lambda _: not find("ffmpeg", under=main))
