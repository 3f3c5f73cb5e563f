"""The manifests for Kubernetes as they are applied, and what they let pods do."""

import base64
import functools
import ipaddress
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "infra" / "k8s"
PODS = ("Deployment", "Job")
Manifest = dict[str, Any]


class Manifests:
    """What one overlay, with some components, makes of the base."""

    def __init__(self, objects: list[Manifest]) -> None:
        self.objects = objects

    def all(self, *kinds: str) -> list[Manifest]:
        return [one for one in self.objects if one["kind"] in kinds]

    def one(self, kind: str, name: str) -> Manifest:
        return next(one for one in self.all(kind) if one["metadata"]["name"] == name)

    def pods(self) -> dict[str, Manifest]:
        """The templates of all pods, by name of what makes them."""
        return {one["metadata"]["name"]: one["spec"]["template"] for one in self.all(*PODS)}

    def environment(self, name: str, secrets: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> dict[str, str]:
        """What the container of a pod finds; `secrets` are those that whoever installs it makes by hand."""
        container = container_of(self.pods()[name])
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            ((kind, about),) = source.items()
            found |= self._values("ConfigMap" if kind == "configMapRef" else "Secret", about["name"], secrets)
        for variable in container.get("env", []):
            key = variable.get("valueFrom", {}).get("secretKeyRef")
            held = (
                {variable["name"]: variable.get("value")}
                if key is None
                else self._values("Secret", key["name"], secrets)
            )
            if (value := held.get(variable["name"] if key is None else key["key"])) is not None:
                found[variable["name"]] = value
        return found

    def secrets(self, name: str) -> dict[str, bool]:
        """The secrets a pod reads, and whether it needs them to start."""
        container = container_of(self.pods()[name])
        whole = [one["secretRef"] for one in container.get("envFrom", []) if "secretRef" in one]
        single = [one["valueFrom"]["secretKeyRef"] for one in container.get("env", []) if "valueFrom" in one]
        return {about["name"]: not about.get("optional", False) for about in (*whole, *single)}

    def _values(self, kind: str, name: str, secrets: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
        held = next((one["data"] for one in self.all(kind) if one["metadata"]["name"] == name), None)
        if held is None:
            return secrets.get(name, {})
        return held if kind == "ConfigMap" else {key: base64.b64decode(text).decode() for key, text in held.items()}


@functools.cache
def built(overlay: str, *components: str) -> Manifests:
    """An overlay with these components, as `kubectl kustomize` builds it. Raises `AssertionError` with its words."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        about = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(K8S / "overlays" / overlay, here.resolve())],
            "components": [os.path.relpath(K8S / "components" / name, here.resolve()) for name in components],
        }
        (here / "kustomization.yaml").write_text(yaml.safe_dump(about))
        kubectl = str(Path(sys.executable).with_name("kubectl"))
        done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Manifests(list(yaml.load_all(done.stdout, yaml.CSafeLoader)))


def container_of(template: Manifest) -> Manifest:
    """The one container of a pod."""
    (container,) = template["spec"]["containers"]
    return dict(container)


class Peer(NamedTuple):
    """The other side of a connection: a pod of the project, of another namespace, or an address."""

    labels: Mapping[str, str] = {}
    namespace: str = ""
    "Empty: that of the project."
    address: str = ""


class Network:
    """Who may connect to whom, by the rules for NetworkPolicies."""

    def __init__(self, manifests: Manifests) -> None:
        self._policies = [one["spec"] for one in manifests.all("NetworkPolicy")]

    def lets(self, direction: str, pod: Mapping[str, str], peer: Peer, port: int, protocol: str = "TCP") -> bool:
        """`direction` is `egress` (from the pod to the peer) or `ingress` (the other way); `port` is the server's."""
        policies = [
            one
            for one in self._policies
            if direction.title() in one["policyTypes"] and selects(one["podSelector"], pod)
        ]
        rules = [rule for one in policies for rule in one.get(direction, [])]
        side = "to" if direction == "egress" else "from"
        wanted = {"protocol": protocol, "port": port}
        return not policies or any(
            wanted in rule["ports"] and any(_is_peer(one, peer) for one in rule[side]) for rule in rules
        )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector of labels means something with these."""
    if unknown := selector.keys() - {"matchLabels", "matchExpressions"}:
        raise AssertionError(f"a selector has no {unknown}")
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def _is_peer(rule: Mapping[str, Any], peer: Peer) -> bool:
    if "ipBlock" in rule:
        block = rule["ipBlock"]
        return (
            bool(peer.address)
            and _within(peer.address, block["cidr"])
            and not any(_within(peer.address, one) for one in block.get("except", []))
        )
    if peer.address:
        return False
    if "namespaceSelector" in rule:
        here = {"kubernetes.io/metadata.name": peer.namespace or "reelwright"}
        return selects(rule["namespaceSelector"], here) and selects(rule.get("podSelector", {}), peer.labels)
    return not peer.namespace and selects(rule["podSelector"], peer.labels)


def _within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)
