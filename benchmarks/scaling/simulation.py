"""Jobs that go through the services: what waits for what, who decides, and how many pods there are. Pure.

The same setup, films and seed give the same simulation.
"""

import functools
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from benchmarks.scaling.autoscaler import Autoscaler, Rules
from benchmarks.scaling.clock import Clock
from benchmarks.scaling.films import Film
from benchmarks.scaling.fleet import Delays, Fleet, Pod, Service, Told, Work
from benchmarks.scaling.lines import Ready
from benchmarks.scaling.machines import Machine
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import PLAN, PUBLISH, StepName

RENDER, ORCHESTRATE = "render", "orchestrate"
LOOK_SECONDS, LOOK_SECONDS_PER_SCENE = 0.0017, 0.000053
"A reconciler's look at a job after one step: the figures of `./reel bench orchestration` in benchmarks/README.md."
REST, LONGEST_REST = 4, 0.5
"As in orchestrator/reconciler.py."


class Order(NamedTuple):
    """A film that somebody asks for."""

    time: float
    film: Film


@dataclass(frozen=True)
class Setup:
    """A system to be simulated."""

    services: Mapping[str, Service]
    "By queue."
    places: int = 16
    "Jobs that run at once (MAX_CONCURRENT_JOBS); 0: all."
    delays: Delays = field(default_factory=Delays)
    decide: float = 0.0
    "Seconds from the end of a step until a reconciler that is free looks at the job."
    widths: Mapping[str, float] = field(default_factory=dict)
    "Cores that steps can use at once, by kind; 1 for the others."
    shared: float | None = None
    "Cores of the one machine on which all pods run; None gives each pod a machine with a core for each slot."
    seed: int = 1
    note: float = 0.0
    "Seconds between two notes of what goes on; 0: none are taken."


class Note(NamedTuple):
    """The render service at a time."""

    time: float
    load: int
    pods: int
    "Those that were wished for."
    live: int
    running: int


class Event(NamedTuple):
    """Something that happened to a step: `ready`, `begun`, `done` or `back`."""

    time: float
    what: str
    ready: Ready
    pod: int = 0


class Job:
    def __init__(self, number: int, order: Order) -> None:
        self.number, self.film, self.asked = number, order.film, order.time
        self.started = self.ended = -1.0
        self.missing = {name: len(some) for name, some in order.film.needs.items()}
        "Number of steps that each step still waits for, as far as a reconciler knows."
        self.news: list[StepName] = []
        "Steps that were done since the last look."
        self.due = self.planned = False
        self.rested = 0.0
        "Until when no reconciler looks at it again."
        self.first: dict[str, float] = {}
        "When its first step began, by queue."


@dataclass
class Outcome:
    """What came of a simulation. Times are seconds since its beginning."""

    jobs: list[Job]
    seconds: float
    pod_seconds: dict[str, float]
    "By queue."
    work: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    "Processor seconds of steps that were done, by queue."
    wasted: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    "Processor seconds of steps that were handed back, by queue."
    back: Counter[str] = field(default_factory=Counter)
    "Steps that were handed back, by queue."
    removed: Counter[str] = field(default_factory=Counter)
    "Pods that were taken away, by queue."
    first: dict[str, float] = field(default_factory=dict)
    "When the first step of any job began, by queue."
    looking: float = 0.0
    "Seconds that reconcilers looked at jobs."
    notes: list[Note] = field(default_factory=list)

    @property
    def ended(self) -> list[float]:
        return sorted(job.ended for job in self.jobs if job.ended >= 0)


class Simulation:
    """A system, and the orders it gets."""

    def __init__(self, setup: Setup, orders: Iterable[Order], watch: Callable[[Event], None] | None = None) -> None:
        """`watch` hears of everything that happens to a step."""
        self.clock = Clock()
        self._setup, self._random, self._watch = setup, Random(setup.seed), watch
        self.jobs = [Job(number, order) for number, order in enumerate(orders)]
        self._outcome = Outcome(self.jobs, 0.0, {})
        self.fleets = self._fleets()
        self._lobby: deque[Job] = deque()
        self._due: deque[Job] = deque()
        self._looks = self._inside = self._ended = 0
        for job in self.jobs:
            self.clock.at(job.asked, functools.partial(self._ask, job))
        for queue, service in setup.services.items():
            if service.rules is not None:
                self._autoscale(queue, service.rules)
        if setup.note:
            self._take_notes()

    def run(self, latest: float, enough: int | None = None) -> Outcome:
        """Runs until all jobs, or `enough` of them, have ended, but not longer than `latest` seconds."""
        goal = len(self.jobs) if enough is None else enough
        self.clock.run(lambda: self._ended >= goal, latest)
        return self._so_far()

    def run_to_first(self, queue: str, latest: float) -> float:
        """Runs until the first step of a queue begins, and returns when that was."""
        self.clock.run(lambda: queue in self._outcome.first, latest)
        return self._outcome.first[queue]

    def rest(self, seconds: float) -> Outcome:
        """Runs on for so long: the pods go when the work is done."""
        self.clock.run(lambda: False, self.clock.now + seconds)
        return self._so_far()

    def scale(self, queue: str, pods: int) -> None:
        """Tells a deployment how many pods it is to have from now on."""
        fleet = self.fleets[queue]
        self._outcome.removed[queue] += max(0, fleet.wanted - pods)
        fleet.scale(pods)

    def _so_far(self) -> Outcome:
        self._outcome.seconds = self.clock.now
        self._outcome.pod_seconds = {queue: fleet.pod_seconds for queue, fleet in self.fleets.items()}
        return self._outcome

    def _fleets(self) -> dict[str, Fleet]:
        setup = self._setup
        machine = Machine(self.clock, setup.shared) if setup.shared is not None else None
        told = Told(self._begun, self._done, self._handed_back)
        given = setup.delays, self._work, told, self._random, machine
        return {queue: Fleet(self.clock, queue, service, *given) for queue, service in setup.services.items()}

    # jobs

    def _ask(self, job: Job) -> None:
        self._lobby.append(job)
        self._admit()

    def _admit(self) -> None:
        places = self._setup.places or len(self.jobs)
        while self._lobby and self._inside < places:
            job = self._lobby.popleft()
            self._inside += 1
            job.started = self.clock.now
            self._make_due(job)

    def _end(self, job: Job) -> None:
        job.ended = self.clock.now
        self._ended += 1
        self._inside -= 1
        self._admit()

    # reconcilers

    def _make_due(self, job: Job) -> None:
        if not job.due:
            job.due = True
            self._due.append(job)
            self._look()

    def _look(self) -> None:
        """Every orchestrator has one reconciler, which looks at one job after the other."""
        while self._due and self._looks < self.fleets[ORCHESTRATE].live:
            job = self._due.popleft()
            rest = job.rested - self.clock.now
            if rest > 0:
                self.clock.after(rest, functools.partial(self._look_again, job))
                continue
            job.due = False
            news, job.news = job.news, []
            seconds = LOOK_SECONDS + LOOK_SECONDS_PER_SCENE * job.film.scenes
            self._looks += 1
            self._outcome.looking += seconds
            self.clock.after(seconds, functools.partial(self._decided, job, news, seconds))

    def _look_again(self, job: Job) -> None:
        self._due.append(job)
        self._look()

    def _decided(self, job: Job, news: Sequence[StepName], seconds: float) -> None:
        self._looks -= 1
        job.rested = self.clock.now + min(LONGEST_REST, REST * seconds)
        for name in self._can_begin(job, news):
            ready = Ready(job.number, name)
            self._tell("ready", ready)
            self.fleets[STEP_KINDS[name.kind].queue].add(ready)
        if PUBLISH in news:
            self._end(job)
        self._look()

    def _can_begin(self, job: Job, news: Sequence[StepName]) -> Iterator[StepName]:
        if not job.planned:
            job.planned = True
            yield PLAN
        for done in news:
            for name in job.film.needed_by[done]:
                job.missing[name] -= 1
                if job.missing[name] == 0:
                    yield name

    # steps

    def _work(self, ready: Ready) -> Work:
        kind = ready.step.kind
        return Work(self.jobs[ready.job].film.work[ready.step], self._setup.widths.get(kind, 1.0))

    def _begun(self, ready: Ready, pod: Pod) -> None:
        self._tell("begun", ready, pod)
        job, queue = self.jobs[ready.job], STEP_KINDS[ready.step.kind].queue
        self._outcome.first.setdefault(queue, self.clock.now)
        job.first.setdefault(queue, self.clock.now)

    def _done(self, ready: Ready, pod: Pod) -> None:
        self._tell("done", ready, pod)
        job = self.jobs[ready.job]
        self._outcome.work[STEP_KINDS[ready.step.kind].queue] += job.film.work[ready.step]
        job.news.append(ready.step)
        self.clock.after(self._setup.decide, functools.partial(self._make_due, job))

    def _handed_back(self, ready: Ready, pod: Pod, spent: float) -> None:
        self._tell("back", ready, pod)
        queue = STEP_KINDS[ready.step.kind].queue
        self._outcome.back[queue] += 1
        self._outcome.wasted[queue] += spent

    def _tell(self, what: str, ready: Ready, pod: Pod | None = None) -> None:
        if self._watch is not None:
            self._watch(Event(self.clock.now, what, ready, pod.number if pod is not None else 0))

    # pods

    def _autoscale(self, queue: str, rules: Rules) -> None:
        fleet, scaler = self.fleets[queue], Autoscaler(rules)

        def under_way() -> bool:
            return rules.by_jobs and bool(self._inside or self._lobby)

        def sync() -> None:
            figure = fleet.running if rules.by_cores else fleet.load
            self.scale(queue, scaler.sync(self.clock.now, figure, fleet.wanted, floor=int(under_way())))
            self.clock.after(rules.sync, sync)

        def poll() -> None:
            self.scale(queue, scaler.poll(self.clock.now, fleet.load > 0 or under_way(), fleet.wanted))
            self.clock.after(rules.poll, poll)

        # Nobody knows where in their periods they are when the first job comes.
        self.clock.after(self._random.uniform(0, rules.sync), sync)
        self.clock.after(self._random.uniform(0, rules.poll), poll)

    def _take_notes(self) -> None:
        fleet = self.fleets[RENDER]
        note = Note(self.clock.now, fleet.load, fleet.wanted, fleet.live, fleet.running)
        self._outcome.notes.append(note)
        self.clock.after(self._setup.note, self._take_notes)
