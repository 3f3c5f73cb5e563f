"""The manifests against the schemas of Kubernetes, KEDA and the Prometheus operator: no unknown kind, field or type."""

import copy
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import cloudcoil.models.keda.v1alpha1 as keda
import cloudcoil.models.prometheus_operator.v1 as prometheus
import kubernetes_validate
import pytest
from kubernetes_validate.utils import schema_contents

from tests.support.manifests import Manifest, built

OLDEST, NEWEST = "1.27", "1.37"
"Versions of Kubernetes: the oldest that has all that is used, and the newest whose schema we have."
WRONG = (ValueError, kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError)
MODELS = {"keda.sh/v1alpha1": keda, "monitoring.coreos.com/v1": prometheus}
BUILDS = (("dev",), ("prod",), ("prod", "keda", "monitoring"), ("prod", "hpa"))


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
    """Else the definitions of all kinds, which are large, are read anew for each object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", functools.cache(schema_contents))
        yield


def different() -> list[Manifest]:
    """Every object of every build, once."""
    found = {json.dumps(one, sort_keys=True): one for build in BUILDS for one in built(*build).objects}
    return list(found.values())


def check(manifest: Manifest, version: str) -> None:
    """Raises an error unless the object is exactly what its kind can be."""
    if manifest["apiVersion"] in MODELS:
        model = getattr(MODELS[manifest["apiVersion"]], manifest["kind"]).model_validate(manifest)
        # Models drop what they do not know.
        known = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if known != manifest:
            raise ValueError(f"{manifest['kind']} has no such fields: {manifest}")
    else:
        kubernetes_validate.validate(manifest, version, strict=True)  # an unknown kind is an error, too


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_is_what_its_kind_can_be(version: str) -> None:
    for manifest in different():
        check(manifest, version)


def spec(manifest: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]
    return found


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("Deployment", lambda one: spec(one)["template"]["spec"].update(enableServiceLink=False)),
        ("Deployment", lambda one: spec(one)["template"]["spec"].update(terminationGracePeriodSeconds="45")),
        ("Deployment", lambda one: one.update(apiVersion="apps/v1beta1")),
        ("Deployment", lambda one: one.update(kind="Deploiment")),
        ("ConfigMap", lambda one: one["data"].update(API_PORT=8080)),
        ("NetworkPolicy", lambda one: spec(one).update(egres=[])),
        ("ScaledObject", lambda one: spec(one).update(cooldownPeriods=300)),
        ("ScaledObject", lambda one: spec(one)["triggers"][0].update(metadta={})),
        ("ScaledObject", lambda one: spec(one)["triggers"][0]["metadata"].update(targetValue=2)),
        ("TriggerAuthentication", lambda one: spec(one)["secretTargetRef"][0].pop("key")),
        ("PodMonitor", lambda one: spec(one)["podMetricsEndpoints"][0].update(intervall="15s")),
        ("PrometheusRule", lambda one: spec(one)["groups"][0]["rules"][0].update(fore="5m")),
    ],
)
def test_a_mistake_would_be_seen(kind: str, spoil: Callable[[Manifest], object]) -> None:
    manifest = copy.deepcopy(built("prod", "keda", "monitoring").all(kind)[0])
    check(manifest, NEWEST)
    spoil(manifest)
    with pytest.raises(WRONG):
        check(manifest, NEWEST)


def test_values_that_programs_read_are_texts() -> None:
    for manifest in different():
        texts = [manifest["metadata"].get("annotations", {}), manifest["metadata"].get("labels", {})]
        texts += [manifest["data"]] if "data" in manifest else []
        texts += [one["metadata"] for one in manifest.get("spec", {}).get("triggers", [])]
        assert all(isinstance(value, str) for one in texts for value in one.values()), manifest["metadata"]["name"]
