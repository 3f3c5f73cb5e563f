"""Who may connect to whom in a cluster: nobody, but for what each service needs."""

from collections.abc import Mapping

import pytest

from infra.processes import PROCESSES
from tests.support.manifests import Manifests, Network, Peer, built

WORLD = Peer(address="203.0.113.7")
DNS = Peer({"k8s-app": "kube-dns"}, namespace="kube-system")
PRIVATE = ("10.0.0.1", "172.20.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "fd00::1", "fe80::1")
WORKERS = ("orchestrator", "retriever", "whisper-worker", "renderer")
STORES = {"state": 6379, "broker": 6379, "s3": 8333}
NEEDS = {
    "api": {"state", "s3"},
    **{worker: {"state", "broker", "s3"} for worker in WORKERS},
    "buckets": {"s3"},
    "state": set[str](),
    "broker": set[str](),
    "s3": set[str](),
}
"The stores that each pod reaches."
FETCH = {process.name for process in PROCESSES if process.reaches_out} - {"api"}
"The API is reached from outside, and connects to nobody there."
OUTSIDE = {"state": ("192.0.2.1", 6379), "broker": ("192.0.2.129", 6379), "s3": ("198.51.100.1", 443)}
"Stores of `prod` at the networks that stand for those of whoever installs it."


def labels_of(manifests: Manifests) -> Mapping[str, Mapping[str, str]]:
    return {name: template["metadata"]["labels"] for name, template in manifests.pods().items()}


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_whatever_is_not_named_is_denied(overlay: str) -> None:
    network = Network(built(overlay))
    stranger = {"app.kubernetes.io/name": "stranger"}
    for direction in ("egress", "ingress"):
        assert not network.lets(direction, stranger, WORLD, 443)
        assert not network.lets(direction, stranger, Peer(stranger), 6379)


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_every_pod_can_ask_for_names_and_the_retriever_alone_reaches_the_web(overlay: str) -> None:
    manifests = built(overlay)
    network = Network(manifests)
    for name, labels in labels_of(manifests).items():
        assert network.lets("egress", labels, DNS, 53, "UDP")
        assert network.lets("egress", labels, DNS, 53)
        assert not network.lets("egress", labels, DNS, 443)
        for port in (80, 443, 22, 6379):
            for address in (WORLD, Peer(address="2001:db8::7")):
                assert network.lets("egress", labels, address, port) == (name == "retriever" and port in (80, 443))
        for address in PRIVATE:
            assert not network.lets("egress", labels, Peer(address=address), 80), f"{name} reaches {address}"


def test_in_dev_each_reaches_the_stores_it_needs_and_each_store_lets_them_in() -> None:
    manifests = built("dev")
    network, labels = Network(manifests), labels_of(manifests)
    for name, own in labels.items():
        for other, theirs in labels.items():
            for port in {*STORES.values(), 8080, 9100}:
                wanted = other in NEEDS[name] and port == STORES[other]
                out = network.lets("egress", own, Peer(theirs), port)
                into = network.lets("ingress", theirs, Peer(own), port)
                assert out == into == wanted, f"{name} to {other}:{port}"


def test_in_prod_each_reaches_the_stores_it_needs() -> None:
    manifests = built("prod")
    network, labels = Network(manifests), labels_of(manifests)
    for name, own in labels.items():
        for store, (address, port) in OUTSIDE.items():
            reaches = network.lets("egress", own, Peer(address=address), port)
            # Those networks are none of the world's, but to the rule of the retriever they look like it.
            assert reaches == (store in NEEDS[name] or (name == "retriever" and port == 443)), f"{name} to {store}"
            assert not network.lets("egress", own, Peer(address=address), port + 1)


def test_the_api_of_prod_is_reached_through_the_ingress_only() -> None:
    manifests = built("prod")
    network = Network(manifests)
    door = Peer({}, namespace="ingress-nginx")
    for name, labels in labels_of(manifests).items():
        for port in (8080, 9100):
            assert network.lets("ingress", labels, door, port) == (name == "api" and port == 8080)
            assert not network.lets("ingress", labels, WORLD, port)
            assert not network.lets("ingress", labels, Peer({}, namespace="default"), port)


@pytest.mark.parametrize(
    ("component", "namespace", "open_to"),
    [
        ("keda", "keda", {("api", 8080)}),
        ("monitoring", "monitoring", {("api", 8080), *((worker, 9100) for worker in WORKERS)}),
    ],
)
def test_metrics_are_read_from_the_namespace_of_whoever_needs_them(
    component: str, namespace: str, open_to: set[tuple[str, int]]
) -> None:
    reader = Peer({}, namespace=namespace)
    for overlay in ("dev", "prod"):
        manifests = built(overlay, component)
        network = Network(manifests)
        found = {
            (name, port)
            for name, labels in labels_of(manifests).items()
            for port in (8080, 9100, 6379, 8333)
            if network.lets("ingress", labels, reader, port)
        }
        assert found == open_to
        assert not any(
            Network(built(overlay)).lets("ingress", labels, reader, port)
            for labels in labels_of(manifests).values()
            for port in (8080, 9100)
        )
