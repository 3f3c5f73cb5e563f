"""Which offer of the workers a job takes, settled once for each kind of step. Pure.

A film must come from one recipe and one ffmpeg build from end to end, so a job holds on to what it took first, through
restarts and short absences. Only when a step waits for an offer that nobody has made for a while, and somebody makes
another, does the job move to that one; what was done by the old one is then done again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.contracts.job import READY, RUNNING, Step
from common.contracts.steps import NEEDS_BUILD, kind_of, offer


@dataclass(frozen=True)
class Fleet:
    """What the workers can do."""

    offers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    "By kind of step and offer: when it was last made, in milliseconds."
    live: Mapping[str, Collection[str]] = field(default_factory=dict)
    "By kind of step: the offers that are made now."
    sources: tuple[str, ...] = ()
    "Footage sources of the retrievers, in order of preference."

    def makes(self, kind: str, one: str) -> bool:
        return one in self.live.get(kind, ())

    def made_since(self, kind: str, one: str, since: int) -> bool:
        return self.offers.get(kind, {}).get(one, 0) > since


@dataclass
class Pinning:
    """The offers one job takes."""

    fleet: Fleet
    pins: dict[str, Any]
    "Of the job; `offers` (by kind) and `build` are set here."
    steps: Mapping[str, Step]
    "As they were before the look."
    now: int
    patience: int
    "Milliseconds for which an offer may be away."
    waits: bool = False
    "True when the job waits for a worker."
    away: set[str] = field(default_factory=set)
    "Kinds of steps whose offers are kept although not all of them are made: who is ready now waits for a worker, too."

    def needs(self, kind: str) -> str | None:
        """The offer that a worker must make for steps of `kind`; None while there is nobody to choose from."""
        self._settle(NEEDS_BUILD if kind in NEEDS_BUILD else frozenset({kind}))
        taken: str | None = self.pins.get("offers", {}).get(kind)
        return taken

    def _settle(self, kinds: frozenset[str]) -> None:
        """Takes what is offered now for kinds that go together, if what was taken before is there no more."""
        taken = {kind: one for kind, one in self.pins.get("offers", {}).items() if kind in kinds}
        gone = [kind for kind, one in taken.items() if not self.fleet.makes(kind, one)]
        if len(taken) == len(kinds) and not (gone and self._given_up(taken, gone)):
            self.away.update(kinds if gone else ())
            return
        chosen = _of_one_build(self.fleet) if kinds == NEEDS_BUILD else _of_one_kind(self.fleet, *kinds)
        if not chosen and not taken:
            # A hint for what this version of the code would offer waits for a worker; only a build must be known.
            chosen = {kind: offer(kind) for kind in kinds - NEEDS_BUILD}
        if chosen:
            self.pins["offers"] = {**self.pins.get("offers", {}), **chosen}
            if kinds == NEEDS_BUILD:
                self.pins["build"] = _build(chosen["segment"])
        else:
            self.waits = True

    def _given_up(self, taken: Mapping[str, str], gone: Collection[str]) -> bool:
        """Has a step waited long enough for somebody who makes these offers again?"""
        of_kind = [step for step in self.steps.values() if kind_of(step.name) in taken]
        if not any(step.state == READY for step in of_kind):
            return False
        recent = any(self.fleet.made_since(kind, taken[kind], self.now - self.patience) for kind in gone)
        return not recent and not any(step.state == RUNNING and step.lease > self.now for step in of_kind)


def _of_one_kind(fleet: Fleet, kind: str) -> dict[str, str]:
    live = fleet.live.get(kind, ())
    return {kind: _best(kind, live)} if live else {}


def _of_one_build(fleet: Fleet) -> dict[str, str]:
    """Offers of one build for all kinds that need one: of this version of the code if there are, else the least."""
    by_build = {
        build: {
            kind: _best(kind, [one for one in fleet.live.get(kind, ()) if _build(one) == build], build)
            for kind in NEEDS_BUILD
        }
        for build in {_build(one) for one in fleet.live.get("segment", ())}
    }
    whole = {build: offers for build, offers in by_build.items() if all(offers.values())}
    own = [build for build, offers in whole.items() if all(one == offer(kind, build) for kind, one in offers.items())]
    build = min(own or whole, default=None)
    return whole[build] if build is not None else {}


def _best(kind: str, offers: Collection[str], build: str = "") -> str:
    own = offer(kind, build)
    return own if own in offers else min(offers, default="")


def _build(one: str) -> str:
    return one.partition("/")[2]
