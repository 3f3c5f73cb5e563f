"""Carries out a schedule of faults, and undoes all of it in the end."""

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from infra.chaos.faults import FaultKind, NothingToHit, Struck
from infra.chaos.schedule import Fault
from infra.chaos.site import Site


class Done(NamedTuple):
    """A fault that was made, or the reason why it was not."""

    fault: Fault
    struck: Struck | None
    why_not: str = ""


def inject(
    site: Site,
    faults: Sequence[Fault],
    kinds: Mapping[str, FaultKind],
    stop: threading.Event,
    note: Callable[[str], None] = lambda _: None,
) -> list[Done]:
    """Makes every fault at its time and heals it after it has lasted. Returns when all of them are healed.

    Ends early, and heals what is open, when `stop` is set. `note` is called with a line about each fault.
    """
    started = time.monotonic()
    done: list[Done] = []
    order = itertools.count()  # a heap must never have to compare what it orders
    coming: list[tuple[float, int, Fault | ExitStack]] = [(fault.at, next(order), fault) for fault in faults]
    heapq.heapify(coming)
    with ExitStack() as everything:
        while coming and not stop.wait(max(0.0, coming[0][0] - (time.monotonic() - started))):
            site.check()
            _, _, task = heapq.heappop(coming)
            if isinstance(task, ExitStack):
                task.close()
                continue
            harm = everything.enter_context(ExitStack())
            done.append(_make(site, task, kinds[task.kind], harm))
            note(_told(done[-1]))
            heapq.heappush(coming, (time.monotonic() - started + task.lasts, next(order), harm))
    return done


def _make(site: Site, fault: Fault, kind: FaultKind, harm: ExitStack) -> Done:
    try:
        return Done(fault, harm.enter_context(kind.inject(site, random.Random(fault.luck))))
    except NothingToHit as reason:
        return Done(fault, None, str(reason))


def _told(done: Done) -> str:
    """A line for the log."""
    if done.struck is None:
        return f"{done.fault.kind}: {done.why_not}"
    lasts = f" for {done.fault.lasts:.1f} s" if done.fault.lasts else ""
    hit = ", ".join(f"{held.step} of {held.job}" for held in done.struck.held)
    return f"{done.fault.kind}{lasts}{hit and ', which hits '}{hit}"
