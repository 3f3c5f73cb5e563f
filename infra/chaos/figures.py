"""The results of a run of chaos, in numbers and lines. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from common.contracts.job import CANCELLED, DONE, ELSEWHERE, RUNNING, TERMINAL, Event
from common.contracts.names import Kind, StepName
from infra.chaos.injector import Done
from infra.chaos.invariants import Record

LEGEND = (
    "Steps hit: those under way in the part that was harmed. The times are seconds since the fault: median / 99th",
    "percentile / longest. A step that survived its fault was done, but not started again.",
)
HANDED_OVER = frozenset({DONE, *ELSEWHERE})
"States of a step whose run came to something."
SHOWN = 50
"Violations that are printed; the first ones explain the rest."


class Recovery(NamedTuple):
    """The recovery of a step that a fault hit, in seconds after the fault."""

    restart: float | None
    "Time until it was started again; None if its holder survived and went on."
    commit: float


@dataclass
class Tally:
    """One row of the table of faults."""

    count: int = 0
    not_made: str = ""
    recoveries: list[Recovery] = field(default_factory=list)


@dataclass
class Report:
    """Everything a run has to say."""

    seed: int
    seconds: float
    faults: Mapping[str, Tally]
    outcomes: Counter[str]
    wishes: Counter[str]
    runs: int
    "Steps that were started, in jobs that were not cancelled."
    repeated: int
    "Of these, starts of a step that had been started before and not been done."
    settled: float
    "Seconds from the end of the faults to the end of the last job, or of hope."
    violations: Sequence[str] = ()
    ordered: int = 0
    "Clips that were ordered at the far studio."
    called_off: int = 0

    @property
    def well(self) -> bool:
        return not self.violations


def tally(done: Sequence[Done], records: Sequence[Record]) -> dict[str, Tally]:
    """A row per kind of fault, with the recovery of every step it hit."""
    events = {record.id: record.events for record in records}
    table: dict[str, Tally] = {}
    for one in done:
        row = table.setdefault(one.fault.kind, Tally())
        if one.struck is None:
            row.not_made = one.why_not
            continue
        row.count += 1
        found = (recovery(events.get(held.job, ()), held.step, one.struck.at) for held in one.struck.held)
        row.recoveries += [each for each in found if each is not None]
    return table


def recovery(events: Sequence[Event], step: str, at: int) -> Recovery | None:
    """None if the step was not done, or given to somebody elsewhere, after `at` (ms), or a user wished something else
    of its job before that.
    """
    started: int | None = None
    for event in events:
        if event.at <= at:
            continue
        if event.type == "wish":
            return None
        if event.type != "step" or event.data["step"] != step:
            continue
        if event.data["state"] == RUNNING and started is None:
            started = event.at
        if event.data["state"] in HANDED_OVER:
            return Recovery((started - at) / 1000 if started is not None else None, (event.at - at) / 1000)
    return None


def executions(records: Sequence[Record]) -> tuple[int, int]:
    """The number of steps started, and of these starts that came to nothing. Cancelled jobs do not count."""
    runs = useful = 0
    for record in records:
        if record.job is None or record.job.state == CANCELLED:
            continue
        for event in record.events:
            if event.type == "step" and StepName(str(event.data["step"])).kind != Kind.CAST:
                runs += event.data["state"] == RUNNING
                useful += event.data["state"] in HANDED_OVER and not event.data.get("reused")
    return runs, max(0, runs - useful)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> str:
    """`p50 / p99 / max` in seconds."""
    if not values:
        return "-"
    return " / ".join(f"{value:.1f}" for value in (percentile(values, 0.5), percentile(values, 0.99), max(values)))


def lines(report: Report) -> list[str]:
    """The report for a person."""
    made = sum(row.count for row in report.faults.values())
    jobs = sum(report.outcomes.values())
    text = [
        f"seed {report.seed}: {made} faults in {report.seconds:.0f} s, {jobs} jobs accepted",
        "",
        f"{'fault':<30} {'times':>5} {'steps hit':>10} {'started again after':>21} {'done after':>21}",
    ]
    text += [_row(kind, row) for kind, row in sorted(report.faults.items(), key=lambda item: -item[1].count)]
    everything = Tally(made, "", [one for row in report.faults.values() for one in row.recoveries])
    outcomes = ", ".join(f"{count} {state}" for state, count in report.outcomes.most_common())
    wishes = ", ".join(f"{count} {wish}" for wish, count in report.wishes.most_common())
    share = 100 * report.repeated / report.runs if report.runs else 0.0
    text += [
        _row("all", everything),
        *LEGEND,
        "",
        f"jobs: {outcomes or 'none'}",
        f"wishes of users that were granted: {wishes or 'none'}",
        f"clips ordered elsewhere: {report.ordered}, {report.called_off} of them called off",
        f"steps were started {report.runs} times; {report.repeated} of these starts ({share:.1f} %) came to nothing",
        _settled(report),
    ]
    if report.well:
        return [*text, "every invariant holds: nothing was lost, broken, done twice or left over"]
    count = len(report.violations)
    head = "an invariant is violated:" if count == 1 else f"{count} violations of invariants:"
    shown = [f"  {violation}" for violation in report.violations[:SHOWN]]
    return [*text, head, *shown, *([f"  ... and {count - SHOWN} more"] if count > SHOWN else [])]


def _settled(report: Report) -> str:
    if set(report.outcomes) <= TERMINAL:
        return f"all jobs had ended {report.settled:.1f} s after the last fault"
    return f"not all jobs have ended, and nothing moved any more {report.settled:.1f} s after the last fault"


def _row(kind: str, row: Tally) -> str:
    if not row.count and row.not_made:
        return f"{kind:<30} {0:>5} {'':>10} not made: {row.not_made}"
    again = [one.restart for one in row.recoveries if one.restart is not None]
    done = [one.commit for one in row.recoveries]
    return f"{kind:<30} {row.count:>5} {len(row.recoveries):>10} {spread(again):>21} {spread(done):>21}"
