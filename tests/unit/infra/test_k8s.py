"""The manifests: the same processes as everywhere, with the settings they read and no more rights than they need."""

import math
import re
from dataclasses import fields
from typing import Any

import pytest
import yaml

from api.http.parameters import MAX_WAIT
from api.main import GRACE_SECONDS
from common.settings import Settings
from common.settings.reading import about
from infra.processes import BUCKETS, PROCESSES, Process
from tests.support.manifests import ROOT, Manifests, built, container_of, selects

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DOCUMENT = (ROOT / "docs" / "kubernetes.md").read_text()
READERS = {one.name.upper(): about(one).readers for one in fields(Settings)}
SECRET = {one.name.upper() for one in fields(Settings) if about(one).secret}
BY_HAND = {
    "reelwright-state": {"STATE_URL": "rediss://:secret@redis.example.com:6379/0"},
    "reelwright-broker": {"BROKER_URL": "rediss://:secret@redis.example.com:6379/1"},
    "reelwright-s3": {"S3_ACCESS_KEY": "name", "S3_SECRET_KEY": "secret"},
    "reelwright-metrics": {"METRICS_TOKEN": "secret"},
    "reelwright-footage": {"PEXELS_API_KEY": "secret", "PIXABAY_API_KEY": "secret"},
}
"Secrets of `prod`, as the page on Kubernetes has them made."
PLACES = ("STATE_URL", "BROKER_URL", "S3_ENDPOINT", "S3_PUBLIC_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY")
"Settings whose defaults mean this machine."
COMPOSE_PORTS = {"api_port": "http", "metrics_port": "health"}
"Settings with a port, and the names of the ports."
BYTES = {"Mi": 2**20, "Gi": 2**30, "m": 2**20, "g": 2**30}

in_both = pytest.mark.parametrize("overlay", ["dev", "prod"])
of_each = pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)


def named(process: Process) -> str:
    """Kubernetes allows no underscores."""
    return process.name.replace("_", "-")


def cores(text: str) -> float:
    return float(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)


def size(text: str) -> int:
    found = re.fullmatch(r"(\d+)(\w+)", text)
    assert found is not None
    return int(found[1]) * BYTES[found[2]]


def settings_of(manifests: Manifests, process: Process) -> Settings:
    return Settings.from_env(manifests.environment(named(process), BY_HAND), process.name)


# the same processes as in compose and in the Procfile


@in_both
def test_there_are_the_five_services_and_the_job_that_makes_buckets(overlay: str) -> None:
    manifests = built(overlay)
    services = {named(process) for process in PROCESSES}
    stores = {"state", "broker", "s3"} if overlay == "dev" else set()
    assert {one["metadata"]["name"] for one in manifests.all("Deployment")} == services | stores
    container = container_of(manifests.one("Job", "buckets")["spec"]["template"])
    assert container["command"] == BUCKETS
    assert container["image"] == container_of(manifests.pods()["api"])["image"]


@in_both
@of_each
def test_a_pod_is_built_started_and_asked_as_in_compose(overlay: str, process: Process) -> None:
    manifests, compose = built(overlay), SERVICES[process.name]
    container = container_of(manifests.pods()[named(process)])
    repository, _, tag = container["image"].rpartition(":")
    assert repository.endswith(f"reelwright/{process.name}")
    assert tag
    assert not container.keys() & {"command", "args"}, "they are those of the image"
    (port,) = container["ports"]
    assert str(port["containerPort"]) == compose["environment"][process.port.upper()]
    assert port["name"] == COMPOSE_PORTS[process.port]
    paths = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}
    assert size(container["resources"]["limits"]["memory"]) == size(compose["deploy"]["resources"]["limits"]["memory"])
    given = manifests.environment(named(process), BY_HAND)
    for name in ("WORK_DIR", "METRICS_HOST", "METRICS_PORT", "API_HOST", "API_PORT"):
        assert given.get(name) == compose["environment"].get(name, given.get(name)), name


@of_each
def test_probes_wait_longer_than_what_they_ask_may_take(process: Process) -> None:
    container = container_of(built("prod").pods()[named(process)])
    assert container["readinessProbe"]["timeoutSeconds"] > 2, "that is how long an API looks at its stores"
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] >= 60
    assert container["livenessProbe"]["periodSeconds"] * container["livenessProbe"]["failureThreshold"] >= 60


def test_a_renderer_has_as_many_cores_as_in_compose_and_takes_its_slots_from_them() -> None:
    container = container_of(built("prod").pods()["renderer"])
    limit = float(SERVICES["renderer"]["deploy"]["resources"]["limits"]["cpus"])
    assert cores(container["resources"]["limits"]["cpu"]) == limit == math.ceil(limit)
    renderer = next(process for process in PROCESSES if process.name == "renderer")
    assert settings_of(built("prod"), renderer).render_slots == 0


@pytest.mark.parametrize("name", ["state", "broker", "s3"])
def test_the_stores_of_dev_are_those_of_compose(name: str) -> None:
    manifests, compose = built("dev"), SERVICES[name]
    container = container_of(manifests.pods()[name])
    assert container["image"] == compose["image"]
    asked = [re.sub(r"^\$[{(].*", "password", word) for word in compose.get("command", [])]
    assert [re.sub(r"^\$[{(].*", "password", word) for word in container.get("args", [])] == asked
    assert manifests.environment(name).keys() == compose["environment"].keys()
    port = manifests.one("Service", name)["spec"]["ports"][0]["port"]
    assert container["ports"][0]["containerPort"] == port


# settings


@in_both
@of_each
def test_a_service_accepts_its_settings_and_finds_no_other(overlay: str, process: Process) -> None:
    given = built(overlay).environment(named(process), BY_HAND)
    reading = Settings.read(given, process.name)
    assert reading.notes == ()
    for name in PLACES:
        assert (name in given) == (process.name in READERS[name]), name
    for name in SECRET & given.keys():
        assert process.name in READERS[name], f"{process.name} has no use for {name}"
    assert given.keys() <= READERS.keys()
    if process.port == "api_port":
        assert given["METRICS_TOKEN"]
        assert "METRICS_NETWORKS" not in given, "whoever comes through the ingress has an address of the cluster"


@in_both
def test_the_job_that_makes_buckets_has_the_keys_of_the_store_and_no_other(overlay: str) -> None:
    given = built(overlay).environment("buckets", BY_HAND)
    Settings.read(given, "buckets")
    assert SECRET & given.keys() == {"S3_ACCESS_KEY", "S3_SECRET_KEY"}


def test_the_settings_of_all_services_are_no_secrets() -> None:
    for overlay in ("dev", "prod"):
        for one in built(overlay).all("ConfigMap"):
            assert not SECRET & one["data"].keys()


def test_dev_makes_all_secrets_that_a_pod_needs_and_prod_makes_none() -> None:
    made = {one["metadata"]["name"]: one["data"].keys() for one in built("dev").all("Secret")}
    for pod in built("dev").pods():
        assert {name for name, needed in built("dev").secrets(pod).items() if needed} <= made.keys()
    assert built("prod").all("Secret") == []
    assert {name for pod in built("prod").pods() for name in built("prod").secrets(pod)} == BY_HAND.keys()
    for name, keys in BY_HAND.items():
        assert re.search(rf"secret generic {name}\b", DOCUMENT), f"the page does not say how to make {name}"
        assert all(key in DOCUMENT for key in keys)


def test_the_stores_of_dev_know_the_keys_that_the_services_show() -> None:
    dev = built("dev")
    renderer = dev.environment("renderer")
    for name, variable in (("state", "STATE_URL"), ("broker", "BROKER_URL")):
        assert renderer[variable] == f"redis://:{dev.environment(name)['REDISCLI_AUTH']}@{name}:6379/0"
    store = dev.environment("s3")
    assert (store["AWS_ACCESS_KEY_ID"], store["AWS_SECRET_ACCESS_KEY"]) == (
        renderer["S3_ACCESS_KEY"],
        renderer["S3_SECRET_KEY"],
    )
    assert renderer["S3_ENDPOINT"] == f"http://s3:{dev.one('Service', 's3')['spec']['ports'][0]['port']}"


def test_prod_runs_released_images_and_no_stores() -> None:
    images = [container_of(template)["image"] for template in built("prod").pods().values()]
    tags = {image.rpartition(":")[2] for image in images}
    assert all("/reelwright/" in image for image in images)
    assert len(tags) == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", tags.pop())


# rights


@in_both
def test_every_pod_keeps_the_restricted_profile(overlay: str) -> None:
    for name, template in built(overlay).pods().items():
        pod, container = template["spec"], container_of(template)
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "else a service named api sets API_PORT"
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
        assert all(volume.keys() == {"name", "emptyDir"} for volume in pod["volumes"])
        assert all(volume["emptyDir"].keys() == {"sizeLimit"} for volume in pod["volumes"])


@in_both
def test_pods_of_ours_run_as_the_user_of_their_image_and_write_where_it_can(overlay: str) -> None:
    manifests = built(overlay)
    for name in (*map(named, PROCESSES), "buckets"):
        pod = manifests.pods()[name]["spec"]
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == 10001
        mounted = {one["mountPath"] for one in container_of({"spec": pod})["volumeMounts"]}
        assert mounted == {"/tmp", manifests.environment(name)["WORK_DIR"]}


@in_both
def test_the_namespace_refuses_pods_with_more_rights(overlay: str) -> None:
    (namespace,) = built(overlay).all("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert all(
        one["metadata"]["namespace"] == namespace["metadata"]["name"]
        for one in built(overlay).objects
        if one is not namespace
    )


# coming and going


@in_both
@of_each
def test_pods_have_longer_to_end_than_their_work(overlay: str, process: Process) -> None:
    pod = built(overlay).pods()[named(process)]["spec"]
    if process.port == "api_port":
        (command, seconds) = container_of({"spec": pod})["lifecycle"]["preStop"]["exec"]["command"]
        assert command == "sleep"
        assert int(seconds) >= MAX_WAIT
        work = int(seconds) + GRACE_SECONDS
    else:
        work = int(settings_of(built(overlay), process).drain_seconds)
    assert pod["terminationGracePeriodSeconds"] >= work + 10
    assert pod["terminationGracePeriodSeconds"] >= 150 or process.name != "renderer"


@in_both
def test_pods_go_one_by_one_and_spread(overlay: str) -> None:
    manifests = built(overlay)
    for process in PROCESSES:
        about = manifests.one("Deployment", named(process))["spec"]
        labels = about["template"]["metadata"]["labels"]
        assert selects(about["selector"], labels)
        budgets = [
            one["spec"] for one in manifests.all("PodDisruptionBudget") if selects(one["spec"]["selector"], labels)
        ]
        assert [budget["maxUnavailable"] for budget in budgets] == [1]
        assert about["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        spread = about["template"]["spec"]["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
        for one in spread:
            assert selects(one["labelSelector"], labels)
            assert one["matchLabelKeys"][0] in about["selector"]["matchLabels"]


@in_both
def test_every_pod_says_what_it_needs_and_has_a_limit_of_memory(overlay: str) -> None:
    for template in built(overlay).pods().values():
        resources = container_of(template)["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        assert size(resources["requests"]["memory"]) <= size(resources["limits"]["memory"])
        assert cores(resources["requests"]["cpu"]) <= cores(resources["limits"].get("cpu", "64"))


def test_dev_fits_a_machine_with_two_cores_twice() -> None:
    dev = built("dev")
    asked = [
        cores(container_of(one["spec"]["template"])["resources"]["requests"]["cpu"]) * one["spec"].get("replicas", 1)
        for one in dev.all("Deployment", "Job")
    ]
    assert sum(asked) < 1


@in_both
def test_the_job_that_makes_buckets_goes_away_before_it_has_to_be_changed(overlay: str) -> None:
    assert built(overlay).one("Job", "buckets")["spec"]["ttlSecondsAfterFinished"] <= 600
    assert "delete job buckets --ignore-not-found" in DOCUMENT


def test_the_ingress_lets_uploads_and_long_answers_through_and_strangers_stay_outside() -> None:
    (ingress,) = built("prod").all("Ingress")
    notes = {name.rpartition("/")[2]: text for name, text in ingress["metadata"]["annotations"].items()}
    assert size(notes["proxy-body-size"]) > Settings().max_upload_mb * 2**20
    assert notes["proxy-request-buffering"] == notes["proxy-buffering"] == "off"
    assert min(int(notes["proxy-read-timeout"]), int(notes["proxy-send-timeout"])) > MAX_WAIT
    assert "0.0.0.0/0" not in notes["whitelist-source-range"]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    service = built("prod").one("Service", backend["name"])["spec"]
    assert backend["port"]["name"] in [port["name"] for port in service["ports"]]
    assert selects({"matchLabels": service["selector"]}, built("prod").pods()["api"]["metadata"]["labels"])
