"""The pods of one service: they start, take steps, drain and end. Pure."""

import functools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from benchmarks.scaling.autoscaler import Rules
from benchmarks.scaling.clock import Clock
from benchmarks.scaling.lines import Line, Ready
from benchmarks.scaling.machines import Machine, Run
from common.messaging.queues import QUEUES

STARTING, UP, DRAINING, GONE = "starting", "up", "draining", "gone"


@dataclass(frozen=True)
class Service:
    """The deployment of one service."""

    pods: int = 1
    "Pods at the beginning; all the time if there are no rules."
    slots: int = 1
    "Steps that a pod runs at once."
    rules: Rules | None = None
    drain: float = 20.0
    "Seconds that a step may go on in a pod that is to end (DRAIN_SECONDS)."


class Delays(NamedTuple):
    """Times between steps, in seconds."""

    start: tuple[float, float] = (10.0, 40.0)
    "From the wish for a pod until it takes hints; any time between these, pulling its image included."
    pickup: float = 0.0
    "From a hint until a free worker begins the step."


class Work(NamedTuple):
    """What a fleet asks about a step."""

    seconds: float
    "Processor seconds."
    width: float
    "Cores that it can use at once."


@dataclass
class Pod:
    number: int
    machine: Machine
    born: float
    state: str = STARTING
    up: float = math.inf
    "Since when it takes hints."
    gone: float = math.inf
    runs: dict[Ready, Run] = field(default_factory=dict)


class Told(NamedTuple):
    """Who hears of the steps."""

    begun: Callable[[Ready, Pod], None]
    done: Callable[[Ready, Pod], None]
    handed_back: Callable[[Ready, Pod, float], None]
    "With the processor seconds that were for nothing."


class Fleet:
    """All pods of one service, and the line of steps before them."""

    def __init__(
        self,
        clock: Clock,
        queue: str,
        service: Service,
        delays: Delays,
        work: Callable[[Ready], Work],
        told: Told,
        random: Random,
        machine: Machine | None = None,
    ) -> None:
        """`machine` is the one on which all pods run; None gives each a machine with a core for each slot."""
        self.service = service
        self.line = Line(QUEUES[queue].ahead)
        self.pods: list[Pod] = []
        self.running = 0
        self.live = 0
        "Pods that take hints."
        self._idle: deque[Pod] = deque()
        "A pod for each of its slots that has nothing to do. Redis gives a message to whoever has waited longest."
        self._clock, self._delays, self._work, self._told = clock, delays, work, told
        self._random, self._machine = random, machine
        self._gone_seconds = 0.0
        self._born = 0
        for _ in range(service.pods):
            self._up(self._new())

    @property
    def load(self) -> int:
        """`reelwright_queue_load`: steps that are ready or running."""
        return self.line.waiting + self.running

    @property
    def wanted(self) -> int:
        """The number of pods that the deployment has been told to have."""
        return sum(pod.state in (STARTING, UP) for pod in self.pods)

    @property
    def pod_seconds(self) -> float:
        """Seconds of all pods so far, those of starting and draining included."""
        return self._gone_seconds + sum(self._clock.now - pod.born for pod in self.pods)

    def add(self, ready: Ready) -> None:
        self.line.add(ready)
        self.give_out()

    def scale(self, pods: int) -> None:
        while self.wanted < pods:
            pod = self._new()
            self._clock.after(self._random.uniform(*self._delays.start), functools.partial(self._up, pod))
        while self.wanted > pods:
            self._drain(min(filter(lambda pod: pod.state in (STARTING, UP), self.pods), key=self._unworthiness))

    def give_out(self) -> None:
        """Hands steps to idle slots; hints follow as room appears."""
        slots = self.live * self.service.slots
        self.line.hint(slots)
        while self._idle:
            if self._idle[0].state != UP:
                self._idle.popleft()
            elif (ready := self.line.take()) is not None:
                self._begin(self._idle.popleft(), ready)
                self.line.hint(slots)
            else:
                return

    def _new(self) -> Pod:
        self._born += 1
        pod = Pod(self._born, self._machine or Machine(self._clock, self.service.slots), self._clock.now)
        self.pods.append(pod)
        return pod

    def _up(self, pod: Pod) -> None:
        if pod.state == STARTING:
            pod.state, pod.up = UP, self._clock.now
            self.live += 1
            self._idle.extend([pod] * self.service.slots)
            self.give_out()

    def _begin(self, pod: Pod, ready: Ready) -> None:
        work = self._work(ready)
        pod.runs[ready] = run = Run(ready, work.seconds, work.width, lambda: self._done(pod, ready))
        self.running += 1
        self._told.begun(ready, pod)
        self._clock.after(self._delays.pickup, lambda: self._really_begin(pod, run))

    def _really_begin(self, pod: Pod, run: Run) -> None:
        if pod.runs.get(run.ready) is run:
            pod.machine.start(run)

    def _done(self, pod: Pod, ready: Ready) -> None:
        del pod.runs[ready]
        self.running -= 1
        self._told.done(ready, pod)
        if pod.state == UP:
            self._idle.append(pod)
        elif not pod.runs:
            self._end(pod)
        self.give_out()

    def _unworthiness(self, pod: Pod) -> tuple[bool, int, float]:
        """The order in which a ReplicaSet takes its pods away: starting ones, then young ones, by powers of two."""
        age = max(1.0, self._clock.now - pod.up) if pod.state == UP else 1.0
        return pod.state == UP, int(math.log2(age)), self._random.random()

    def _drain(self, pod: Pod) -> None:
        self.live -= pod.state == UP
        pod.state = DRAINING
        if not pod.runs:
            self._end(pod)
        else:
            self._clock.after(self.service.drain, lambda: self._give_back(pod))

    def _give_back(self, pod: Pod) -> None:
        if pod.state == GONE:
            return
        for ready, run in list(pod.runs.items()):
            del pod.runs[ready]
            self.running -= 1
            self._told.handed_back(ready, pod, pod.machine.stop(run))
            self.line.add(ready)
        self._end(pod)
        self.give_out()

    def _end(self, pod: Pod) -> None:
        pod.state, pod.gone = GONE, self._clock.now
        self.pods.remove(pod)
        self._gone_seconds += pod.gone - pod.born
