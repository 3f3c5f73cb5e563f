"""Media that name other files and addresses: nothing they name is opened, whatever they are used as.

The file they name is one beside the folder of the step, and the address that of a server here that counts its visitors.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.contracts.footage import Footage
from common.contracts.steps import MarkSpec
from common.contracts.timeline import MusicCue, TextFrame
from common.errors import BadMedia, RenderFailed, StepError
from common.sniff import SOUND_DEMUXERS
from common.storage.memory import MemoryStorage
from common.walls import kernel
from common.worker.steprun import StepRun
from renderer.ffmpeg.limits import MEGABYTE, Limits
from renderer.ffmpeg.run import run_ffmpeg
from renderer.sound import bed
from renderer.steps.mark import mark
from renderer.steps.segment import segment
from retriever.inspection.glance import glance
from retriever.inspection.program import footage_type
from retriever.inspection.sandbox import probe
from tests.support.scenes import FROM, PROGRAM, clip, scene
from tests.support.steprun import step_run
from tests.support.web_server import WebServer, reply, web_server
from whisper_worker.recordings.sound import decoded

WORD = b"CANARY"
PICTURE = b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + WORD * 64
"A video of one frame whose pixels are the word."
LIMITS = Limits(memory=2048 * MEGABYTE, file=MEGABYTE, seconds=60)
FOLLOW = ["-protocol_whitelist", "file,http,tcp,crypto,data", "-safe", "0", "-f", "concat", "-i", "list"]
"Of an ffmpeg that does all that a list asks of it."


@pytest.fixture
def trap() -> Iterator[WebServer]:
    with web_server(reply(PICTURE)) as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.y4m"
    path.write_bytes(PICTURE)
    return path


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    work = tmp_path / "work"
    work.mkdir()
    return step_run(work)


def playlist(file: str, page: str) -> str:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{file}\n#EXTINF:2,\n{page}\n#EXT-X-ENDLIST\n"


def list_of_files(file: str, page: str) -> str:
    return f"ffconcat version 1.0\nfile '{file}'\nfile '{page}'\n"


def drawing(file: str, page: str) -> str:
    images = "".join(f'<image width="64" height="64" xlink:href="{one}"/>' for one in (file, page))
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY e SYSTEM "{file}">]><svg {names}>{images}&e;</svg>'


def presentation(file: str, page: str) -> str:
    sets = "".join(
        f'<AdaptationSet mimeType="video/mp4"><Representation id="{number}" bandwidth="1"><BaseURL>{one}</BaseURL>'
        "<SegmentBase/></Representation></AdaptationSet>"
        for number, one in enumerate((file, page))
    )
    return f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>{sets}</Period></MPD>'


def bare_name(file: str, page: str) -> str:
    return f"{file}\n{page}\n"


REACHING = (playlist, list_of_files, drawing, presentation, bare_name)
CLAIMS = ("video/mp4", "video/webm", "video/x-msvideo", "image/png", "image/jpeg", "image/webp", "image/gif")

WATERMARKS = ("image/png", "image/svg+xml")


def nothing_came(run: StepRun, trap: WebServer) -> None:
    assert trap.hits == 0
    assert isinstance(run.storage, MemoryStorage)
    kept = [run.storage.get_bytes("assets", one.key) for one in run.storage.list("assets", "")]
    written = [path.read_bytes() for path in run.workdir.rglob("*") if path.is_file()]
    assert not any(WORD in data for data in (*kept, *written))


@pytest.mark.parametrize("reach", REACHING)
@pytest.mark.parametrize("claim", CLAIMS)
def test_as_footage_it_is_looked_at(run: StepRun, trap: WebServer, secret: Path, reach, claim: str) -> None:
    path = run.workdir / "media.mp4"
    path.write_text(reach(secret.as_uri(), f"{trap.url}/x.y4m"))
    with pytest.raises(BadMedia):
        footage_type(path)
    with pytest.raises(BadMedia):
        probe(path, claim, run)
    nothing_came(run, trap)


def test_as_clips_of_the_server_they_are_glanced_at(run: StepRun, trap: WebServer, secret: Path) -> None:
    paths = [run.workdir / f"{reach.__name__}.mp4" for reach in REACHING]
    for path, reach in zip(paths, REACHING, strict=True):
        path.write_text(reach(secret.as_uri(), f"{trap.url}/x.y4m"))
    assert glance(paths) == [None] * len(paths)
    nothing_came(run, trap)


@pytest.mark.parametrize("reach", REACHING)
@pytest.mark.parametrize("claim", WATERMARKS)
def test_as_a_watermark(run: StepRun, trap: WebServer, secret: Path, reach, claim: str) -> None:
    media = run.keep_bytes("asset", reach(secret.as_uri(), f"{trap.url}/x.y4m").encode(), claim)
    frame = TextFrame(style="minimal", width=320, height=180)
    with pytest.raises(BadMedia):
        mark(MarkSpec(media=media, opacity=1, size=0.2, frame=frame), run)
    nothing_came(run, trap)


@pytest.mark.parametrize("reach", REACHING)
@pytest.mark.parametrize("claim", CLAIMS)
def test_as_footage_it_is_rendered(run: StepRun, trap: WebServer, secret: Path, reach, claim: str) -> None:
    """As if nobody had looked at it before."""
    media = run.keep_bytes("footage", reach(secret.as_uri(), f"{trap.url}/x.y4m").encode(), claim)
    shown = Footage(kind="video", media=media, width=320, height=180, seconds=2.0, provenance=FROM)
    with pytest.raises(StepError):
        segment(scene(clip(shown)), run, PROGRAM, 1)
    nothing_came(run, trap)


@pytest.mark.parametrize("reach", REACHING)
@pytest.mark.parametrize("claim", SOUND_DEMUXERS)
def test_as_music(run: StepRun, trap: WebServer, secret: Path, reach, claim: str) -> None:
    media = run.keep_bytes("asset", reach(secret.as_uri(), f"{trap.url}/x.y4m").encode(), claim)
    with pytest.raises(BadMedia):
        bed.prepare(MusicCue(mood="calm", seed=1, media=media), 48_000, run, PROGRAM)
    nothing_came(run, trap)


@pytest.mark.parametrize("reach", REACHING)
@pytest.mark.parametrize("claim", SOUND_DEMUXERS)
def test_as_a_recording(run: StepRun, trap: WebServer, secret: Path, reach, claim: str) -> None:
    media = run.keep_bytes("asset", reach(secret.as_uri(), f"{trap.url}/x.y4m").encode(), claim)
    with pytest.raises(BadMedia):
        decoded(media, 48_000, run)
    nothing_came(run, trap)


@pytest.mark.skipif(
    not kernel.landlock_version(), reason="this kernel has no Landlock for us: files are not walled off"
)
def test_an_ffmpeg_that_follows_every_name_reads_no_other_file(run: StepRun, trap: WebServer, secret: Path) -> None:
    (run.workdir / "list").write_text(f"ffconcat version 1.0\nfile '{secret.as_uri()}'\n")
    with pytest.raises(RenderFailed):
        run_ffmpeg(PROGRAM, [*FOLLOW, "-c", "copy", "out.nut"], run, LIMITS)
    nothing_came(run, trap)


def test_an_ffmpeg_that_follows_every_name_reaches_nobody(run: StepRun, trap: WebServer, secret: Path) -> None:
    (run.workdir / "list").write_text(f"ffconcat version 1.0\nfile '{trap.url}/x.y4m'\n")
    with pytest.raises(RenderFailed):
        run_ffmpeg(PROGRAM, [*FOLLOW, "-c", "copy", "out.nut"], run, LIMITS)
    nothing_came(run, trap)


@pytest.mark.parametrize("what", ["the file", "the address"])
def test_without_walls_it_would(run: StepRun, trap: WebServer, secret: Path, what: str) -> None:
    """So the tests above can fail."""
    named = secret.as_uri() if what == "the file" else f"{trap.url}/x.y4m"
    (run.workdir / "list").write_text(f"ffconcat version 1.0\nfile '{named}'\n")
    command = [PROGRAM, "-hide_banner", "-loglevel", "error", "-y", *FOLLOW, "-c", "copy", "out.nut"]
    subprocess.run(command, cwd=run.workdir, check=True, stdin=subprocess.DEVNULL)
    assert WORD in (run.workdir / "out.nut").read_bytes()
    assert (trap.hits > 0) == (what == "the address")
