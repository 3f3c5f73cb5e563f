"""What scales the services: the figures it goes by, its limits, and that nothing is lost when pods go."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from api.metrics import WAITING
from common.contracts.job import LANES, PREVIEW
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName
from common.contracts.request import VideoRequest
from common.messaging.queues import QUEUES
from common.settings import Settings
from tests.support.manifests import Manifest, Manifests, built, container_of
from tests.support.quiet_store import figures
from tests.support.sim import Sim

KNOWN = {"url", "format", "valueLocation", "targetValue", "authMode"}
"Members of a metrics-api trigger that are used here. KEDA ignores unknown ones, so a misspelt one must be seen by us."
SLOTS = {
    "orchestrator": "orchestrator_slots",
    "retriever": "retriever_slots",
    "whisper_worker": "speech_slots",
    "renderer": "render_slots",
}


def scaled() -> Manifests:
    return built("prod", "keda")


def scaler(name: str) -> dict[str, Any]:
    found: dict[str, Any] = scaled().one("ScaledObject", name)["spec"]
    return found


def triggers(name: str) -> dict[str, float]:
    """The figures that a service is scaled by, and how much of each one pod is for."""
    return {one["metadata"]["valueLocation"]: float(one["metadata"]["targetValue"]) for one in scaler(name)["triggers"]}


def load(queue: str) -> str:
    return f'reelwright_queue_load{{queue="{queue}"}}'


def test_every_worker_is_scaled_and_by_nobody_else() -> None:
    workers = {queue.consumer.replace("_", "-") for queue in QUEUES.values()}
    assert {one["spec"]["scaleTargetRef"]["name"] for one in scaled().all("ScaledObject")} == workers
    for name in workers:
        assert "replicas" not in scaled().one("Deployment", name)["spec"], "applying again would set it back"
    assert scaled().one("Deployment", "api")["spec"]["replicas"] == 2


@pytest.mark.parametrize("queue", QUEUES.values(), ids=lambda queue: queue.name)
def test_a_worker_is_scaled_by_the_load_of_its_queue_at_its_slots_to_each_pod(queue: Any) -> None:
    name = queue.consumer.replace("_", "-")
    slots = getattr(Settings(), SLOTS[queue.consumer])
    if slots == 0:
        limit = container_of(scaled().pods()[name])["resources"]["limits"]["cpu"]
        slots = math.ceil(float(limit))
    assert triggers(name)[load(queue.name)] == slots


def test_the_api_always_tells_the_figures_that_are_asked_for() -> None:
    told = {line.rpartition(" ")[0] for line in figures().splitlines()}
    for one in scaled().all("ScaledObject"):
        assert triggers(one["metadata"]["name"]).keys() <= told


def test_the_figures_are_asked_for_at_the_api_with_the_token_of_the_metrics() -> None:
    service = scaled().one("Service", "api")
    (port,) = service["spec"]["ports"]
    assert port["port"] == 80
    where = f"http://api.{service['metadata']['namespace']}.svc/metrics"
    for one in scaled().all("ScaledObject"):
        for trigger in one["spec"]["triggers"]:
            assert trigger["metadata"].keys() == KNOWN
            assert trigger["type"] == "metrics-api"
            assert trigger["metricType"] == "AverageValue"
            assert (trigger["metadata"]["url"], trigger["metadata"]["format"]) == (where, "prometheus")
            assert trigger["metadata"]["authMode"] == "bearer"
            token = scaled().one("TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"][
                "secretTargetRef"
            ]
            assert token == [{"parameter": "token", "name": "reelwright-metrics", "key": "METRICS_TOKEN"}]
    assert "reelwright-metrics" in built("dev", "keda").secrets("api"), (
        "its name has no hash, which KEDA would not know"
    )


def test_without_workers_there_is_no_load_that_would_bring_the_first() -> None:
    """Why a worker may be none only if something else wakes it."""
    nobody: dict[str, Callable[[Sim], object]] = {
        "retrieve": lambda sim: setattr(sim, "sources", ()),
        "speech": lambda sim: setattr(sim, "engines", ()),
        "render": lambda sim: sim.builds.clear(),
    }
    for queue, go in nobody.items():
        sim = Sim(VideoRequest(prompt="The sea at dawn"))
        go(sim)
        for _ in range(50):
            sim.look()
            sim.work_off()
        # What is ready is done at once here; so what was never done has never been part of a load.
        queues = {STEP_KINDS[StepName(name).kind].queue for name in sim.ran}
        assert "orchestrate" in queues
        assert queue not in queues


def test_a_worker_may_be_none_only_if_jobs_wake_it() -> None:
    waking = {f'reelwright_jobs{{lane="{lane}"}}' for lane in (WAITING, *LANES) if lane != PREVIEW}
    for one in scaled().all("ScaledObject"):
        name, about = one["metadata"]["name"], one["spec"]
        assert about["minReplicaCount"] <= about["maxReplicaCount"]
        others = {figure: target for figure, target in triggers(name).items() if "queue_load" not in figure}
        if about["minReplicaCount"] == 0:
            assert others.keys() == waking
            assert min(others.values()) > Settings().max_queued_jobs, "they must not ask for a second one"
        else:
            assert not others
    assert scaler("renderer")["minReplicaCount"] == 0
    assert scaler("orchestrator")["minReplicaCount"] >= 2


def policies(manifest: Manifest) -> list[dict[str, Any]]:
    about = manifest["spec"]
    behavior = (
        about["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] if "advanced" in about else about["behavior"]
    )
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 300
    found: list[dict[str, Any]] = behavior["scaleDown"]["policies"]
    return found


@pytest.mark.parametrize(("component", "kind"), [("keda", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")])
def test_pods_that_go_have_ended_before_others_do(component: str, kind: str) -> None:
    manifests = built("prod", component)
    for one in manifests.all(kind):
        grace = manifests.pods()[one["metadata"]["name"]]["spec"]["terminationGracePeriodSeconds"]
        for policy in policies(one):
            assert policy["periodSeconds"] >= grace
            assert policy["type"] == "Pods" or policy["value"] <= 25


def test_without_keda_what_is_bound_by_processors_is_scaled_by_them() -> None:
    manifests = built("prod", "hpa")
    names = {one["spec"]["scaleTargetRef"]["name"]: one["spec"] for one in manifests.all("HorizontalPodAutoscaler")}
    assert names.keys() == {"api", "whisper-worker", "renderer"}
    for name, about in names.items():
        assert "cpu" in container_of(manifests.pods()[name])["resources"]["requests"], "it is a share of the request"
        assert 1 <= about["minReplicas"] <= about["maxReplicas"], "the processor of nobody is never busy"
        assert "replicas" not in manifests.one("Deployment", name)["spec"]
    others = {"orchestrator", "retriever"}
    assert all(manifests.one("Deployment", name)["spec"]["replicas"] == 2 for name in others)
