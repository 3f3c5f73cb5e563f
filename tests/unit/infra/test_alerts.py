"""The alerts: the same everywhere, about figures that exist, and each fires when it should (if promtool is there)."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as families

from common.contracts.job import WorkerInfo
from common.worker.drain import Drain
from common.worker.health import Health, Pulse
from tests.support.manifests import ROOT, Manifest, built
from tests.support.quiet_store import figures

ALERTS = ROOT / "infra" / "compose" / "alerts.yml"
CASES = Path(__file__).with_name("alerts.yml")
OF_A_CLUSTER = {"kube_deployment_status_replicas_available", "kube_pod_container_status_restarts_total"}
"Figures of kube-state-metrics that are used; its documentation lists them."
FUNCTIONS = {"absent", "and", "changes", "increase", "max", "sum"}
"Words of Prometheus."
API, WORKERS = "reelwright-api", "reelwright-workers"


def groups(manifest: Manifest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manifest["groups"]
    return found


def in_cluster() -> list[dict[str, Any]]:
    (rules,) = built("prod", "monitoring").all("PrometheusRule")
    return groups(rules["spec"])


def rules() -> list[dict[str, Any]]:
    return [rule for group in in_cluster() for rule in group["rules"]]


def test_a_cluster_has_the_alerts_of_compose_and_some_of_its_own() -> None:
    first, *own = in_cluster()
    assert [first] == groups(yaml.safe_load(ALERTS.read_text())), "copy the groups of one file into the other"
    assert [group["name"] for group in own] == ["reelwright-kubernetes"]


def told() -> dict[str, set[tuple[str, str]]]:
    """Names of figures of ours, and the labels with their values that each may have."""
    health = Health(WorkerInfo("renderer-1", "renderer", 2, {}), Pulse(), Drain(), lambda: True)
    texts = (figures(), health.answer("/metrics")[2].decode())
    found: dict[str, set[tuple[str, str]]] = {}
    for sample in (one for text in texts for family in families(text) for one in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels.items())
    return found


def labels_of(name: str) -> set[tuple[str, str]]:
    """The labels that a figure may have and an alert may ask for."""
    if name == "up":
        return {("job", API), ("job", WORKERS)}
    if name in OF_A_CLUSTER:
        prod = built("prod")
        deployments = {("deployment", one["metadata"]["name"]) for one in prod.all("Deployment")}
        return deployments | {("namespace", prod.all("Namespace")[0]["metadata"]["name"])}
    return told()[name]


def test_alerts_ask_for_figures_and_labels_that_exist() -> None:
    for rule in rules():
        plain = re.sub(r"\{[^}]*\}|\[\w+\]|\bby \([^)]*\)|\bon \([^)]*\)", " ", rule["expr"])
        names = set(re.findall(r"[a-z_]+", plain)) - FUNCTIONS
        assert names, rule["expr"]
        assert names <= told().keys() | OF_A_CLUSTER | {"up"}, rule["alert"]
        for name, selector in re.findall(r"(\w+)\{([^}]*)\}", rule["expr"]):
            for label, values in re.findall(r'(\w+)[!=]=?~?"([^"]*)"', selector):
                assert {(label, value) for value in values.split("|")} <= labels_of(name), rule["alert"]


def test_the_targets_have_the_names_that_alerts_go_by() -> None:
    compose = yaml.safe_load((ROOT / "infra" / "compose" / "prometheus.yml").read_text())
    assert {one["job_name"] for one in compose["scrape_configs"]} == {API, WORKERS}
    assert compose["rule_files"] == [ALERTS.name]
    prometheus = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["prometheus"]
    assert f"./{ALERTS.relative_to(ROOT)}:/etc/prometheus/{ALERTS.name}:ro" in prometheus["volumes"]
    manifests = built("prod", "monitoring")
    for name, job, port in (("api", API, "http"), ("workers", WORKERS, "health")):
        monitor = manifests.one("PodMonitor", name)["spec"]
        (endpoint,) = monitor["podMetricsEndpoints"]
        assert endpoint["port"] == port
        assert {"targetLabel": "job", "replacement": job} in endpoint["relabelings"]
        if name == "api":
            assert endpoint["authorization"]["credentials"]["name"] in manifests.secrets("api")


def test_every_alert_tells_what_to_do_and_has_a_case_in_which_it_fires() -> None:
    text = CASES.read_text()
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["labels"]["app"] == "reelwright", "others may have alerts of the same name"
        assert rule["annotations"].keys() == {"summary", "description"}
        assert f'alertname="{rule["alert"]}"' in text


def check(promtool: str, folder: Path) -> None:
    """The cases of the alerts, and the configuration of the Prometheus of compose."""
    (folder / "cases").mkdir()
    (folder / "cases" / "alerts.yml").write_text(yaml.safe_dump({"groups": in_cluster()}))
    shutil.copy(CASES, folder / "cases" / "cases.yml")
    for path in (ROOT / "infra" / "compose" / "prometheus.yml", ALERTS):
        shutil.copy(path, folder)
    for command in ("test rules cases/cases.yml", "check config prometheus.yml"):
        done = subprocess.run([promtool, *command.split()], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; it comes with Debian's package prometheus, which a slow test fetches")
    check(promtool, tmp_path)


@pytest.mark.slow
def test_alerts_fire_by_the_promtool_of_debian(tmp_path: Path) -> None:
    if shutil.which("promtool") is not None:
        pytest.skip("promtool is here, and the everyday test uses it")
    if shutil.which("apt-get") is None:
        pytest.skip("promtool is not here, and there is no apt-get to fetch Debian's package prometheus with")
    fetch = "apt-get update -qq && apt-get download -qq prometheus && dpkg -x prometheus_*.deb unpacked"
    done = subprocess.run(["sh", "-c", fetch], cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"promtool is not here, and Debian's package prometheus cannot be fetched: {done.stderr[-200:]}")
    check(str(tmp_path / "unpacked" / "usr" / "bin" / "promtool"), tmp_path)
