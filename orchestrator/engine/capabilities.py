"""The toolchains a job uses, chosen among those of the live workers and pinned once for each kind of step. Pure.

A film must come from one recipe and one ffmpeg build from end to end, so a job holds on to what it took first, through
restarts and short absences. Only when a step waits for a toolchain that no worker has had for a while, and a worker has
another, does the job move to that one; work done with the old one is then done again. Who speaks is chosen in the same
spirit (`speakers.py`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from common.contracts.job import READY, RUNNING, Pins, Step
from common.contracts.kinds import NEEDS_BUILD, STEP_KINDS, tool_of, toolchain
from common.contracts.names import Kind
from common.contracts.voice import SpeechEngine


@dataclass(frozen=True)
class Fleet:
    """The capabilities of the workers."""

    last_seen: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    "Time in milliseconds at which a worker last had it, by kind of step and toolchain."
    live: Mapping[str, Collection[str]] = field(default_factory=dict)
    "Toolchains of the workers that are there now, by kind of step."
    sources: tuple[str, ...] = ()
    "Footage sources of the retrievers, in order of preference."
    engines: tuple[SpeechEngine, ...] = ()
    "Speech engines of the workers that are there now, in order of preference."

    def has(self, kind: str, chain: str) -> bool:
        return chain in self.live.get(kind, ())

    def seen_since(self, kind: str, chain: str, since: int) -> bool:
        return self.last_seen.get(kind, {}).get(chain, 0) > since

    def lost_since(self, kind: str, since: int) -> bool:
        """True if a toolchain was there after `since` that is not there now."""
        seen = self.last_seen.get(kind, {})
        return any(time > since for chain, time in seen.items() if not self.has(kind, chain))

    def engine_of(self, chain: str) -> SpeechEngine | None:
        """The speech engine of a toolchain; None for one that no worker describes."""
        tool = tool_of(chain)
        return next((engine for engine in self.engines if engine.tool == tool), None)

    def place_of(self, chain: str) -> int:
        """The place of a toolchain's speech engine in the order of preference."""
        engine = self.engine_of(chain)
        return self.engines.index(engine) if engine is not None else len(self.engines)


@dataclass
class Pinning:
    """The toolchains of one job."""

    fleet: Fleet
    pins: Pins
    "Pins of the job; replaced when toolchains and build are pinned here."
    steps: Mapping[str, Step]
    "Steps as they were before the look."
    now: int
    patience: int
    "Milliseconds for which a toolchain may be away."
    waits: bool = False
    "True when the job waits for a worker."
    away: set[str] = field(default_factory=set)
    "Kinds of steps that keep toolchains of which some are missing: a step that is ready waits for a worker, too."

    def toolchain_for(self, kind: str) -> str | None:
        """The toolchain that a worker must have for steps of `kind`; None while there is none to choose from.

        For all kinds but those of speech engines.
        """
        self._pin(NEEDS_BUILD if kind in NEEDS_BUILD else frozenset({kind}))
        return self.pins.toolchains.get(kind)

    def _pin(self, kinds: frozenset[str]) -> None:
        """Takes toolchains that are there now for kinds that go together, if the earlier ones are gone."""
        taken = {kind: chain for kind, chain in self.pins.toolchains.items() if kind in kinds}
        gone = [kind for kind, chain in taken.items() if not self.fleet.has(kind, chain)]
        if len(taken) == len(kinds) and not (gone and self.given_up(taken, gone)):
            self.away.update(kinds if gone else ())
            return
        chosen = _of_one_build(self.fleet) if kinds == NEEDS_BUILD else _of_one_kind(self.fleet, *kinds)
        if not chosen and not taken:
            # A hint for the toolchain of this version of the code waits for a worker; only a tool must be known.
            chosen = {kind: toolchain(kind) for kind in kinds if not STEP_KINDS[kind].tool}
        if not chosen:
            self.waits = True
            return
        self.pins = replace(self.pins, toolchains={**self.pins.toolchains, **chosen})
        if kinds == NEEDS_BUILD:
            self.pins = replace(self.pins, build=tool_of(chosen[Kind.SEGMENT]))

    def given_up(self, taken: Mapping[str, str], gone: Collection[str], only: str = "") -> bool:
        """True if a step has waited long enough for a worker that has these toolchains again.

        `only` limits the steps to those that need this toolchain.
        """
        of_kind = [step for step in self.steps.values() if step.kind in taken and only in ("", step.toolchain)]
        if not any(step.state == READY for step in of_kind):
            return False
        recent = any(self.fleet.seen_since(kind, taken[kind], self.now - self.patience) for kind in gone)
        return not recent and not any(step.state == RUNNING and step.lease > self.now for step in of_kind)


def _of_one_kind(fleet: Fleet, kind: str) -> dict[str, str]:
    live = fleet.live.get(kind, ())
    return {kind: _best(kind, live)} if live else {}


def _of_one_build(fleet: Fleet) -> dict[str, str]:
    """Toolchains of one build for all kinds that need one: this version of the code's if there, else the least."""
    by_build = {
        build: {
            kind: _best(kind, [chain for chain in fleet.live.get(kind, ()) if tool_of(chain) == build], build)
            for kind in NEEDS_BUILD
        }
        for build in {tool_of(chain) for chain in fleet.live.get(Kind.SEGMENT, ())}
    }
    complete = {build: chains for build, chains in by_build.items() if all(chains.values())}
    own = [
        build
        for build, chains in complete.items()
        if all(chain == toolchain(kind, build) for kind, chain in chains.items())
    ]
    chosen = min(own or complete, default=None)
    return complete[chosen] if chosen is not None else {}


def _best(kind: str, chains: Collection[str], build: str = "") -> str:
    own = toolchain(kind, build)
    return own if own in chains else min(chains, default="")
