"""Carries out a schedule of faults, and undoes all of it in the end."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from infra.chaos.faults.striking import FaultKind, NothingToHit, Struck, now_ms
from infra.chaos.schedule import Fault
from infra.chaos.site import Site

AIM_SECONDS = 3.0
"A fault waits so long for a victim that makes it worth while; then it is made anyway."
TICK = 0.05


@dataclass
class Done:
    """A fault that was made, or the reason why it was not."""

    fault: Fault
    struck: Struck | None
    why_not: str = ""
    healed: int = 0
    "In milliseconds; 0 while it lasts."


def inject(
    site: Site,
    faults: Sequence[Fault],
    kinds: Mapping[str, FaultKind],
    stop: threading.Event,
    note: Callable[[str], None] = lambda _: None,
) -> list[Done]:
    """Makes every fault at its time, or as soon after it as there is a fitting victim; heals it after it has lasted.

    The order is that of the schedule, whose clock stands still while a fault waits for its victim. Returns when all
    are healed; ends early, and heals what is open, when `stop` is set. `note` is called with a line about each.
    """
    done: list[Done] = []
    with ExitStack() as everything:
        storm = _Storm(site, kinds, list(faults), everything)
        while storm.goes_on and not stop.wait(TICK):
            site.check()
            storm.heal()
            if made := storm.strike():
                done.append(made)
                note(_told(made))
    return done


@dataclass
class _Open:
    """A fault that lasts."""

    part: str
    until: float
    harm: ExitStack
    made: Done

    def heal(self) -> None:
        self.harm.close()
        self.made.healed = self.made.healed or now_ms()


@dataclass
class _Storm:
    """The faults that are to come, and those that are open."""

    site: Site
    kinds: Mapping[str, FaultKind]
    coming: list[Fault]
    everything: ExitStack
    open: list[_Open] = field(default_factory=list)
    _start: float = field(default_factory=time.monotonic)
    "Of the schedule; later each time that a fault was late."
    _since: float | None = None
    "When the next fault began to wait for a victim."

    @property
    def goes_on(self) -> bool:
        return bool(self.coming or self.open)

    def heal(self) -> None:
        """Ends the faults that have lasted."""
        for one in [one for one in self.open if one.until <= time.monotonic()]:
            self.open.remove(one)
            one.heal()

    def strike(self) -> Done | None:
        """Makes the next fault, if its time has come."""
        if not self.coming or not self._may_strike(self.coming[0]):
            return None
        fault, self._since = self.coming.pop(0), None
        self._start = time.monotonic() - fault.at
        made, harm = Done(fault, None), ExitStack()
        one = _Open(self.kinds[fault.kind].habit.part, 0.0, harm, made)
        self.everything.callback(one.heal)
        try:
            made.struck = harm.enter_context(self.kinds[fault.kind].inject(self.site, random.Random(fault.luck)))
        except NothingToHit as reason:
            made.why_not = str(reason)
            return made
        one.until = time.monotonic() + fault.lasts
        self.open.append(one)
        return made

    def _may_strike(self, fault: Fault) -> bool:
        now, kind = time.monotonic(), self.kinds[fault.kind]
        if fault.at > now - self._start or any(kind.alone or one.part == kind.habit.part for one in self.open):
            return False
        aim = kind.aim
        self._since = now if self._since is None else self._since
        return aim is None or now - self._since >= AIM_SECONDS or _finds(aim, self.site)


def _finds(aim: Callable[[Site], bool], site: Site) -> bool:
    try:
        return aim(site)
    except NothingToHit:
        return False


def _told(done: Done) -> str:
    """A line for the log."""
    if done.struck is None:
        return f"{done.fault.kind}: {done.why_not}"
    lasts = f" for {done.fault.lasts:.1f} s" if done.fault.lasts else ""
    hit = ", ".join(f"{held.step} of {held.job}" for held in done.struck.held)
    note = f" ({done.struck.note})" if done.struck.note else ""
    return f"{done.fault.kind}{lasts}{hit and ', which hits '}{hit}{note}"
