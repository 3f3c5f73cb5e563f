"""A Kubernetes of one node: etcd, the five programs of Kubernetes, a Docker engine, and names of services."""

import csv
import json
import os
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from infra.cluster.apart import ADDRESS, BRIDGE, GROUP, SERVICES, run
from infra.images.engine import CannotRun, Docker, own_engine

NAME = "node"
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "pause")
"What build-kubernetes leaves in its folder."
PAUSE = "reelwright/pause:1"
SERVER = f"https://{ADDRESS}:6443"
TOKEN = "the-trial-of-a-cluster"
"Of the only user. Nobody else reaches the server."
READY_SECONDS, STOP_SECONDS, NAMES_SECONDS = 180.0, 30.0, 0.5
ZONE = "svc.cluster.local"
GATES = "--feature-gates=TTLAfterFinished=true"
"Jobs that go away when they are done: known to 1.20, and not switched on."


class Cluster:
    """A running Kubernetes as its users and its node see it."""

    def __init__(self, kubectl: str, config: Path, authority: Path, docker: Docker) -> None:
        self._program, self.config, self.docker = kubectl, config, docker
        self._tls = ssl.create_default_context(cafile=str(authority))

    def command(self, *arguments: str) -> list[str]:
        return [self._program, "--kubeconfig", str(self.config), *arguments]

    def kubectl(self, *arguments: str, data: str | None = None) -> str:
        """The output of `kubectl ARGUMENTS` with `data` as its input. Raises `CannotRun` with its last words."""
        return run(*self.command(*arguments), data=data.encode() if data is not None else None)

    def get(self, path: str) -> dict[str, Any]:
        """An answer of the API. Raises `OSError` if there is none."""
        request = urllib.request.Request(SERVER + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10, context=self._tls) as answer:
            return dict(json.load(answer))

    def answers(self) -> bool:
        try:
            self.get("/api/v1/nodes")
        except OSError:
            return False
        return True

    def ready(self) -> bool:
        nodes = self.get("/api/v1/nodes")["items"]
        conditions = [condition for node in nodes for condition in node["status"]["conditions"]]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@contextmanager
def node(programs: Path, kubectl: str, folder: Path, data: Path) -> Iterator[Cluster]:
    """A node that is ready, until the block ends.

    `programs` is the folder of `PROGRAMS`, `folder` is for its own files, `data` is that of the engine with the images.
    """
    if missing := [name for name in PROGRAMS if not (programs / name).exists()]:
        raise CannotRun(f"{programs} has no {', '.join(missing)}; infra/cluster/build-kubernetes makes them")
    config, certificates = _identity(folder)
    logs = folder / "logs"
    logs.mkdir()
    with ExitStack() as stack:

        def start(name: str, command: list[str]) -> Callable[[], bool]:
            return stack.enter_context(_running(command, logs / f"{name}.log"))

        lives = start("etcd", ["etcd", "--data-dir", str(folder / "etcd"), "--log-level", "error"])
        server = start("kube-apiserver", _api_server(programs, folder))
        _until(certificates.exists, "kube-apiserver", server, logs)
        docker = stack.enter_context(_engine(folder, data))
        cluster = Cluster(kubectl, config, certificates, docker)
        _until(cluster.answers, "kube-apiserver", lambda: lives() and server(), logs)
        start("kube-controller-manager", _controllers(programs, folder, certificates))
        start("kube-scheduler", [str(programs / "kube-scheduler"), *_client(folder), *_ALONE])
        _make_pause(docker, programs)
        stack.enter_context(_names(cluster, folder, start))
        kubelet = start("kubelet", _kubelet(programs, folder, docker))
        start("kube-proxy", _proxy(programs, folder))
        _until(cluster.ready, "kubelet", kubelet, logs)
        yield cluster


def _identity(folder: Path) -> tuple[Path, Path]:
    """Files: keys, the one user, how to reach the server. The paths of the last and of the certificate to come."""
    run("openssl", "genrsa", "-out", str(folder / "accounts.key"), "2048")
    with (folder / "users.csv").open("w") as users:
        csv.writer(users).writerow([TOKEN, "admin", "admin", "system:masters"])
    certificates = folder / "certificates" / "apiserver.crt"
    access = {"server": SERVER, "certificate-authority": str(certificates)}
    context = {"cluster": NAME, "user": "admin"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": access}],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": NAME, "context": context}],
        "current-context": NAME,
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))  # YAML holds JSON
    return path, certificates


def _api_server(programs: Path, folder: Path) -> list[str]:
    key = folder / "accounts.key"
    return [
        str(programs / "kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        f"--cert-dir={folder / 'certificates'}",
        f"--advertise-address={ADDRESS}",
        f"--service-cluster-ip-range={SERVICES}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={folder / 'users.csv'}",
        "--authorization-mode=RBAC",
        "--kubelet-preferred-address-types=InternalIP",  # no server knows the name of the node
        GATES,
    ]


_ALONE = ("--leader-elect=false", "--port=0", "--bind-address=127.0.0.1")


def _client(folder: Path) -> list[str]:
    return [f"--kubeconfig={folder / 'kubeconfig'}"]


def _controllers(programs: Path, folder: Path, certificates: Path) -> list[str]:
    key = folder / "accounts.key"
    accounts = [f"--service-account-private-key-file={key}", f"--root-ca-file={certificates}"]
    own = [f"--cert-dir={folder / 'controllers'}", GATES]
    return [str(programs / "kube-controller-manager"), *_client(folder), *_ALONE, *accounts, *own]


def _kubelet(programs: Path, folder: Path, docker: Docker) -> list[str]:
    (folder / "resolv.conf").write_text("")
    return [
        str(programs / "kubelet"),
        *_client(folder),
        f"--hostname-override={NAME}",
        f"--node-ip={ADDRESS}",
        f"--root-dir={folder / 'kubelet'}",
        f"--cert-dir={folder / 'kubelet-certificates'}",
        f"--volume-plugin-dir={folder / 'plugins'}",
        f"--docker-endpoint={docker.env['DOCKER_HOST']}",
        f"--pod-infra-container-image={PAUSE}",
        f"--cluster-dns={ADDRESS}",
        "--cluster-domain=cluster.local",
        f"--resolv-conf={folder / 'resolv.conf'}",
        "--anonymous-auth=true",  # only the API server of this world reaches it
        "--authorization-mode=AlwaysAllow",
        # The machine belongs to others, too: its groups, its swap and its disk are as they are.
        "--cgroup-driver=cgroupfs",
        "--cgroups-per-qos=false",
        "--enforce-node-allocatable=",
        "--fail-swap-on=false",
        "--oom-score-adj=0",
        "--eviction-hard=memory.available<100Mi,nodefs.available<1Gi",
        "--image-gc-high-threshold=100",  # never: no registry has what it would remove
    ]


def _proxy(programs: Path, folder: Path) -> list[str]:
    untouched = ("max-per-core", "tcp-timeout-established", "tcp-timeout-close-wait")
    return [
        str(programs / "kube-proxy"),
        *_client(folder),
        f"--hostname-override={NAME}",
        "--proxy-mode=iptables",
        "--oom-score-adj=0",
        # Pods share a bridge, on which an answer would else come back past the firewall that has to translate it.
        "--masquerade-all",
        *(f"--conntrack-{name}=0" for name in untouched),
    ]


@contextmanager
def _engine(folder: Path, data: Path) -> Iterator[Docker]:
    # What tells of processes stays inside, where it ends with them: outside their numbers would be those of others.
    options = ["--exec-root=/run/docker", "--pidfile=/run/docker.pid"]
    options += [f"--bridge={BRIDGE}", f"--cgroup-parent=/{GROUP}"]
    if not _may_lower_oom_scores():
        options += [f"--add-runtime=no-oom-scores={Path(__file__).with_name('runc-no-oom-scores')}"]
        options += ["--default-runtime=no-oom-scores"]
    with own_engine(data, *options) as docker:
        _remove_pods(docker)
        yield docker
        _remove_pods(docker)


def _remove_pods(docker: Docker) -> None:
    """Containers of a run that was cut short, and those that a kubelet had no time to remove."""
    if found := docker.run("ps", "-aq", "--filter", "label=io.kubernetes.pod.name").split():
        docker.run("rm", "-f", "-v", *found)


def _may_lower_oom_scores() -> bool:
    """Kubelets shield containers from the kernel's search for memory; not every root has the right to."""
    score = Path("/proc/self/oom_score_adj")
    before = score.read_text()
    try:
        score.write_text(str(int(before) - 1))
    except OSError:
        return False
    score.write_text(before)
    return True


def _make_pause(docker: Docker, programs: Path) -> None:
    if docker.has(PAUSE):
        return
    tar = subprocess.Popen(["tar", "-C", str(programs), "-cf", "-", "pause"], stdout=subprocess.PIPE)
    docker.pipe(tar, "import", "--change", 'ENTRYPOINT ["/pause"]', "-", PAUSE)


@contextmanager
def _names(cluster: Cluster, folder: Path, start: Callable[[str, list[str]], object]) -> Iterator[None]:
    """A name for each service while the block runs, as the DNS of a cluster gives them."""
    hosts, pid = folder / "hosts", folder / "dnsmasq.pid"
    hosts.write_text("")
    options = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root"]
    files = [f"--addn-hosts={hosts}", f"--pid-file={pid}"]
    listen = [f"--listen-address={ADDRESS}", "--bind-interfaces", "--local=/cluster.local/"]
    start("dnsmasq", ["dnsmasq", *options, *files, *listen])
    stop = threading.Event()

    def follow() -> None:
        while not stop.wait(NAMES_SECONDS):
            try:
                wanted = names(cluster.get("/api/v1/services")["items"])
            except OSError:
                continue  # the server is busy, or ends
            if wanted != hosts.read_text() and pid.exists():
                hosts.write_text(wanted)
                os.kill(int(pid.read_text()), 1)  # SIGHUP: it reads the file again

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def names(services: list[dict[str, Any]]) -> str:
    """Lines for a hosts file."""
    lines = []
    for service in services:
        address, about = service["spec"].get("clusterIP"), service["metadata"]
        if address and address != "None":
            lines.append(f"{address} {about['name']}.{about['namespace']}.{ZONE}\n")
    return "".join(sorted(lines))


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[Callable[[], bool]]:
    """A program until the block ends, and whether it lives."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        except FileNotFoundError:
            raise CannotRun(f"{command[0]} is missing; docs/kubernetes.md lists what the trial needs") from None
    try:
        yield lambda: process.poll() is None
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(found: Callable[[], bool], name: str, lives: Callable[[], bool], logs: Path) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while not found():
        if not lives() or time.monotonic() > give_up:
            last = (logs / f"{name}.log").read_text().strip().splitlines()[-1:] or ["it says nothing"]
            raise CannotRun(f"{name} does not get ready: {last[0]}")
        time.sleep(0.3)
