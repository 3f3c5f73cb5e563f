"""What a film may look like, made by the real stack: formats, transitions, cards, marks, drafts, exports.

All that ffmpeg is told stands in the log of the renderer, so that encoded frames can be counted.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio
import pytest
import requests
from PIL import Image

from tests.support import clips
from tests.support.measure import film, frame_at, still_or_black
from tests.support.running import Running, fetch, running_stack

pytestmark = pytest.mark.stack

SCENES: list[dict[str, Any]] = [
    {"narration": "The tide goes out.", "show": "the sea"},
    {"narration": "Then the rain comes.", "show": "a forest in the rain"},
    {"narration": "At night it is quiet.", "show": "a city at night"},
]
RUNS = re.compile(r"DEBUG +renderer .*?runs (\[\".*\])$", re.MULTILINE)
"The line of the log by which a renderer says what it tells ffmpeg."


class Spy:
    """Reads in the log of the stack what its ffmpeg was told."""

    def __init__(self, data: Path) -> None:
        self._log = data / "logs" / "renderer.log"
        self._past = 0

    def forget(self) -> None:
        self._past = len(self._told())

    def runs(self) -> list[list[str]]:
        return [json.loads(line) for line in self._told()[self._past :]]

    def encoded(self) -> int:
        """Pictures that were encoded since."""
        return sum(int(run[run.index("-frames:v") + 1]) for run in self.runs() if "libx264" in run)

    def decoded(self) -> list[str]:
        """Inputs of runs that encode pictures."""
        return [run[n + 1] for run in self.runs() if "libx264" in run for n, word in enumerate(run) if word == "-i"]

    def _told(self) -> list[str]:
        return RUNS.findall(self._log.read_text())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def spy(data: Path) -> Spy:
    return Spy(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip folder of the server; its one clip is black."""
    folder = tmp_path_factory.mktemp("clips")
    black = ["-f", "lavfi", "-i", "color=c=black:s=640x360:r=30:d=8", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    (folder / "lighthouse.mp4").write_bytes(clips.make("black.mp4", black).read_bytes())
    return folder


@pytest.fixture(scope="module")
def stack(data: Path, folder: Path) -> Iterator[Running]:
    settings = {"LOG_LEVEL": "DEBUG", "CLIP_FOLDER": str(folder), "TARGET_RESOLUTION": "180"}
    with running_stack(data, **settings) as running:
        yield running


def make(stack: Running, folder: Path, **body: Any) -> tuple[Path, dict[str, Any]]:
    return stack.film(stack.generate(**({"scenes": SCENES, "footage": "scenery", "music": "none"} | body)), folder)


def check(path: Path, result: dict[str, Any], size: tuple[int, int], fps: int = 30) -> None:
    seen = film(path)
    assert (seen.width, seen.height, seen.rate) == (*size, fps)
    assert seen.times == tuple(Fraction(number, fps) for number in range(result["frames"]))
    assert seen.colour == (1, 1, 1, 1)
    assert result["quality"]["passed"], result["quality"]


def test_every_frame_is_encoded_once_whatever_is_asked_for(stack: Running, spy: Spy, tmp_path: Path) -> None:
    spy.forget()
    logo = io.BytesIO()
    Image.new("RGBA", (200, 100), (255, 0, 0, 255)).save(logo, "PNG")
    path, result = make(
        stack,
        tmp_path,
        style="cinematic",
        transition="crossfade",
        title={"text": "The sea"},
        end_card={"text": "Thank you"},
        watermark={"asset": stack.upload(logo.getvalue()), "position": "top-left", "opacity": 1.0},
        seed=11,
    )
    check(path, result, (320, 180))
    assert spy.encoded() == result["frames"]
    assert not [name for name in spy.decoded() if name.startswith("segment")], "what we have encoded is decoded again"
    assert len(result["scenes"]) == 5
    assert still_or_black(path) == []
    top_left = frame_at(path, result["duration"] / 2).to_ndarray(format="rgb24")[30:34, 14:28]
    assert (top_left[..., 0].mean() > 180, top_left[..., 1].mean() < 60) == (True, True), "the mark is not seen"


@pytest.mark.parametrize(
    ("seed", "kind"), list(enumerate(["cut", "dip-black", "dip-white", "wipe", "slide", "zoom"], start=1200))
)
def test_a_film_is_as_long_with_any_transition(stack: Running, spy: Spy, tmp_path: Path, seed: int, kind: str) -> None:
    spy.forget()
    path, result = make(stack, tmp_path, transition=kind, captions="none", style="minimal", seed=seed)
    check(path, result, (320, 180))
    assert spy.encoded() == result["frames"], "with a seed of its own it shares nothing with the films before"


@pytest.mark.parametrize(
    ("fields", "size", "fps"),
    [
        ({"aspect": "9:16"}, (180, 320), 30),
        ({"aspect": "1:1", "fps": 25}, (180, 180), 25),
        ({"aspect": "4:5", "fps": 24}, (180, 224), 24),
        ({"size": "256x144", "fps": 50}, (256, 144), 50),
        ({"size": "640x272", "fps": 60, "quality": "high"}, (640, 272), 60),
    ],
)
def test_the_format_is_as_asked(
    stack: Running, tmp_path: Path, fields: dict[str, Any], size: tuple[int, int], fps: int
) -> None:
    path, result = make(stack, tmp_path, scenes=SCENES[:2], **fields)
    check(path, result, size, fps)


def test_the_film_of_a_draft_shares_all_but_the_picture(stack: Running, spy: Spy, tmp_path: Path) -> None:
    job = stack.generate(scenes=SCENES, footage="scenery", draft=True, seed=13, size="640x360")
    _, result = stack.film(job, tmp_path)
    assert (result["width"], result["height"]) == (640, 360)
    spy.forget()
    reply = requests.patch(f"{stack.url}/mcp/storyboard/{job}", json={"version": 1, "quality": "standard"}, timeout=30)
    assert reply.status_code == 202, reply.text
    path, result = stack.film(job, tmp_path)
    check(path, result, (640, 360))
    assert spy.encoded() == result["frames"]
    again = {name.partition(":")[0] for name in stack.status(job)["steps"]["done_again"]}
    assert again == {"plan", "segment", "assemble", "publish"}


def test_an_identical_job_and_other_music_encode_no_picture(stack: Running, spy: Spy, tmp_path: Path) -> None:
    body = {"seed": 14, "music": "calm"}
    first, _ = make(stack, tmp_path, **body)
    bytes_before = first.read_bytes()
    spy.forget()
    second, _ = make(stack, tmp_path, **body)
    assert spy.runs() == []
    assert second.read_bytes() == bytes_before
    third, result = make(stack, tmp_path, **(body | {"music": "dramatic"}))
    assert spy.encoded() == 0
    assert third.read_bytes() != bytes_before
    check(third, result, (320, 180))


def test_a_black_clip_is_rendered_once_more_and_then_replaced(stack: Running, spy: Spy, tmp_path: Path) -> None:
    spy.forget()
    scenes = [{"narration": "The lighthouse stands alone.", "show": "lighthouse"}]
    path, result = make(stack, tmp_path, scenes=scenes, footage="auto", seed=15)
    check(path, result, (320, 180))
    assert still_or_black(path) == []
    assert spy.encoded() == 3 * result["frames"]
    (shot,) = result["scenes"][0]["shots"]
    assert "is black for" in shot["why"]


def test_an_editor_can_go_on_with_the_export(stack: Running, tmp_path: Path) -> None:
    picture = stack.upload(clips.clip(seconds=6.0).read_bytes())
    scenes = [*SCENES[:2], {"narration": "And this is mine.", "media": {"asset": picture}}]
    job = stack.generate(
        scenes=scenes,
        footage="scenery",
        seed=16,
        transition="crossfade",
        title={"text": "The sea"},
        end_card={"text": "Thank you"},
        watermark={"asset": stack.upload(clips.picture(200, 200).read_bytes())},
    )
    _, result = stack.film(job, tmp_path)
    reply = requests.get(f"{stack.url}/mcp/export/{job}", timeout=60)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    timeline: Any = opentimelineio.adapters.read_from_file(str(next(tmp_path.glob("*.otio"))))
    assert [track.name for track in timeline.tracks] == ["Picture", "Watermark", "Narration", "Music", "Mix"]
    pictures = timeline.tracks[0]
    assert pictures.duration().to_frames() == result["frames"]
    named = [
        clip.media_reference.target_url
        for clip in timeline.find_clips()
        if isinstance(clip.media_reference, opentimelineio.schema.ExternalReference)
    ]
    assert named
    assert all((tmp_path / name).stat().st_size for name in named)
    assert "And this is mine." in (tmp_path / "captions.srt").read_text(encoding="utf-8")


def test_nothing_is_exported_before_there_is_a_film(stack: Running) -> None:
    job = stack.generate(scenes=SCENES, footage="scenery", seed=17)
    reply = requests.get(f"{stack.url}/mcp/export/{job}", timeout=30)
    assert (reply.status_code, reply.json()["code"]) == (409, "not_finished")
    stack.cancel(job)
    assert fetch(f"{stack.url}/healthz")
