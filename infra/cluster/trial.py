"""A trial of the manifests as an operator would use them: apply, make a film, upgrade and scale under load."""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from infra.cluster import load
from infra.cluster.node import Cluster
from infra.cluster.rewrites import Manifest, rewritten
from infra.images.build import name_of
from infra.images.engine import CannotRun
from infra.images.trial import TrialFailed

SPACE = "reelwright"
K8S = "infra/k8s"
CHECKED = (("dev", ""), ("dev", "hpa"), ("prod", ""), ("prod", "hpa"))
"Overlays and the component that each gets. Those of KEDA and of the Prometheus operator need kinds this cluster lacks."
READY_SECONDS, FILM_SECONDS, GO_SECONDS, FORWARD_SECONDS = 300.0, 900.0, 240.0, 30.0
NEXT = "next"
"The tag to upgrade to: the same image, as another version."
ENDED = frozenset({"completed", "partial", "failed", "cancelled"})
HANDED_BACK = ("released", "draining")
"Outcomes of a renderer's steps that go to another one."
BUSY = "ffmpeg"
LONG = {"prompt": "A storm comes up over a harbour, boats hurry home, and then the sky clears", "duration_target": 15}


@dataclass
class Trial:
    """One run of the overlay `dev` on a cluster that has nothing yet."""

    cluster: Cluster
    root: Path
    folder: Path
    say: Callable[[str], None]
    figures: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    "Requests that failed while something was changed."

    # the parts, in order

    def hold_overlays_to_the_server(self) -> None:
        """The server takes every object of both overlays, with what 1.20 calls otherwise, and refuses a faulty one."""
        namespace = (self.root / K8S / "base" / "namespace.yaml").read_text()
        self.cluster.kubectl("apply", "-f", "-", data=namespace)
        done: set[str] = set()
        for overlay, component in CHECKED:
            manifests, changes = self._built(overlay, component)
            self._apply(manifests, "--dry-run=server")
            done |= set(changes)
            name = f"{overlay} with {component}" if component else overlay
            self._note(f"server-side dry run of {name}", f"{len(manifests)} objects, all taken")
        for number, change in enumerate(sorted(done), 1):
            self._note(f"rewritten for this version ({number})", change)
        self._refuses_what_is_wrong()

    def start(self) -> None:
        started = time.monotonic()
        self._apply(self._built("dev", "")[0])
        self._kubectl("wait", "--for=condition=Available", "deployment", "--all", f"--timeout={READY_SECONDS:.0f}s")
        self._note("all deployments available", f"{time.monotonic() - started:.0f} s after they were applied")
        self._kubectl("wait", "--for=condition=Complete", "job/buckets", f"--timeout={READY_SECONDS:.0f}s")
        self.api = f"http://{self._address('api')}"
        restarts = [one for pod in self._pods() for one in pod["status"]["containerStatuses"] if one["restartCount"]]
        self._note("pods", f"{len(self._pods())}, of which {len(restarts)} had to be started again")

    def make_a_film(self) -> None:
        """Ordered and followed at the address of the Service, and fetched by its signed link."""
        started = time.monotonic()
        job = self._order(prompt="A quiet mountain lake at dawn", duration_target=10)
        self._wait_for([job])
        self._note("a film of 10 s through the Service", f"{time.monotonic() - started:.0f} s")
        with self._forward("s3", "8333"):
            link = load.ask(f"{self.api}/mcp/result/{job}")["download_url"]
            with urllib.request.urlopen(link, timeout=load.ANSWER_SECONDS) as answer:
                film = answer.read()
        if b"ftyp" not in film[:16]:
            raise TrialFailed("the link of the film leads to something that is no MP4")
        self._note("its signed link, through a forwarded port", f"{len(film) / 1e6:.1f} MB of MP4")

    def follow_the_page(self) -> None:
        """The commands of docs/kubernetes.md: ports are forwarded, and the command line finds the service there."""
        film = self.folder / "lake.mp4"
        with self._forward("api", "8080:80"), self._forward("s3", "8333"):
            command = [sys.executable, "-P", "-m", "cli", "make", "A quiet lake at dawn", "--draft", "-o", str(film)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not film.exists():
            raise TrialFailed(f"./reel make through forwarded ports ends with {done.returncode}: {done.stderr[-500:]}")
        self._note("./reel make through forwarded ports", f"{film.stat().st_size / 1e6:.1f} MB of MP4")
        for name in ("retriever", "renderer"):
            walls = self._kubectl("exec", f"deployment/{name}", "--", "python", "-m", "common.walls").splitlines()
            missing = [wall.removeprefix("missing").strip() for wall in walls if wall.startswith("missing")]
            holding = sum(wall.startswith("holds") for wall in walls)
            self._note(f"walls in the {name}", "; missing: ".join([f"{holding} hold", *missing]))

    def upgrade(self, name: str) -> None:
        """A rolling update to another tag while requests and jobs go on."""
        ongoing = load.Load(self.api, f"while the {name} is upgraded")
        with self._exits(name) as exits, ongoing.going_on():
            if name == "renderer":
                self._until(lambda: self._busy(name) > 0, "a renderer at work", FILM_SECONDS)
            started = time.monotonic()
            self._kubectl("set", "image", f"deployment/{name}", f"{name}={name_of(name, NEXT)}")
            self._kubectl("rollout", "status", f"deployment/{name}", f"--timeout={READY_SECONDS:.0f}s")
            ready = time.monotonic() - started
            self._until_only(name, 1)
            seconds = time.monotonic() - started
        self._wait_for(ongoing.jobs)
        self._note(f"upgrade of the {name}", f"new pod ready after {ready:.0f} s, old one ended after {seconds:.0f} s")
        self._note(f"meanwhile ({name})", f"{ongoing.described()}; {len(ongoing.jobs)} jobs, all completed")
        self._ended_by_themselves(name, exits)
        self.failures += [f"while the {name} was upgraded: {failure}" for failure in ongoing.failures]

    def judge(self) -> None:
        """All parts are over; failed requests keep none of them from being tried."""
        if self.failures:
            raise TrialFailed(f"{len(self.failures)} requests failed; {'; '.join(self.failures[:5])}")

    def scale_in(self, drain: str) -> None:
        """Two busy renderers become one; `drain` is the DRAIN_SECONDS they have."""
        self._kubectl("set", "env", "deployment/renderer", f"DRAIN_SECONDS={drain}")
        self._kubectl("scale", "deployment/renderer", "--replicas=2")
        self._kubectl("rollout", "status", "deployment/renderer", f"--timeout={READY_SECONDS:.0f}s")
        self._until_only("renderer", 2)
        with self._exits("renderer") as exits, self._logs("renderer") as logs:
            jobs = [self._order(**LONG, seed=number + 100 * int(drain)) for number in range(2)]
            self._until(lambda: self._busy("renderer") == 2, "two renderers at work", FILM_SECONDS)
            started = time.monotonic()
            self._kubectl("scale", "deployment/renderer", "--replicas=1")
            self._until_only("renderer", 1)
            seconds = time.monotonic() - started
            self._wait_for(jobs)
        outcomes = [line.rpartition(": ")[2] for line in logs()]
        back = sum(outcomes.count(outcome) for outcome in HANDED_BACK)
        again = sum("(attempt " in line["message"] for job in jobs for line in self._status(job)["logs"])
        if again:
            raise TrialFailed(f"{again} attempts were lost when a renderer was taken away")
        self._note(
            f"renderers from 2 to 1 while both work (DRAIN_SECONDS={drain})",
            f"one ended after {seconds:.0f} s, {back} steps handed back, no attempt lost; "
            f"{len(jobs)} jobs of {LONG['duration_target']} s, all completed",
        )
        self._ended_by_themselves("renderer", exits)

    def remove(self) -> None:
        started = time.monotonic()
        self.cluster.kubectl("delete", "namespace", SPACE, f"--timeout={GO_SECONDS:.0f}s")
        self._note("removed", f"{time.monotonic() - started:.0f} s")

    def keep_logs(self) -> None:
        """Of all pods that are there, beside the logs of the node."""
        for pod in self._pods():
            name = pod["metadata"]["name"]
            (self.folder / "logs" / f"{name}.log").write_text(self._kubectl("logs", name))

    # what they use

    def _built(self, overlay: str, component: str) -> tuple[list[Manifest], list[str]]:
        """The objects of an overlay for this version of Kubernetes, and what was rewritten."""
        place = self.folder / "overlay"
        place.mkdir(exist_ok=True)
        up = "../" * len(place.resolve().parts[1:])
        k8s = f"{up}{str(self.root.resolve()).lstrip('/')}/{K8S}"  # kustomize wants it relative
        about: dict[str, Any] = {"resources": [f"{k8s}/overlays/{overlay}"]}
        about["components"] = [f"{k8s}/components/{component}"] if component else []
        (place / "kustomization.yaml").write_text(yaml.safe_dump(about))
        return rewritten(yaml.safe_load_all(self.cluster.kubectl("kustomize", str(place))))

    def _apply(self, manifests: list[Manifest], *options: str) -> None:
        self.cluster.kubectl("apply", *options, "-f", "-", data=yaml.safe_dump_all(manifests))

    def _refuses_what_is_wrong(self) -> None:
        """Else the dry runs would prove nothing."""
        faulty = [one for one in self._built("dev", "")[0] if one["metadata"]["name"] == "renderer"]
        for one in faulty:
            if one["kind"] == "Deployment":
                one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] = "another"
        try:
            self._apply(faulty, "--dry-run=server")
        except CannotRun:
            return
        raise TrialFailed("the server takes a deployment that does not select its own pods")

    def _kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl("-n", SPACE, *arguments)

    def _address(self, service: str) -> str:
        found = self.cluster.get(f"/api/v1/namespaces/{SPACE}/services/{service}")
        return str(found["spec"]["clusterIP"])

    def _pods(self, name: str = "") -> list[Manifest]:
        """Those of one deployment, or all but those of jobs; also pods that end."""
        pods: list[Manifest] = self.cluster.get(f"/api/v1/namespaces/{SPACE}/pods")["items"]
        names = [(pod, pod["metadata"]["labels"]["app.kubernetes.io/name"]) for pod in pods]
        return [pod for pod, has in names if has == name or (not name and has != "buckets")]

    def _until_only(self, name: str, count: int) -> None:
        """Until so many of its containers run. Kubelets of this age list pods for a minute after their end."""
        self._until(lambda: len(self._containers(name)) == count, f"{count} containers of {name}", GO_SECONDS)

    def _until(self, found: Callable[[], bool], what: str, seconds: float) -> None:
        give_up = time.monotonic() + seconds
        while not found():
            if time.monotonic() > give_up:
                raise TrialFailed(f"within {seconds:.0f} s there were not {what}")
            time.sleep(0.2)

    def _containers(self, name: str) -> list[str]:
        label = f"label=io.kubernetes.container.name={name}"
        return self.cluster.docker.run("ps", "-q", "--filter", label).split()

    def _busy(self, name: str) -> int:
        """How many of its containers run an ffmpeg."""
        return sum(BUSY in self.cluster.docker.run("top", one, check=False) for one in self._containers(name))

    @contextmanager
    def _exits(self, name: str) -> Iterator[list[str]]:
        """The exit codes of its containers that end in the block, filled in when it is left."""
        codes: list[str] = []
        began = time.time()
        yield codes
        wanted = ("event=die", f"label=io.kubernetes.container.name={name}")
        filters = [part for one in wanted for part in ("--filter", one)]
        times = ("--since", f"{began:.3f}", "--until", f"{time.time():.3f}")
        shown = ("--format", "{{.Actor.Attributes.exitCode}}")
        codes += self.cluster.docker.run("events", *filters, *times, *shown).split()

    def _ended_by_themselves(self, name: str, exits: list[str]) -> None:
        if exits != ["0"]:
            raise TrialFailed(f"the {name} that had to go ended with {', '.join(exits) or 'nothing'} instead of 0")

    @contextmanager
    def _logs(self, name: str) -> Iterator[Callable[[], list[str]]]:
        """What the pods there are log from now on, also those that end; the lines, once the block is left."""
        files, followers = [], []
        for pod in self._pods(name):
            path = self.folder / f"{pod['metadata']['name']}.log"
            files.append(path)
            with path.open("wb") as output:
                command = self.cluster.command("-n", SPACE, "logs", "-f", pod["metadata"]["name"])
                followers.append(subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL))

        def lines() -> list[str]:
            records = [line for path in files for line in path.read_text().splitlines() if line.startswith("{")]
            return [str(json.loads(record).get("message", "")) for record in records]

        try:
            yield lines
        finally:
            for follower in followers:
                follower.terminate()
                follower.wait()

    @contextmanager
    def _forward(self, service: str, ports: str) -> Iterator[None]:
        """`kubectl port-forward`, as the page on Kubernetes has it."""
        command = self.cluster.command("-n", SPACE, "port-forward", f"service/{service}", ports)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        alarm = threading.Timer(FORWARD_SECONDS, process.kill)
        alarm.start()
        try:
            line = process.stdout.readline()
            alarm.cancel()
            if not line.startswith("Forwarding from"):
                raise TrialFailed(f"kubectl port-forward {service} {ports}: {line.strip() or 'it says nothing'}")
            yield
        finally:
            process.terminate()
            process.wait()

    def _order(self, **request: Any) -> str:
        return str(load.ask(f"{self.api}/mcp/generate", request)["job_id"])

    def _status(self, job: str) -> dict[str, Any]:
        return load.ask(f"{self.api}/mcp/status/{job}")

    def _has_ended(self, job: str) -> bool:
        return self._status(job)["status"] in ENDED

    def _wait_for(self, jobs: list[str]) -> None:
        """Until all have ended. Raises `TrialFailed` unless each is completed."""
        for job in jobs:
            self._until(partial(self._has_ended, job), f"an end of {job}", FILM_SECONDS)
            view = self._status(job)
            if view["status"] != "completed":
                raise TrialFailed(f"the job {job} is {view['status']}: {view['error']}")

    def _note(self, what: str, figure: str) -> None:
        self.figures[what] = figure
        self.say(f"{what}: {figure}")


def try_everything(trial: Trial) -> None:
    for name in ("api", "renderer"):
        trial.cluster.docker.run("tag", name_of(name), name_of(name, NEXT))
    try:
        _try_all_parts(trial)
    except TrialFailed:
        trial.keep_logs()
        raise


def _try_all_parts(trial: Trial) -> None:
    trial.hold_overlays_to_the_server()
    trial.start()
    trial.make_a_film()
    trial.follow_the_page()
    trial.upgrade("api")
    trial.upgrade("renderer")
    trial.scale_in("120")
    trial.scale_in("1")
    trial.judge()
    trial.remove()
