"""What the manifests say in words that the Kubernetes of the trial, 1.20, does not know yet, and its words for it.

The whole list is `CHANGES`; docs/kubernetes.md repeats it. Whatever else 1.20 did not know would be refused.
"""

import copy
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Manifest = dict[str, Any]


class Change(NamedTuple):
    """One rewriting. `do` changes a manifest in place, and returns False if it had nothing to do."""

    what: str
    do: Callable[[Manifest], bool]


def rewritten(manifests: Iterable[Manifest]) -> tuple[list[Manifest], list[str]]:
    """Manifests for 1.20, and what was done to them."""
    changed = copy.deepcopy(list(manifests))
    done = [change.what for change in CHANGES if sum(map(change.do, changed))]
    return changed, done


def _version(old: str, new: str) -> Change:
    def do(manifest: Manifest) -> bool:
        if manifest["apiVersion"] != old:
            return False
        manifest["apiVersion"] = new
        return True

    return Change(f"{old} is {new}", do)


def _budget(manifest: Manifest) -> bool:
    return manifest["kind"] == "PodDisruptionBudget" and bool(manifest["spec"].pop("unhealthyPodEvictionPolicy", None))


def _spread(manifest: Manifest) -> bool:
    pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
    found = [one for one in pod.get("topologySpreadConstraints", ()) if "matchLabelKeys" in one]
    for one in found:
        del one["matchLabelKeys"]
    return bool(found)


CHANGES = (
    _version("policy/v1", "policy/v1beta1"),
    _version("autoscaling/v2", "autoscaling/v2beta2"),
    Change("unhealthyPodEvictionPolicy of PodDisruptionBudgets is left out", _budget),
    Change("matchLabelKeys of topologySpreadConstraints is left out", _spread),
)
