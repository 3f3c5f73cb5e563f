"""What lets a whisper_worker reach speech services: a component of Kubernetes, and a file of compose."""

from dataclasses import fields

import pytest
import yaml

from common.settings import Settings
from common.settings.reading import about
from tests.support.manifests import ROOT, Manifest, Network, Peer, built, container_of

KEYS = {
    one.name.upper()
    for one in fields(Settings)
    if about(one).secret and about(one).readers == ("whisper_worker",) and one.name != "transcription_key"
}
WORLD = Peer(address="203.0.113.7")


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_the_component_gives_the_keys_of_all_services_to_the_whisper_worker_alone(overlay: str) -> None:
    manifests = built(overlay, "voices")
    for name in manifests.pods():
        refs = _secrets(manifests.pods()[name])
        assert refs == (KEYS if name == "whisper-worker" else set()), name


def _secrets(template: Manifest) -> set[str]:
    sources = [one.get("valueFrom", {}) for one in container_of(template).get("env", [])]
    rows = [source["secretKeyRef"] for source in sources if "secretKeyRef" in source]
    ours = [row for row in rows if row["name"] == "reelwright-voices"]
    assert all(row["optional"] for row in ours)
    return {row["key"] for row in ours}


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_only_with_the_component_the_whisper_worker_reaches_the_web_and_nothing_private(overlay: str) -> None:
    for components, reached in ((["voices"], True), ([], False)):
        manifests = built(overlay, *components)
        network = Network(manifests)
        for name, template in manifests.pods().items():
            if name == "retriever":
                continue
            labels = template["metadata"]["labels"]
            for port in (80, 443):
                wanted = reached and name == "whisper-worker"
                assert network.lets("egress", labels, WORLD, port) == wanted, name
            assert not network.lets("egress", labels, Peer(address="192.168.1.1"), 80), name
            assert not network.lets("egress", labels, WORLD, 22), name


def test_the_file_of_compose_changes_the_networks_of_the_whisper_worker_only() -> None:
    more = yaml.safe_load((ROOT / "infra" / "compose" / "voices.yml").read_text())
    usual = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert more == {"services": {"whisper_worker": {"networks": usual["services"]["retriever"]["networks"]}}}
    assert usual["services"]["whisper_worker"]["networks"] == ["inside"]
