"""Laws that every simulated system keeps, whatever it is like."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scaling.autoscaler import Policy, Rules
from benchmarks.scaling.films import Film
from benchmarks.scaling.fleet import Delays, Service
from benchmarks.scaling.simulation import ORCHESTRATE, RENDER, Event, Order, Outcome, Setup, Simulation
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName

RETRIEVE, SPEECH = "retrieve", "speech"
LATEST = 1e7
ALL_AT_ONCE = (Policy(15, percent=100),)


def film(scenes: int, each: float = 10.0, transitions: bool = False) -> Film:
    work = {"plan": 0.02, "mix": 1.0, "assemble": 0.5, "publish": 0.1}
    for number in range(1, scenes + 1):
        work |= {f"speak:s{number}": 0.1, f"search:s{number}.1": 0.05, f"acquire:s{number}.1": 0.5}
        work |= {f"segment:s{number}.0": each}
    return Film(f"{scenes} scenes", scenes * 5.0, {StepName(name): one for name, one in work.items()}, transitions)


def services(renderer: Service, others: int = 4) -> dict[str, Service]:
    return {
        ORCHESTRATE: Service(1, 2),
        RETRIEVE: Service(others, 2),
        SPEECH: Service(others, 1),
        RENDER: renderer,
    }


def simulated(setup: Setup, orders: Sequence[Order]) -> tuple[Outcome, list[Event]]:
    events: list[Event] = []
    return Simulation(setup, orders, events.append).run(LATEST), events


def crowd(count: int, scenes: int = 3, time: float = 0.0) -> list[Order]:
    return [Order(time, film(scenes))] * count


rules = st.builds(
    Rules,
    target=st.sampled_from([1.0, 2.0, 4.0]),
    least=st.integers(0, 2),
    most=st.integers(2, 8),
    window=st.sampled_from([0.0, 60.0]),
    down=st.sampled_from([(Policy(60, pods=1),), ALL_AT_ONCE]),
    cooldown=st.just(60.0),
    by_jobs=st.just(True),
)
renderers = st.builds(
    Service,
    pods=st.integers(1, 6),
    slots=st.integers(1, 3),
    rules=st.none() | rules,
    drain=st.sampled_from([0.0, 5.0, 60.0]),
)
setups = st.builds(
    Setup,
    services=renderers.map(services),
    places=st.sampled_from([0, 1, 4]),
    delays=st.builds(Delays, st.just((5.0, 30.0)), st.sampled_from([0.0, 0.2])),
    decide=st.sampled_from([0.0, 0.1]),
    widths=st.just({"segment": 1.4}),
    shared=st.none() | st.just(3.0),
    seed=st.integers(0, 99),
)
films = st.builds(film, st.integers(1, 4), st.floats(1, 40), st.booleans())
traffic = st.lists(st.builds(Order, st.floats(0, 400), films), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(setups, traffic)
def test_every_step_is_done_once_after_what_it_needs_and_in_a_slot(setup: Setup, orders: list[Order]) -> None:
    outcome, events = simulated(setup, orders)
    assert len(outcome.ended) == len(orders)
    count = Counter((event.what, event.ready) for event in events)
    done: set[tuple[int, StepName]] = set()
    held: dict[tuple[str, int], int] = defaultdict(int)
    for event in events:
        job, step = event.ready
        queue = STEP_KINDS[step.kind].queue
        if event.what == "begun":
            assert all((job, name) in done for name in orders[job].film.needs[step])
            held[queue, event.pod] += 1
            assert held[queue, event.pod] <= setup.services[queue].slots
        elif event.what in ("done", "back"):
            held[queue, event.pod] -= 1
        if event.what == "done":
            done.add((job, step))
    assert done == {(number, name) for number, order in enumerate(orders) for name in order.film.work}
    assert not any(held.values())
    for (what, ready), times in count.items():
        assert times == 1 or what in ("begun", "back")
        assert count["begun", ready] == 1 + count["back", ready]


@settings(max_examples=40, deadline=None)
@given(setups, traffic)
def test_work_is_neither_lost_nor_invented(setup: Setup, orders: list[Order]) -> None:
    outcome, _ = simulated(setup, orders)
    kinds = {queue: [kind for kind, about in STEP_KINDS.items() if about.queue == queue] for queue in setup.services}
    for queue, service in setup.services.items():
        assert outcome.work[queue] == pytest.approx(sum(order.film.of_kinds(kinds[queue]) for order in orders))
        cores = service.slots if setup.shared is None else setup.shared
        spent = outcome.work[queue] + outcome.wasted[queue]
        assert spent <= outcome.pod_seconds[queue] * cores + 1e-6


@settings(max_examples=20, deadline=None)
@given(setups, traffic)
def test_the_same_seed_gives_the_same_course(setup: Setup, orders: list[Order]) -> None:
    assert simulated(setup, orders)[1] == simulated(setup, orders)[1]


def last_film(pods: int, **changed: object) -> float:
    setup = Setup(services(Service(pods, 2), others=16), places=0)
    return simulated(replace(setup, **changed), crowd(24))[0].ended[-1]  # type: ignore[arg-type]


def test_more_renderers_are_never_slower() -> None:
    times = [last_film(pods) for pods in (1, 2, 4, 8, 16, 32)]
    for fewer, more in pairwise(times):
        assert more <= fewer * 1.02
    # Twice as many are twice as fast while there is enough to do.
    assert times[0] == pytest.approx(2 * times[1], rel=0.05)
    assert times[1] == pytest.approx(2 * times[2], rel=0.05)


def test_one_slot_takes_the_time_of_its_work() -> None:
    setup = Setup(services(Service(1, 1)))
    outcome, _ = simulated(setup, crowd(5))
    assert outcome.ended[-1] == pytest.approx(5 * (3 * 10.0 + 1.5), rel=0.05)


def test_places_hold_jobs_back() -> None:
    assert last_film(16, places=1) > 3 * last_film(16, places=24)


def test_hints_take_the_time_they_are_said_to_take() -> None:
    quick = last_film(1)
    assert last_film(1, delays=Delays(pickup=2.0)) > quick + 2.0
    assert last_film(1, decide=2.0) > quick + 2.0


def scaled(drain: float, down: Sequence[Policy] = ALL_AT_ONCE) -> Outcome:
    """One film that loads four renderers, and then another whose steps are long, for which there is one too many."""
    rules = Rules(target=2, least=1, most=4, window=0, down=down)
    setup = Setup(services(Service(4, 2, rules, drain)))
    orders = [Order(0, film(8, 20.0)), Order(0, film(1, 300.0))]
    return Simulation(setup, orders).run(LATEST)


def test_a_pod_that_is_to_end_lets_its_steps_end_or_hands_them_back() -> None:
    patient, hasty = scaled(drain=400), scaled(drain=0)
    assert patient.removed[RENDER] > 0
    assert patient.wasted[RENDER] == patient.back[RENDER] == 0
    assert hasty.back[RENDER] > 0
    assert hasty.wasted[RENDER] > 0
    assert hasty.work == patient.work


def test_a_time_that_does_not_suffice_wastes_more_than_none() -> None:
    assert scaled(drain=30).wasted[RENDER] > scaled(drain=0).wasted[RENDER]


def burst(rules: Rules, start: tuple[float, float] = (20.0, 20.0)) -> tuple[Outcome, Simulation]:
    setup = Setup(services(Service(0, 2, rules)), delays=Delays(start), places=0, note=5.0)
    simulation = Simulation(setup, crowd(20, time=1000))
    return simulation.run(LATEST), simulation


def test_from_none_the_first_renderer_comes_with_the_first_job_and_more_with_its_steps() -> None:
    outcome, simulation = burst(Rules(target=2, least=0, most=10, by_jobs=True))
    before = [note for note in outcome.notes if note.time < 1000]
    assert {note.pods for note in before} == {0}
    assert 1020 <= outcome.first[RENDER] <= 1000 + 15 + 20 + 1
    assert max(note.pods for note in outcome.notes) == 10
    simulation.rest(1200)
    assert outcome.notes[-1].pods == 0


def test_pods_that_start_slowly_and_looks_that_are_rare_cost_their_time() -> None:
    rules = Rules(target=2, least=0, most=10, by_jobs=True)
    usual = burst(rules)[0].first[RENDER]
    assert burst(rules, start=(90, 90))[0].first[RENDER] == pytest.approx(usual + 70)
    rare = [burst(replace(rules, poll=poll))[0].first[RENDER] for poll in (5.0, 240.0)]
    assert rare[0] < rare[1]


def test_the_load_is_what_is_ready_or_running() -> None:
    setup = Setup(services(Service(2, 2)), places=0, note=1.0)
    outcome, _ = simulated(setup, crowd(10))
    peak = max(outcome.notes, key=lambda note: note.load)
    assert peak.running == 4
    assert 25 <= peak.load <= 40  # thirty segments and a few mixes


def test_steps_of_many_jobs_share_one_machine() -> None:
    setup = Setup(services(Service(2, 1)), shared=1.0, widths={"segment": 1.5})
    outcome, _ = simulated(setup, crowd(4))
    every: Mapping[str, float] = outcome.work
    assert outcome.ended[-1] == pytest.approx(sum(every.values()), rel=0.05)
