"""The cluster of infra/k8s and the traffic that are simulated. Pure; a test holds the cluster to the manifests."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from benchmarks.scaling.autoscaler import Policy, Rules
from benchmarks.scaling.films import Film
from benchmarks.scaling.fleet import Delays, Service
from benchmarks.scaling.recorded import Timing, Trial
from benchmarks.scaling.simulation import ORCHESTRATE, RENDER, Order, Setup

SLOTS = 2
"Steps that a renderer runs at once, and the cores it has."
DRAIN = 120.0
PLACES = 16
"The default of MAX_CONCURRENT_JOBS."
START = (10.0, 40.0)
"An assumption: seconds until a new pod takes hints, its image being there or pulled quickly."
MIX: Mapping[str, int] = {"short": 5, "usual": 4, "long": 1}
"The films that are asked for, by name, and the share of each."
OTHERS: Mapping[str, Service] = {
    ORCHESTRATE: Service(2, 2, Rules(target=2, least=2, most=6)),
    "retrieve": Service(1, 2, Rules(target=2, least=1, most=10)),
    "speech": Service(1, 1, Rules(target=1, least=1, most=10)),
}
"The services beside the renderers: each has as many pods as its steps fill, between limits."
DOWN = (Policy(180, pods=1), Policy(180, percent=25))
"A quarter of the renderers in three minutes, which is longer than one may take to end."
BY_PROCESSOR = Rules(target=0.7 * SLOTS, least=1, most=20, down=DOWN, by_cores=True)
"The rules for renderers without KEDA: 70 % of the cores that they ask for."


def by_load(**changed: Any) -> Rules:
    """The rules for renderers; from none, so jobs that are under way wake the first."""
    usual = Rules(target=SLOTS, least=0, most=20, down=DOWN, by_jobs=True)
    return replace(usual, **changed)


def renderers(rules: Rules | None = None, *, pods: int = 0, drain: float = DRAIN) -> Service:
    """Renderers that are scaled, or so many of them for good."""
    return Service(rules.least if rules is not None else pods, SLOTS, rules, drain)


def fixed(services: Mapping[str, Service]) -> dict[str, Service]:
    """The same services with the pods that they begin with, for good."""
    return {queue: replace(service, rules=None) for queue, service in services.items()}


@dataclass(frozen=True)
class Traffic:
    """What is asked for: films of a mix, at times drawn by a seed."""

    films: Sequence[Film]
    mix: Mapping[str, int]
    seed: int = 1

    def burst(self, count: int) -> list[Order]:
        """All at once."""
        return [Order(0.0, film) for film, _ in zip(self._drawn(), range(count), strict=False)]

    def waves(self, phases: Sequence[tuple[float, float]], seconds: float) -> list[Order]:
        """Phases, each with its seconds and films a minute, over and over; no time depends on another."""
        random, drawn = Random(self.seed), self._drawn()
        orders: list[Order] = []
        begin = 0.0
        while begin < seconds:
            for length, per_minute in phases:
                time = begin + random.expovariate(per_minute / 60)
                while time < min(begin + length, seconds):
                    orders.append(Order(time, next(drawn)))
                    time += random.expovariate(per_minute / 60)
                begin += length
        return orders

    def average(self, figure: Callable[[Film], float]) -> float:
        """What a film has of this on average."""
        films = [film for film in self.films if film.name in self.mix]
        return sum(figure(film) * self.mix[film.name] for film in films) / sum(self.mix[film.name] for film in films)

    def _drawn(self) -> Iterator[Film]:
        random = Random(f"films {self.seed}")
        films = [film for film in self.films if film.name in self.mix]
        weights = [self.mix[film.name] for film in films]
        while True:
            yield random.choices(films, weights)[0]


def cluster(
    timing: Timing,
    renderer: Service,
    others: Mapping[str, Service] = OTHERS,
    *,
    places: int = PLACES,
    start: tuple[float, float] = START,
    note: float = 0.0,
) -> Setup:
    """A cluster in which every pod has a core for each slot."""
    return Setup(
        services={**others, RENDER: renderer},
        places=places,
        delays=Delays(start, timing.pickup),
        decide=timing.decide,
        widths=timing.widths,
        note=note,
    )


def one_machine(trial: Trial) -> Setup:
    """The machine of a trial, as it was: every service has one slot."""
    services = {ORCHESTRATE: Service(1, 2), "retrieve": Service(1, 1), "speech": Service(1, 1)}
    setup = cluster(trial.timing, Service(trial.renderers, 1), services)
    return replace(setup, shared=trial.cores)
