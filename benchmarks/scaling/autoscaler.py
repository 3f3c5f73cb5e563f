"""The rules by which KEDA and the HorizontalPodAutoscaler choose the number of pods. Pure.

From 1 pod on it is the HPA that looks, once in `sync` seconds, and KEDA only answers it with the present figure; KEDA
itself looks once in `poll` seconds and decides between none and one. See the documentation of KEDA 2.20 (ScaledObject)
and of Kubernetes 1.37 (HorizontalPodAutoscaler, `behavior`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Policy(NamedTuple):
    """The most that may change within a period."""

    seconds: float
    pods: int = 0
    percent: float = 0.0


@dataclass(frozen=True)
class Rules:
    """A ScaledObject with one figure, `metricType: AverageValue`, or an HPA by processor time.

    The defaults are those of Kubernetes and KEDA.
    """

    target: float
    "Steps, ready or running, for each pod; or cores, if `by_cores`."
    least: int = 1
    most: int = 20
    sync: float = 15.0
    "Seconds between two looks of the HPA: `--horizontal-pod-autoscaler-sync-period`."
    poll: float = 15.0
    "Seconds between two looks of KEDA (`pollingInterval`), which only takes the first pod and the last."
    cooldown: float = 300.0
    "Seconds without a step, after which the last pod goes if `least` is 0."
    window: float = 300.0
    "Seconds of which the highest recommendation counts before pods are taken away."
    tolerance: float = 0.1
    by_jobs: bool = False
    "Jobs that have not ended ask for one pod, too, before there is a step for it."
    by_cores: bool = False
    "The figure is the number of cores at work, as it is in this moment; real figures are half a minute old."
    up: Sequence[Policy] = (Policy(15, pods=4), Policy(15, percent=100))
    down: Sequence[Policy] = (Policy(60, pods=1),)


class Autoscaler:
    """The HPA of one deployment, and what it remembers."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._recommended: list[tuple[float, int]] = []
        self._added: list[tuple[float, int]] = []
        self._removed: list[tuple[float, int]] = []
        self._active = -math.inf
        "When KEDA last saw work."

    def sync(self, now: float, load: float, pods: int, floor: int = 0) -> int:
        """The number of pods that there should be. `floor` is the least that other triggers ask for."""
        if pods == 0:
            return 0  # it is KEDA that takes the first step
        wanted = max(self._wanted(load, pods), floor)
        steady = self._stabilised(now, wanted, pods)
        allowed = min(max(steady, self._lowest(now, pods)), self._highest(now, pods))
        chosen = min(max(allowed, self._rules.least, 1), self._rules.most)
        self._remember(now, chosen - pods)
        return chosen

    def poll(self, now: float, active: bool, pods: int) -> int:
        """What KEDA makes of the number of pods by itself."""
        if active:
            self._active = now
            return max(pods, self._rules.least, 1)
        if self._rules.least == 0 and now - self._active > self._rules.cooldown:
            return 0
        return pods

    def _wanted(self, load: float, pods: int) -> int:
        if 1 - self._rules.tolerance <= load / (self._rules.target * pods) <= 1 + self._rules.tolerance:
            return pods
        return math.ceil(load / self._rules.target)

    def _stabilised(self, now: float, wanted: int, pods: int) -> int:
        """Up at once; down only to the highest recommendation of the window."""
        kept = [(time, number) for time, number in self._recommended if time > now - self._rules.window]
        highest = max([wanted, *(number for _, number in kept)])
        self._recommended = [*kept, (now, wanted)]
        return wanted if wanted >= pods else min(pods, highest)

    def _highest(self, now: float, pods: int) -> int:
        return max([pods, *(_ceiling(self._before(now, policy, pods), policy) for policy in self._rules.up)])

    def _lowest(self, now: float, pods: int) -> int:
        return min([pods, *(_bottom(self._before(now, policy, pods), policy) for policy in self._rules.down)])

    def _before(self, now: float, policy: Policy, pods: int) -> int:
        """The number of pods when the period of the policy began."""
        return pods - _since(self._added, now - policy.seconds) + _since(self._removed, now - policy.seconds)

    def _remember(self, now: float, change: int) -> None:
        if change > 0:
            self._added.append((now, change))
        elif change < 0:
            self._removed.append((now, -change))
        oldest = now - max(policy.seconds for policy in (*self._rules.up, *self._rules.down))
        self._added = [one for one in self._added if one[0] > oldest]
        self._removed = [one for one in self._removed if one[0] > oldest]


def _ceiling(before: int, policy: Policy) -> int:
    return before + policy.pods if policy.pods else math.ceil(before * (1 + policy.percent / 100))


def _bottom(before: int, policy: Policy) -> int:
    return before - policy.pods if policy.pods else int(before * (1 - policy.percent / 100))


def _since(changes: Sequence[tuple[float, int]], time: float) -> int:
    return sum(number for when, number in changes if when > time)
