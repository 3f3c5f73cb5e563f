"""What is asked of the simulation, and its answers. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import mean, median
from typing import NamedTuple

from benchmarks.scaling.autoscaler import Policy
from benchmarks.scaling.cluster import (
    BY_PROCESSOR,
    MIX,
    OTHERS,
    PLACES,
    START,
    Traffic,
    by_load,
    cluster,
    fixed,
    one_machine,
    renderers,
)
from benchmarks.scaling.films import Film
from benchmarks.scaling.fleet import Service
from benchmarks.scaling.recorded import Recorded
from benchmarks.scaling.simulation import RENDER, Note, Order, Outcome, Setup, Simulation
from common.contracts.kinds import kinds_of
from common.messaging.queues import QUEUES

Say = Callable[[str], None]
LATEST = 1e6
"Seconds after which a simulation is given up."
BUSY = 0.8
"Share of its time from which on a service is what holds the others up; the rest passes until it has its next step."
CALM = 1800.0
"Seconds after the last film in which renderers may go."
NOTE = 10.0
BURST = 200
"Films that are asked for at once."
SLOWEST = 0.95
AT_WORK = 120.0
"Seconds after a burst at which all renderers are at work."
BY_HAND = 20, 2
"Renderers before and after somebody takes most of them away."
WAVES, WAVES_SECONDS = ((600.0, 6.0), (900.0, 1.0)), 2 * 3600.0
"Ten minutes with six films a minute, a quarter of an hour with one, over and over, for two hours."
SCREENS: Mapping[str, Mapping[str, int]] = {"1080p": MIX, "2160p": {"large": 1}}
"Mixes of films by the size of their pictures."

AS_IT_COMES, OTHERS_GROW, MORE_AT_ONCE = "as it comes", "others grow", "and more at once"
AT_ONCE_EACH = 4
"Jobs at once for each renderer, in the third case."


class Plan(NamedTuple):
    """The extent of the simulations."""

    sizes: Sequence[int]
    "Numbers of renderers."
    seeds: int
    "Courses of chance in which the first step of a burst is looked for."
    drains: Sequence[float]
    "Values of DRAIN_SECONDS."


WHOLE = Plan((1, 2, 4, 8, 16, 32, 64), 50, (0, 20, 60, 120))
QUICK = Plan((1, 8), 5, (0, 120))


class Fleet(NamedTuple):
    """The films that a number of renderers can make."""

    renderers: int
    case: str
    per_minute: float
    limit: str
    "What they wait for."
    megabytes: float
    "Through the object store in a second."


class Burst(NamedTuple):
    """What became of a burst of jobs. Times are seconds from the burst on."""

    what: str
    first_step: float
    "First step of rendering: half of the courses of chance are quicker."
    late_step: float
    "The same: 95 of 100 are quicker."
    last_job: float
    "First step of rendering of the job that waits longest."
    first_film: float
    half: float
    last_film: float
    pod_minutes: float
    "Of renderers, from the burst until half an hour after the last film."
    busy: float
    "Share of their slots' time that was worked."
    notes: Sequence[Note]


class ScaleIn(NamedTuple):
    """What is lost when renderers are taken away."""

    drain: float
    removed: int
    handed_back: int
    wasted: float
    "Processor seconds of rendering that were thrown away."
    share: float
    "The same, of all that was worked."

    @property
    def each(self) -> float:
        """Processor seconds for each renderer that went."""
        return self.wasted / self.removed if self.removed else 0.0


class Check(NamedTuple):
    """A crowd of films that was really made, and the same simulated. Seconds."""

    renderers: int
    cores: float
    films: int
    measured: float
    simulated: float
    measured_film: float
    "On average, from request to end."
    simulated_film: float


class Results(NamedTuple):
    """The answers of the simulation."""

    checks: Sequence[Check]
    fleets: Sequence[Fleet]
    bursts: Sequence[Burst]
    "The usual setting first, then with one thing changed for the first step."
    others: Sequence[Burst]
    "With one thing changed for the time after it."
    limits: Sequence[tuple[int, Burst]]
    "By the most renderers that there may be."
    scale_in: Mapping[str, Sequence[ScaleIn]]
    "By what happens."


def simulate(recorded: Recorded, plan: Plan, say: Say) -> Results:
    """All simulations. The same step times give the same results."""
    say("checking the simulation against real runs ...")
    found = checks(recorded)
    say("films a minute ...")
    made = fleets(recorded, plan.sizes)
    say("bursts ...")
    bursts, others = list(_bursts(recorded, plan.seeds)), list(_others(recorded, plan.seeds))
    limits = [
        (most, burst(recorded, f"at most {most}", renderers(by_load(most=most)), places=_enough(most)))
        for most in plan.sizes
    ]
    say("renderers that are taken away ...")
    return Results(found, made, bursts, others, limits, _taken_away(recorded, plan.drains))


# how many films


def fleets(recorded: Recorded, sizes: Sequence[int]) -> list[Fleet]:
    """Films a minute while there is always more to do, by renderers, and by what else there is."""
    cases: Mapping[str, Callable[[int], Setup]] = {
        AS_IT_COMES: lambda pods: cluster(recorded.timing, renderers(pods=pods), fixed(OTHERS)),
        OTHERS_GROW: lambda pods: cluster(recorded.timing, renderers(pods=pods)),
        MORE_AT_ONCE: lambda pods: cluster(recorded.timing, renderers(pods=pods), places=_enough(pods)),
    }
    return [_fleet(recorded.films, case, pods, setup(pods)) for case, setup in cases.items() for pods in sizes]


def _enough(pods: int) -> int:
    """Jobs at once that keep so many renderers at work."""
    return max(PLACES, AT_ONCE_EACH * pods)


def _fleet(films: Sequence[Film], case: str, pods: int, setup: Setup) -> Fleet:
    """Neither the beginning counts, in which nothing can be rendered yet, nor the end, in which little is left.

    Rendering that was done is counted, and not the films that ended: short ones come to their end before long ones.
    """
    count = max(60, 2 * setup.places + 6 * pods)
    traffic = Traffic(films, MIX)
    simulation = Simulation(setup, traffic.burst(count))
    before = _used(simulation.run(LATEST, enough=count // 5))
    after = _used(simulation.run(LATEST, enough=count - count // 5))
    rendered = (after.worked[RENDER] - before.worked[RENDER]) / (after.seconds - before.seconds)
    per_second = rendered / traffic.average(lambda film: film.of_kinds(kinds_of(RENDER)))
    megabytes = per_second * traffic.average(lambda film: film.megabytes)
    return Fleet(pods, case, 60 * per_second, _limit(setup, before, after), megabytes)


class _Used(NamedTuple):
    seconds: float
    worked: Mapping[str, float]
    "Processor seconds by queue."
    pods: Mapping[str, float]
    "Seconds of pods by queue."


def _used(outcome: Outcome) -> _Used:
    return _Used(outcome.seconds, dict(outcome.work), outcome.pod_seconds)


def _limit(setup: Setup, before: _Used, after: _Used) -> str:
    """The service that works nearly all the time, renderers first; else it is the number of jobs at once."""
    for queue in sorted(setup.services, key=lambda queue: queue != RENDER):
        slots = (after.pods[queue] - before.pods[queue]) * setup.services[queue].slots
        if after.worked[queue] - before.worked.get(queue, 0.0) >= BUSY * slots:
            return QUEUES[queue].consumer
    return "jobs at once"


# bursts


def _bursts(recorded: Recorded, seeds: int) -> Iterator[Burst]:
    """As usual, and with another way to the first renderer."""

    def one(what: str, renderer: Service, start: tuple[float, float] = START) -> Burst:
        return burst(recorded, what, renderer, start=start, seeds=seeds)

    yield one("KEDA, from none, at most 20", renderers(by_load()))
    yield one("from 1 renderer", renderers(by_load(least=1)))
    yield one("from 4 renderers", renderers(by_load(least=4)))
    yield one("from 1, by processor time (HPA)", renderers(BY_PROCESSOR))
    yield one("KEDA looks every 5 s", renderers(by_load(poll=5.0)))
    yield one("KEDA looks every 60 s", renderers(by_load(poll=60.0)))
    yield one("the HPA looks every 60 s", renderers(by_load(sync=60.0)))
    yield one("pods take 60 to 180 s to start", renderers(by_load()), start=(60.0, 180.0))


def _others(recorded: Recorded, seeds: int) -> Iterator[Burst]:
    """With other numbers of renderers, and of jobs at once."""

    def one(what: str, renderer: Service, places: int = PLACES) -> Burst:
        return burst(recorded, what, renderer, places=places, seeds=seeds)

    yield one("at most 64", renderers(by_load(most=64)))
    yield one("at most 64, 64 jobs at once", renderers(by_load(most=64)), places=64)
    yield one("20 all the time", renderers(pods=20))


def burst(
    recorded: Recorded,
    what: str,
    renderer: Service,
    *,
    places: int = PLACES,
    start: tuple[float, float] = START,
    seeds: int = 1,
) -> Burst:
    """Many jobs at once, when there was nothing to do before."""
    setup = cluster(recorded.timing, renderer, places=places, start=start, note=NOTE)
    orders = Traffic(recorded.films, MIX).burst(BURST)
    simulation = Simulation(setup, orders)
    ended = simulation.run(LATEST).ended
    outcome = simulation.rest(CALM)
    first = [_first_step(replace(setup, seed=seed + 1), orders) for seed in range(seeds)]
    return Burst(
        what,
        median(first),
        _share(first, SLOWEST),
        max(job.first[RENDER] for job in outcome.jobs),
        ended[0],
        ended[len(ended) // 2],
        ended[-1],
        outcome.pod_seconds[RENDER] / 60,
        _busy(setup, outcome),
        outcome.notes,
    )


def _first_step(setup: Setup, orders: Sequence[Order]) -> float:
    return Simulation(setup, orders).run_to_first(RENDER, LATEST)


def _share(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def _busy(setup: Setup, outcome: Outcome) -> float:
    """The share of their time that the slots of renderers worked."""
    spent = outcome.work[RENDER] + outcome.wasted[RENDER]
    return spent / (outcome.pod_seconds[RENDER] * setup.services[RENDER].slots)


# renderers that go


def _taken_away(recorded: Recorded, drains: Sequence[float]) -> dict[str, list[ScaleIn]]:
    ways = {
        "a quarter in 3 min": by_load(),
        "one a minute": by_load(down=(Policy(60, pods=1),)),
        "all at once": by_load(window=0.0, down=(Policy(15, percent=100),)),
    }
    found: dict[str, list[ScaleIn]] = {}
    for size, mix in SCREENS.items():
        for way, rules in ways.items():
            found[f"{size}, {way}"] = [_waves(recorded, mix, renderers(rules, drain=drain)) for drain in drains]
        found[f"{size}, by hand in full work"] = [_by_hand(recorded, mix, drain) for drain in drains]
    return found


def _waves(recorded: Recorded, mix: Mapping[str, int], renderer: Service) -> ScaleIn:
    """Traffic that comes and goes, so that renderers are taken away while some of them work."""
    orders = Traffic(recorded.films, mix).waves(WAVES, WAVES_SECONDS)
    return _lost(renderer.drain, Simulation(cluster(recorded.timing, renderer), orders).run(LATEST))


def _by_hand(recorded: Recorded, mix: Mapping[str, int], drain: float) -> ScaleIn:
    """All but a few renderers are taken away while all have more than enough to do."""
    many, left = BY_HAND
    setup = cluster(recorded.timing, renderers(pods=many, drain=drain))
    simulation = Simulation(setup, Traffic(recorded.films, mix).burst(BURST))
    simulation.clock.at(AT_WORK, lambda: simulation.scale(RENDER, left))
    return _lost(drain, simulation.run(LATEST))


def _lost(drain: float, outcome: Outcome) -> ScaleIn:
    wasted = outcome.wasted[RENDER]
    return ScaleIn(
        drain, outcome.removed[RENDER], outcome.back[RENDER], wasted, wasted / (outcome.work[RENDER] + wasted)
    )


# real runs


def checks(recorded: Recorded) -> list[Check]:
    """The crowds that were really made, simulated."""
    found = []
    for trial in recorded.trials:
        outcome = Simulation(one_machine(trial), [Order(0.0, film) for film in recorded.crowd]).run(LATEST)
        took = [job.ended for job in outcome.jobs]
        found.append(
            Check(trial.renderers, trial.cores, len(took), trial.seconds, max(took), mean(trial.films), mean(took))
        )
    return found
