"""The simulated cluster is the one of infra/k8s."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.scaling.autoscaler import Policy, Rules
from benchmarks.scaling.cluster import BY_PROCESSOR, DRAIN, OTHERS, PLACES, SLOTS, by_load
from benchmarks.scaling.simulation import RENDER
from common.messaging.queues import QUEUES
from common.settings import Settings

K8S = Path(__file__).parents[3] / "infra" / "k8s"
RULES = {RENDER: by_load(), **{queue: service.rules for queue, service in OTHERS.items()}}


def documents(path: Path) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(path.read_text())}


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_scaling_is_simulated_by_the_rules_of_the_manifests(queue: str) -> None:
    name = QUEUES[queue].consumer.replace("_", "-")
    spec = documents(K8S / "components" / "keda" / "scaled-objects.yaml")[name]["spec"]
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    (load,) = (one for one in spec["triggers"] if "queue_load" in one["metadata"]["valueLocation"])
    assert re.search(r'queue="(\w+)"', load["metadata"]["valueLocation"])[1] == queue  # type: ignore[index]
    assert RULES[queue] == Rules(
        target=float(load["metadata"]["targetValue"]),
        least=spec["minReplicaCount"],
        most=spec["maxReplicaCount"],
        poll=spec["pollingInterval"],
        cooldown=spec["cooldownPeriod"],
        window=down["stabilizationWindowSeconds"],
        down=tuple(map(policy, down["policies"])),
        by_jobs=len(spec["triggers"]) > 1,
    )


def test_without_keda_scaling_is_simulated_by_the_processor_time_of_the_manifests() -> None:
    spec = documents(K8S / "components" / "hpa" / "autoscalers.yaml")["renderer"]["spec"]
    down = spec["behavior"]["scaleDown"]
    (metric,) = spec["metrics"]
    assert metric["resource"]["name"] == "cpu"
    share = metric["resource"]["target"]["averageUtilization"] / 100
    assert (
        Rules(
            target=pytest.approx(share * float(renderer()["resources"]["requests"]["cpu"])),
            least=spec["minReplicas"],
            most=spec["maxReplicas"],
            window=down["stabilizationWindowSeconds"],
            down=tuple(map(policy, down["policies"])),
            by_cores=True,
        )
        == BY_PROCESSOR
    )


@pytest.mark.parametrize("path", ["keda/scaled-objects.yaml", "hpa/autoscalers.yaml"])
def test_pods_are_added_as_kubernetes_does_where_nothing_else_is_said(path: str) -> None:
    """The simulation takes its usual policies for growing."""
    for one in documents(K8S / "components" / path).values():
        spec = one["spec"]
        assert spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", spec)["behavior"].keys() == {"scaleDown"}


def policy(about: dict[str, Any]) -> Policy:
    by_type = {"Pods": {"pods": about["value"]}, "Percent": {"percent": about["value"]}}
    return Policy(about["periodSeconds"], **by_type[about["type"]])


def renderer() -> dict[str, Any]:
    (container,) = documents(K8S / "base" / "renderer.yaml")["renderer"]["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def test_a_simulated_renderer_has_the_cores_and_the_patience_of_a_real_one() -> None:
    assert float(renderer()["resources"]["limits"]["cpu"]) == SLOTS
    assert {"name": "DRAIN_SECONDS", "value": f"{DRAIN:g}"} in renderer()["env"]


def test_as_many_jobs_run_at_once_as_by_default() -> None:
    assert Settings().max_concurrent_jobs == PLACES
