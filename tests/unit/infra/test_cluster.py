"""The parts of the trial on a real Kubernetes that need none."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.cluster import outside
from infra.cluster.apart import HIDDEN, prepare
from infra.cluster.load import Load
from infra.cluster.node import names, node
from infra.cluster.rewrites import CHANGES, rewritten
from infra.images.engine import CannotRun
from tests.support.manifests import ROOT, built
from tests.support.waiting import eventually

PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
BUILDS = (("dev",), ("dev", "hpa"), ("prod",), ("prod", "hpa"))


def test_every_rewriting_is_needed_and_on_the_page() -> None:
    manifests = [one for build in BUILDS for one in built(*build).objects]
    before = copy.deepcopy(manifests)
    _, done = rewritten(manifests)
    assert done == [change.what for change in CHANGES]
    assert manifests == before, "only the copies are rewritten"
    assert [change for change in done if change not in PAGE] == []


def test_what_was_rewritten_needs_it_no_more() -> None:
    for build in BUILDS:
        manifests, _ = rewritten(built(*build).objects)
        assert rewritten(manifests) == (manifests, [])


def test_services_have_names_unless_they_have_no_address() -> None:
    def service(name: str, address: str) -> dict[str, object]:
        return {"metadata": {"name": name, "namespace": "reelwright"}, "spec": {"clusterIP": address}}

    listed = [service("s3", "10.96.0.7"), service("headless", "None"), service("api", "10.96.0.5")]
    assert names(listed).splitlines() == [
        "10.96.0.5 api.reelwright.svc.cluster.local",
        "10.96.0.7 s3.reelwright.svc.cluster.local",
    ]


def test_without_programs_the_reason_and_the_cure_are_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotRun, match=r"has no kube-apiserver, .*; infra/cluster/build-kubernetes makes them"),
        node(tmp_path, "kubectl", tmp_path, tmp_path),
    ):
        pass


def test_packages_that_are_missing_are_named_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        CannotRun,
        match=r"^programs are missing: apt-get install --no-install-recommends conntrack .*etcd-server .*socat",
    ):
        outside.require_tools()


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(CannotRun, match="run it as root"):
        outside.require_tools()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_folder_that_the_node_would_hide_is_refused(hidden: str) -> None:
    """Before anything is mounted."""
    with pytest.raises(CannotRun, match=f"is in {hidden}, of which the node has its own; choose a folder elsewhere"):
        prepare(Path(hidden) / "reelwright")


@contextmanager
def service(status: int) -> Iterator[str]:
    """Takes orders, and answers everything else with this status."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            ordered = self.path == "/mcp/generate"
            body = json.dumps({"job_id": "job_1"}).encode()
            self.send_response(202 if ordered else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_load_counts_what_it_asks_and_what_fails() -> None:
    with service(200) as address:
        load = Load(address, "in a test")
        with load.going_on():
            eventually(lambda: {"look", "listen", "order"} <= load.made.keys())
    assert (load.failures, load.jobs) == ([], ["job_1"])
    with service(503) as address:
        load = Load(address, "in a test")
        with load.going_on():
            eventually(lambda: {"look", "listen", "order"} <= load.made.keys())
    failed = Counter(failure.partition(" ")[0] for failure in load.failures)
    assert failed == Counter(look=load.made["look"], listen=load.made["listen"]), "each request has one try"


def test_a_service_that_is_away_fails_every_request() -> None:
    load = Load("http://127.0.0.1:9", "in a test")
    with load.going_on():
        eventually(lambda: {"look", "listen", "order"} <= load.made.keys())
    assert len(load.failures) == load.made.total()
