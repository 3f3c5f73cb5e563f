"""A trial of the images as an operator would use them: build, up, a film, growth, accidents, restart, down.

Each part says what it found; the first that fails ends the trial with its reason and the last words of the services.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.images import build, imports
from infra.images.engine import CannotRun, Docker
from infra.processes import PROCESSES, TARGETS

UP_SECONDS, FILM_SECONDS, ANSWER_SECONDS = 300.0, 600.0, 60.0
OURS = tuple(process.name for process in PROCESSES)
PORTS = {"API_PORT": "18080", "S3_PORT": "18333"}
"Of this machine, so that a service that runs already is not disturbed."
ASKED = {
    "prompt": "A beautiful sunset over the ocean with waves crashing on the beach",
    "duration_target": 60,
    "style": "cinematic",
    "voice": "en-US-neutral",
    "callback_url": "https://your-webhook-endpoint.com/callback",
}
"The request that newcomers send first."
TO_COME = {"callback_url", "voice"}
"Fields of it that a later version will understand."
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAHUlEQVR42mNkYGgQYGAgHrEwCDCQBEY1jGoYOhoAHgoCnoxpJwYA"
    "AAAASUVORK5CYII="
)
"A PNG of 16 by 16 pixels."
INSPECTION = "python -X importtime -m retriever.inspection.program /scratch/p.png image/png"
PASSWORDS = {"REDIS_PASSWORD": "a-trial-of-redis", "S3_ACCESS_KEY": "trial", "S3_SECRET_KEY": "a-trial-of-s3"}


class TrialFailed(Exception):
    """Something is not as it must be."""


class Refused(TrialFailed):
    """An answer other than success; `faults` has the message of each field at fault."""

    def __init__(self, what: str, answer: bytes) -> None:
        super().__init__(f"{what}: {answer.decode(errors='replace')[:300]}")
        try:
            self.faults = {one["field"]: one["message"] for one in json.loads(answer).get("errors", ())}
        except ValueError:
            self.faults = {}


@dataclass
class Trial:
    """One run of the whole compose file, under a name of its own."""

    docker: Docker
    root: Path
    folder: Path
    python: str
    "A key of `bases.PYTHONS`."
    say: Callable[[str], None]
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._env = {**PORTS, **PASSWORDS, "S3_PUBLIC_ENDPOINT": f"http://localhost:{PORTS['S3_PORT']}"}
        self.docker.env |= self._env
        self._override = self.folder / "trial.yml"
        self._override.write_text(json.dumps(imports.watched(OURS)))  # YAML holds JSON
        self.api = f"http://127.0.0.1:{PORTS['API_PORT']}"

    # the parts, in order

    def build(self) -> None:
        started = time.monotonic()
        build.build_all(self.docker, self.root, self.python)
        self._note(f"building {len(TARGETS)} images with Python {self.python}", f"{time.monotonic() - started:.0f} s")
        for target in TARGETS:
            size = int(self.docker.run("image", "inspect", "--format", "{{.Size}}", build.name_of(target)))
            self._note(f"image {target}", f"{size / 1e6:.0f} MB")

    def start(self) -> None:
        started = time.monotonic()
        self.compose("up", "-d", "--no-build", "--wait", "--wait-timeout", f"{UP_SECONDS:.0f}")
        self._note("up, all healthy", f"{time.monotonic() - started:.0f} s")

    def be_modest(self) -> None:
        """No service of ours runs as root, writes outside its folders, or sees more of the network than it must."""
        for service in OURS:
            if (user := self.inside(service, "id", "-u")) == "0":
                raise TrialFailed(f"{service} runs as user {user}")
            if not self._fails(service, "touch", "/app/x"):
                raise TrialFailed(f"{service} can write to its own code")
            if self._fails(service, "touch", "/scratch/x"):
                raise TrialFailed(f"{service} cannot write to its scratch folder")
        for service in ("orchestrator", "whisper_worker", "renderer"):
            reach = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)"
            if not self._fails(service, "python", "-c", reach):
                raise TrialFailed(f"{service} reaches the outside")
        self._note("users, folders and networks", "as narrow as they are meant to be")

    def hold_its_walls(self) -> None:
        """Where strangers' bytes are decoded, the walls stand in the container, too."""
        for service in ("retriever", "renderer"):
            lines = self.inside(service, "python", "-m", "common.walls").splitlines()
            holding = sum(line.startswith("holds") for line in lines)
            missing = [line.removeprefix("missing").strip() for line in lines if line.startswith("missing")]
            self._note(f"walls in the {service}", f"{holding} hold" + "".join(f"; missing: {wall}" for wall in missing))

    def list_its_packages(self) -> None:
        """What an image lists is what its service imports while it works."""
        for service in OURS:
            logs = self.compose("logs", "--no-color", "--no-log-prefix", service)
            if service == "retriever":  # what decodes has an environment of its own, so it is asked by itself
                logs += self.inside(
                    service, "sh", "-c", f"echo {PICTURE} | base64 -d >/scratch/p.png; {INSPECTION} 2>&1"
                )
            owners = json.loads(self.inside(service, "python", "-c", imports.OWNERS))
            listed = imports.listed(self.root / "infra" / "docker" / "requirements", service)
            if idle := listed - imports.seen(logs, owners):
                raise TrialFailed(f"the image of {service} lists what it never imports: {', '.join(sorted(idle))}")
        self._note("packages of the images", "each is imported by its service")

    def do_as_newcomers_do(self) -> str:
        """The first request of the README, word for word; a field that does not work yet may say so, and no other."""
        wanted = dict(ASKED)
        try:
            self.ask("POST", "/mcp/generate", wanted)
        except Refused as error:
            for field_, why in error.faults.items():
                if field_ not in TO_COME:
                    raise
                self._note(f"refused by now: {field_}", why)
                del wanted[field_]
        return self.make_a_film("the film of a newcomer (60 s)", **wanted, draft=False)

    def make_a_film(self, name: str, **request: Any) -> str:
        started = time.monotonic()
        job = self.order(**request)
        self.wait_for(job)
        self._note(name, f"{time.monotonic() - started:.0f} s")
        return job

    def open_its_link(self, job: str) -> None:
        """From outside the network of the services, like a browser: all of it, then a part from the middle."""
        link = self.ask("GET", f"/mcp/result/{job}")["download_url"]
        with urllib.request.urlopen(link, timeout=ANSWER_SECONDS) as answer:
            film = answer.read()
        if b"ftyp" not in film[:16]:
            raise TrialFailed("the link of the film leads to something that is no MP4")
        middle = len(film) // 2
        part = urllib.request.Request(link, headers={"Range": f"bytes={middle}-{middle + 99}"})
        with urllib.request.urlopen(part, timeout=ANSWER_SECONDS) as answer:
            if answer.status != 206 or answer.read() != film[middle : middle + 100]:
                raise TrialFailed(f"a part of the film is answered {answer.status}, so no browser can seek in it")
        self._note("the signed link, from outside", f"{len(film) / 1e6:.1f} MB, a part of it answered 206")

    def grow_and_lose_a_renderer(self) -> None:
        """Three renderers, one of which is killed in the middle of a segment."""
        self.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "renderer=3", "--wait")
        job = self.order(duration_target=20, draft=False)
        victim = self._busy_renderer(job)
        started = time.monotonic()
        self.docker.run("kill", victim)
        self.wait_for(job)
        self._note(
            "a renderer killed in mid-segment, the film all the same", f"{time.monotonic() - started:.0f} s later"
        )

    def cut_off_and_pause(self) -> None:
        """A retriever without network and a paused orchestrator cost time, and no film."""
        job = self.order(duration_target=8, seed=11)
        network, (one,) = f"{self._project}_inside", self._containers("retriever")
        self.docker.run("network", "disconnect", network, one)
        paused = self._containers("orchestrator")[0]
        self.docker.run("pause", paused)
        time.sleep(5)
        self.docker.run("unpause", paused)
        self.docker.run("network", "connect", "--alias", "retriever", network, one)
        self.wait_for(job)
        self._note("a retriever cut off and an orchestrator paused for 5 s", "the film came")

    def restart_redis(self) -> None:
        job = self.order(duration_target=8, seed=12)
        self.compose("restart", "state", "broker")
        self.wait_for(job)
        self._note("both Redis restarted in the middle of a film", "the film came")

    def come_back(self, jobs: list[str]) -> None:
        """Down, and up again: every job is there, and its film can be had."""
        self.compose("down", "--timeout", "40")
        started = time.monotonic()
        self.compose("up", "-d", "--no-build", "--wait")
        for job in jobs:
            if self.ask("GET", f"/mcp/status/{job}")["status"] != "completed":
                raise TrialFailed(f"after down and up the job {job} is not completed any more")
        self.open_its_link(jobs[0])
        self._note("down and up again", f"{time.monotonic() - started:.0f} s, all {len(jobs)} jobs are there")

    def weigh(self) -> None:
        lines = self.docker.run(
            "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *self._all()
        ).splitlines()
        for line in sorted(lines):
            name, _, memory = line.partition(" ")
            self._note(f"memory of {name.removeprefix(self._project + '-')}", memory.partition(" /")[0])

    # what they use

    def compose(self, *arguments: str, check: bool = True) -> str:
        files = ("-f", str(self.root / "docker-compose.yml"), "-f", str(self._override))
        return self.docker.run("compose", "-p", self._project, *files, *arguments, check=check)

    def inside(self, service: str, *command: str) -> str:
        return self.docker.run("exec", self._containers(service)[0], *command).strip()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.api + path, data, {"Content-Type": "application/json"}, method=method)
        give_up = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return dict(json.load(answer))
            except urllib.error.HTTPError as error:
                if error.code != 503 or time.monotonic() > give_up:
                    raise Refused(f"{method} {path} is answered {error.code}", error.read()) from None
            except OSError as error:
                if time.monotonic() > give_up:
                    raise TrialFailed(f"{method} {path} is not answered: {error}") from None
            time.sleep(0.5)

    def order(self, **request: Any) -> str:
        usual = {"prompt": "A beautiful sunset over the ocean with waves crashing on the beach", "draft": True}
        return str(self.ask("POST", "/mcp/generate", {**usual, "duration_target": 8, **request})["job_id"])

    def wait_for(self, job: str) -> None:
        give_up = time.monotonic() + FILM_SECONDS
        while (view := self.ask("GET", f"/mcp/status/{job}"))["status"] not in (
            "completed",
            "partial",
            "failed",
            "cancelled",
        ):
            if time.monotonic() > give_up:
                raise TrialFailed(f"the job {job} does not end: {view['current_step']}")
            time.sleep(0.3)
        if view["status"] != "completed":
            raise TrialFailed(f"the job {job} is {view['status']}: {view['error']}")

    @property
    def _project(self) -> str:
        return "reelwright-trial"

    def _containers(self, service: str) -> list[str]:
        return self.compose("ps", "-q", service).split()

    def _all(self) -> list[str]:
        return self.compose("ps", "-q").split()

    def _busy_renderer(self, job: str) -> str:
        """The container that renders a segment of the job: the one with an ffmpeg in it."""
        give_up = time.monotonic() + FILM_SECONDS
        while time.monotonic() < give_up:
            for container in self._containers("renderer"):
                if "ffmpeg" in self.docker.run("top", container, check=False):
                    return container
            if self.ask("GET", f"/mcp/status/{job}")["status"] == "completed":
                break
            time.sleep(0.1)
        raise TrialFailed("no renderer was seen at work on the film")

    def _fails(self, service: str, *command: str) -> bool:
        try:
            self.inside(service, *command)
        except CannotRun:
            return True
        return False

    def _note(self, what: str, figure: str) -> None:
        self.figures[what] = figure
        self.say(f"{what}: {figure}")


@contextmanager
def on_its_own(trial: Trial) -> Iterator[Trial]:
    """Nothing of the trial is left when the block ends; the logs of its services are kept if it failed."""
    trial.compose("down", "--volumes", "--timeout", "5", check=False)
    try:
        yield trial
    except BaseException:
        logs = trial.compose("logs", "--no-color", "--tail", "2000", check=False)
        (trial.folder / "services.log").write_text(imports.without(logs))
        raise
    finally:
        trial.compose("down", "--volumes", "--timeout", "10", check=False)


def try_everything(trial: Trial) -> None:
    trial.build()
    with on_its_own(trial):
        trial.start()
        trial.be_modest()
        trial.hold_its_walls()
        first = trial.make_a_film("the first film (a draft of 8 s)")
        trial.open_its_link(first)
        trial.list_its_packages()
        second = trial.do_as_newcomers_do()
        trial.grow_and_lose_a_renderer()
        trial.cut_off_and_pause()
        trial.restart_redis()
        trial.weigh()
        trial.come_back([first, second])
